import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { pairByMark, pairByPosition } from './pairing.ts';

describe('pairByMark', () => {
  const marks = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 12 });

  test('uses every element of both sides exactly once', () => {
    fc.assert(
      fc.property(marks, marks, fc.boolean(), (old, newer, strict) => {
        const { pairs } = pairByMark(old, newer, strict);
        const numbers = (side: 0 | 1) =>
          pairs
            .map((pair) => pair[side])
            .filter((index) => index !== undefined)
            .sort((a, b) => a - b);
        expect(numbers(0)).toEqual([...old.keys()]);
        expect(numbers(1)).toEqual([...newer.keys()]);
      }),
    );
  });

  test('pairs as many equal marks as there are', () => {
    fc.assert(
      fc.property(marks, (old) => {
        const { pairs } = pairByMark(old, old.toSorted(), true);
        expect(pairs).toHaveLength(old.length);
      }),
    );
  });

  test('says whether recognised elements have moved', () => {
    expect(pairByMark(['a', 'b', 'c'], ['a', 'c'], true).moved).toBe(false);
    expect(pairByMark(['a', 'b', 'c'], ['b', 'a', 'c'], true).moved).toBe(true);
    expect(pairByMark(['a', 'b'], ['x', 'y'], false).moved).toBe(false);
  });

  test('pairs changed elements in sequence unless it is strict', () => {
    expect(pairByMark(['a', 'b', 'c'], ['a', 'x', 'c'], false).pairs).toContainEqual([1, 1]);
    expect(pairByMark(['a', 'b', 'c'], ['a', 'x', 'c'], true).pairs).toEqual(
      expect.arrayContaining([
        [1, undefined],
        [undefined, 1],
      ]),
    );
  });
});

test('pairByPosition leaves the surplus of the longer side alone', () => {
  expect(pairByPosition(1, 3).pairs).toEqual([
    [0, 0],
    [undefined, 1],
    [undefined, 2],
  ]);
});
