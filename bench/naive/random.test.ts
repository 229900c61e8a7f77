import { describe, expect, test } from '@jest/globals';
import { random } from './random.ts';

const take = (seed: number, many: number): number[] => {
  const next = random(seed);
  return Array.from({ length: many }, next);
};

describe('random', () => {
  test('the seed decides the numbers', () => {
    expect(take(7, 100)).toEqual(take(7, 100));
    expect(take(7, 100)).not.toEqual(take(8, 100));
  });

  test('they spread evenly over [0, 1)', () => {
    const tenths = Map.groupBy(take(7, 100_000), (number) => Math.floor(number * 10));
    expect([...tenths.keys()].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for (const { length } of tenths.values()) expect(Math.abs(length - 10_000)).toBeLessThan(500);
  });
});
