import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { inOldOrder, isMoved, pairByMark, pairInSequence } from './pairing.ts';

const marked = <M>(marks: readonly M[]) => ({ indexes: [...marks.keys()], marks });

describe('pairByMark', () => {
  const marks = fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 12 });

  test('uses every element of both sides exactly once, and pairs only equal marks', () => {
    fc.assert(
      fc.property(marks, marks, (old, newer) => {
        const { pairs, left } = pairByMark(marked(old), marked(newer));
        expect([...pairs.map(([index]) => index), ...left.old].sort((a, b) => a - b)).toEqual([...old.keys()]);
        expect([...pairs.map(([, index]) => index), ...left.new].sort((a, b) => a - b)).toEqual([...newer.keys()]);
        for (const [a, b] of pairs) expect(old[a]).toBe(newer[b]);
      }),
    );
  });

  test('pairs as many equal marks as there are', () => {
    fc.assert(
      fc.property(marks, (old) => {
        expect(pairByMark(marked(old), marked(old.toSorted())).pairs).toHaveLength(old.length);
      }),
    );
  });

  test('never lets elements with the same mark change places', () => {
    fc.assert(
      fc.property(fc.array(fc.constant('same')), fc.array(fc.constant('same')), (old, newer) => {
        expect(isMoved(pairByMark(marked(old), marked(newer)).pairs)).toBe(false);
      }),
    );
  });
});

test('isMoved says whether partners stand in another order', () => {
  const moved = (old: string, newer: string) => isMoved(pairByMark(marked([...old]), marked([...newer])).pairs);
  expect(moved('abc', 'ac')).toBe(false);
  expect(moved('abc', 'bac')).toBe(true);
  expect(moved('ab', 'xy')).toBe(false);
});

test('pairInSequence leaves the surplus of the longer side alone', () => {
  expect(pairInSequence({ old: [4], new: [1, 2, 3] })).toEqual([
    [4, 1],
    [undefined, 2],
    [undefined, 3],
  ]);
});

test('inOldOrder puts what is only new last', () => {
  const pairs = [[undefined, 2] as const, [3, 0] as const, [undefined, 1] as const, [0, 5] as const];
  expect(inOldOrder(pairs)).toEqual([
    [0, 5],
    [3, 0],
    [undefined, 1],
    [undefined, 2],
  ]);
});
