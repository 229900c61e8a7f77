import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { median, quantile, ratio, rounded, table } from './figures.ts';

const some = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 });

describe('figures', () => {
  test('the median is the middle value, or the mean of the two in the middle', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 2, 100])).toBe(3);
  });

  test('a quantile is one of the values, and none lies outside of them', () => {
    expect(quantile([5, 1, 2, 4, 3], 0.5)).toBe(3);
    expect(quantile([5, 1, 2, 4, 3], 0.99)).toBe(5);
    expect(quantile([], 0.5)).toBeNaN();
    fc.assert(
      fc.property(some, fc.double({ min: 0, max: 1, noNaN: true }), (all, at) => all.includes(quantile(all, at))),
    );
  });

  test('a ratio compares round by round, so a slow round of both changes nothing', () => {
    expect(ratio([20, 2, 20], [10, 1, 10])).toBe(2);
    expect(ratio([30, 2, 20], [10, 1, 10])).toBe(2);
  });

  test('figures keep three digits, thousands all of theirs', () => {
    expect(rounded(12_345.6)).toBe(12_346);
    expect(rounded(1.23456)).toBe(1.23);
  });

  test('a table puts names to the left and figures to the right', () => {
    expect(
      table([
        ['', 'requests/s'],
        ['nginx', 43_210.4],
      ]),
    ).toBe(['          requests/s', '  nginx       43,210'].join('\n'));
  });
});
