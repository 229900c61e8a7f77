import { describe, expect, test } from '@jest/globals';
import { chanceOf } from './chance.ts';

const some = (seed: number, name: string): number[] => {
  const chance = chanceOf(seed, name);
  return Array.from({ length: 50 }, () => chance.between(10, 20));
};

describe('chance', () => {
  test('is the same again for the same seed and fault, and for no other', () => {
    expect(some(1, 'cdc killed')).toEqual(some(1, 'cdc killed'));
    expect(some(2, 'cdc killed')).not.toEqual(some(1, 'cdc killed'));
    expect(some(1, 'proxy killed')).not.toEqual(some(1, 'cdc killed'));
  });

  test('stays between its limits', () => {
    for (const number of some(3, 'anything')) {
      expect(number).toBeGreaterThanOrEqual(10);
      expect(number).toBeLessThan(20);
    }
    const chance = chanceOf(4, 'anything');
    const drawn = new Set(Array.from({ length: 200 }, () => chance.below(3)));
    expect([...drawn].sort()).toEqual([0, 1, 2]);
    expect([chance.happens(0), chance.happens(1)]).toEqual([false, true]);
  });
});
