import { describe, expect, test } from '@jest/globals';
import { portions } from './portions.ts';

const sizes = (all: string[], most: number): number[] =>
  [...portions(all, most, (text) => text.length)].map(({ length }) => length);

describe('pieces that one statement takes', () => {
  test('count their items', () => {
    expect(sizes(['a', 'b', 'c', 'd', 'e'], 2)).toEqual([2, 2, 1]);
    expect(sizes([], 2)).toEqual([]);
  });

  test('and their characters; what is too long goes alone', () => {
    const long = 'x'.repeat(1_500_000);
    expect(sizes(['a', long, 'b', long, `${long}${long}`, 'c'], 100)).toEqual([3, 1, 1, 1]);
  });
});
