import { expect, test } from '@jest/globals';
import { upperBound } from './certainty.ts';

test('nothing wrong in 300 days rules out one in a hundred, in 100 days it does not', () => {
  expect(upperBound(0, 300)).toBeCloseTo(1 - 0.05 ** (1 / 300), 6);
  expect(upperBound(0, 100)).toBeGreaterThan(0.01);
});

test('what was seen is never ruled out, and of nothing seen everything is possible', () => {
  expect(upperBound(5, 100)).toBeCloseTo(0.1023, 3);
  expect([upperBound(0, 0), upperBound(3, 3)]).toEqual([1, 1]);
});
