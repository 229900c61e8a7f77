import { isDeepStrictEqual } from 'node:util';
import { afterEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compareReplies, PATIENT, parseJson, type Rule, ruleSet, stringifyJson, toReply } from './index.ts';

const reply = (body: string | Uint8Array, contentType = 'application/json') =>
  toReply({ status: 200, headers: { 'content-type': contentType }, body });

/** Documents whose names, texts and numbers are the ones that break things, as JSON text. */
const names = fc.constantFrom(
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'length',
  '',
  'id',
  'a.b',
  "'",
  '[0]',
  '\u0000',
  'ﬀ',
  '💥',
);
const literals = fc.constantFrom(
  ...['null', 'true', 'false', '0', '1e400', '-1e-400', '9007199254740993', '0.1234567890123456789', '""'],
  ...[
    '"NaN"',
    '"Infinity"',
    '"undefined"',
    '"null"',
    '"2026-01-01T00:00:00Z"',
    '"9007199254740993"',
    '"12345678901234567890,"',
    '"\\ud800"',
    '"\\"1234567890123456789"',
  ],
);
const { hostile } = fc.letrec<{ hostile: string }>((tie) => ({
  hostile: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    literals,
    fc.array(tie('hostile'), { maxLength: 4 }).map((elements) => `[${elements.join(',')}]`),
    fc
      .array(fc.tuple(names, tie('hostile')), { maxLength: 4 })
      .map((members) => `{${members.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(', ')}}`),
  ),
}));

const rulePath = fc
  .array(fc.constantFrom('.id', '[*]', '.*', '[0]', "['a.b']", '.__proto__', '.constructor', '..id'), { maxLength: 3 })
  .map((steps) => `$${steps.join('')}`);
const ruleKind = fc.constantFrom<object>(
  ...[
    { kind: 'ignore' },
    { kind: 'shape-only' },
    { kind: 'unordered' },
    { kind: 'keyed-by', key: 'id' },
    { kind: 'id-map', map: 'm' },
  ],
  ...[
    { kind: 'numeric-string-is-number' },
    { kind: 'number-is-boolean' },
    { kind: 'null-is-absent' },
    { kind: 'empty-is-null' },
  ],
  ...[
    { kind: 'same-instant', zone: 'Z' },
    { kind: 'tolerance', absolute: 1 },
    { kind: 'collation', by: 'id' },
  ],
);
const someRules: fc.Arbitrary<Rule[]> = fc
  .uniqueArray(fc.tuple(rulePath, ruleKind), { maxLength: 5, selector: (one) => JSON.stringify(one) })
  .map((all) => all.map(([path, kind], at) => ({ id: `r${at}`, reason: 'test', path, ...kind }) as Rule))
  .filter((rules) => new Set(rules.map(({ kind, path }) => `${kind} ${path}`)).size === rules.length);

/** The same values, to be read again: other blanks, so that nobody can do with the bytes. */
const again = (json: string) => `\n ${json} `;
const compare = (old: string, newer: string, rules: readonly Rule[] = []) =>
  compareReplies(reply(old), reply(newer), rules, { budget: PATIENT });

afterEach(() => {
  expect(Object.getOwnPropertyNames(Object.prototype)).toHaveLength(12);
  for (const name of ['id', 'polluted', 'a.b']) expect(({} as Record<string, unknown>)[name]).toBeUndefined();
});

describe('whatever a body holds', () => {
  test('it is equal to itself, under any rules, and no rule is credited', () => {
    fc.assert(
      fc.property(hostile, someRules, (json, rules) => {
        fc.pre(!rules.some(({ kind }) => kind === 'id-map')); // equal ids need not correspond
        const { kind, differences, hits } = compare(json, again(json), rules);
        expect({ kind, differences, hits }).toEqual({ kind: 'equal', differences: [], hits: {} });
      }),
      { numRuns: 1000 },
    );
  });

  test('what differs differs both ways', () => {
    fc.assert(
      fc.property(hostile, hostile, (a, b) => {
        const [there, back] = [compare(a, b), compare(b, a)];
        expect(there.kind).toBe(back.kind);
        expect(there.differences.length).toBe(back.differences.length);
        expect(there.kind === 'equal').toBe(isDeepStrictEqual(parseJson(a), parseJson(b)));
      }),
      { numRuns: 1000 },
    );
  });

  test('rules only ever excuse: what is equal without stays so, and every difference left was there without', () => {
    fc.assert(
      fc.property(hostile, hostile, someRules, (a, b, rules) => {
        const [without, within] = [compare(a, b), compare(a, b, rules)];
        const strict = rules.some(({ kind }) => kind === 'id-map');
        if (without.kind === 'equal' && !strict) expect(within.kind).toBe('equal');
        if (within.kind === 'equal') expect(without.kind).toBe('equal');
        if (within.kind === 'equal-by-rule') expect(Object.keys(within.hits).length).toBeGreaterThan(0);
      }),
      { numRuns: 1000 },
    );
  });

  test('a rule that names nothing in it changes nothing', () => {
    fc.assert(
      fc.property(hostile, hostile, ruleKind, (a, b, kind) => {
        const elsewhere = { id: 'r', reason: 'test', path: '$.nobody.is.called[7].this', ...kind } as Rule;
        expect(compare(a, b, [elsewhere])).toEqual(compare(a, b));
      }),
      { numRuns: 500 },
    );
  });

  test('any budget is kept, and never turns a difference into equality', () => {
    fc.assert(
      fc.property(hostile, hostile, fc.nat(20), fc.nat(4), (a, b, nodes, depth) => {
        const limited = compareReplies(reply(a), reply(b), [], { budget: { nodes, depth, milliseconds: 1000 } });
        if (limited.kind === 'equal') expect(compare(a, b).kind).toBe('equal');
        if (limited.kind === 'mismatch') expect(compare(a, b).kind).toBe('mismatch');
        expect(['equal', 'mismatch', 'truncated']).toContain(limited.kind);
      }),
      { numRuns: 1000 },
    );
  });

  test('results are plain data', () => {
    fc.assert(
      fc.property(hostile, hostile, someRules, (a, b, rules) => {
        const result = compare(a, b, rules);
        expect(structuredClone(result)).toEqual(result);
        expect(JSON.parse(JSON.stringify(result)).kind).toBe(result.kind);
      }),
    );
  });

  test('bytes of any kind under any name are read or refused, never thrown at the caller', () => {
    const types = fc.constantFrom(
      'application/json',
      'text/html; charset=utf-16',
      'text/plain; charset=x',
      'image/png',
      '',
      'application/x-www-form-urlencoded',
    );
    const encodings = fc.constantFrom('', 'gzip', 'br', 'deflate', 'zstd', 'gzip, br', 'nonsense');
    const anyReply = (body: Uint8Array, type: string, encoding: string) =>
      toReply({ status: 200, headers: { 'content-type': type, 'content-encoding': encoding }, body });
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), types, encodings, (a, b, type, encoding) => {
        const { kind } = compareReplies(anyReply(a, type, encoding), anyReply(b, type, encoding));
        expect(['equal', 'mismatch', 'not-comparable']).toContain(kind);
        if (isDeepStrictEqual(a, b)) expect(kind).toBe('equal');
      }),
      { numRuns: 500 },
    );
  });
});

describe('what is no JSON', () => {
  const spoiled = fc
    .tuple(
      hostile,
      fc.nat(),
      fc.constantFrom('', ',', ':', '"', '1', '.', '-', 'e5', '0', '12345678901234567', '{', ']', '\\', ' '),
    )
    .map(([json, at, put]) => {
      const place = at % (json.length + 1);
      return json.slice(0, place) + put + json.slice(place + (put === '' ? 1 : 0));
    });
  const parses = (parse: (text: string) => unknown, text: string) => {
    try {
      parse(text);
      return true;
    } catch (error) {
      expect(error).toBeInstanceOf(SyntaxError);
      return false;
    }
  };

  test('is none here exactly where it is none for JSON.parse', () => {
    fc.assert(
      fc.property(spoiled, (text) => expect(parses(parseJson, text)).toBe(parses(JSON.parse, text))),
      { numRuns: 3000 },
    );
  });

  test.each([
    '{12345678901234567890:1}',
    `{12345678901234567890${' '.repeat(500)}:1}`,
    '[12345678901234567890.]',
    '[012345678901234567890]',
    '[+12345678901234567890]',
    '[12345678901234567890 12345678901234567890]',
    '["a"12345678901234567890]',
    '[12345678901234567890"a"]',
    '[.12345678901234567890]',
    '[1e9999.5]',
    '[--1e9999]',
  ])('%s stays none, though its number is set aside while parsing', (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
  });

  test('numbers in texts and names stay what they are', () => {
    const text = String.raw`{"12345678901234567890":"12345678901234567890","a\"12345678901234567890":["\\",12345678901234567890]}`;
    expect(stringifyJson(parseJson(text))).toBe(text);
  });

  test('every digit comes out as it went in', () => {
    const digits = fc.stringMatching(/^-?(0|[1-9]\d{0,30})(\.\d{1,30})?([eE][+-]?\d{1,4})?$/);
    fc.assert(
      fc.property(fc.array(digits), (all) => {
        const value = parseJson(`[${all.join(',')}]`);
        expect(compare(`[${all.join(',')}]`, again(stringifyJson(value))).kind).toBe('equal');
      }),
    );
  });
});

describe('time that hostile texts take', () => {
  // Each of these takes hours where something is quadratic; the test's own time limit is the assertion.
  const long = 300_000;
  test.each([
    ['letters of numbers', `["${'e'.repeat(long)}1e999"]`],
    [
      'many long numbers',
      `[${Array(long / 20)
        .fill('12345678901234567890')
        .join(',')}]`,
    ],
    ['quotes and backslashes', `["${'\\"'.repeat(long)}",12345678901234567890]`],
    ['nothing but opening brackets', '['.repeat(long)],
    ['one number without an end', '1'.repeat(long)],
  ])('%s', (_, text) => {
    expect(['equal', 'mismatch']).toContain(compareReplies(reply(text), reply(`${text} `), ruleSet([])).kind);
  });
});
