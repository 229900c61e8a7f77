import { describe, expect, test } from '@jest/globals';
import { RuleError, validateRules } from './rules.ts';

function mistakesOf(rules: unknown): readonly string[] {
  try {
    validateRules(rules);
  } catch (error) {
    if (error instanceof RuleError) return error.mistakes;
    throw error;
  }
  return [];
}

describe('validateRules', () => {
  test('accepts every kind', () => {
    const kinds = [
      { kind: 'ignore' },
      { kind: 'tolerance', absolute: 0.01, relative: 0, milliseconds: 5 },
      { kind: 'unordered' },
      { kind: 'keyed-by', key: 'id' },
      { kind: 'id-map', map: 'order' },
      { kind: 'shape-only', minimum: 0, maximum: 10, milliseconds: 5 },
      { kind: 'collation', by: 'name' },
      { kind: 'rename', to: 'c' },
      { kind: 'number-is-boolean' },
      { kind: 'empty-is-null' },
      { kind: 'same-instant', zone: '+02:00', milliseconds: 1000 },
      { kind: 'numeric-string-is-number' },
      { kind: 'null-is-absent' },
    ];
    expect(mistakesOf(kinds.map((kind) => ({ id: kind.kind, reason: 'because', path: '$.a[*].b', ...kind })))).toEqual(
      [],
    );
    expect(mistakesOf([{ id: 'a', reason: 'b', path: 'headers.cache-control', kind: 'ignore' }])).toEqual([]);
  });

  test('names every mistake at once', () => {
    const mistakes = mistakesOf([
      { id: '', reason: ' ', path: 'total', kind: 'ignore' },
      { id: 'b', reason: 'x', path: '$.a[', kind: 'hide' },
      { id: 'c', reason: 'x', path: '$.a', kind: 'tolerance', absolut: 1 },
      { id: 'd', reason: 'x', path: '$.a', kind: 'tolerance', absolute: -1, relative: '1' },
      { id: 'e', reason: 'x', path: '$.e', kind: 'id-map' },
      { id: 'e', reason: 'x', path: '$.e', kind: 'id-map', map: 'm' },
      { id: 'f', reason: 'x', path: 'status', kind: 'ignore' },
      'no rule',
    ]);
    const expected: [string, RegExp][] = [
      ['rules[0]', /id must be/],
      ['rules[0]', /reason must be/],
      ['rules[0]', /must begin with \$/],
      ['rules[1] "b"', /not understood from "\[" on/],
      ['rules[1] "b"', /kind "hide" is unknown; known are ignore/],
      ['rules[2] "c"', /absolut is not a field/],
      ['rules[2] "c"', /needs at least one of absolute/],
      ['rules[3] "d"', /relative must be a number/],
      ['rules[4] "e"', /map must be/],
      ['rules[5] "e"', /id is already used/],
      ['rules[5] "e"', /kind, path and scope are already used/],
      ['rules[6] "f"', /a status is never excused/],
      ['rules[7]', /must be an object/],
    ];
    for (const [where, what] of expected) {
      expect(mistakes.filter((mistake) => mistake.startsWith(`${where}:`) && what.test(mistake))).toHaveLength(1);
    }
    expect(() => validateRules({})).toThrow('rules must be a list');
  });
});
