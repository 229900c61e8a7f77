import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { greatestRate, pairsNeeded } from './evidence.ts';

describe('evidence', () => {
  test.each([
    [0.01, 299],
    [0.005, 598],
    [0.001, 2995],
    [0.0001, 29956],
  ])('for a rate below %d takes %d equal pairs', (limit, pairs) => {
    expect(pairsNeeded(limit)).toBe(pairs);
    expect(greatestRate(0, pairs)).toBeLessThanOrEqual(limit);
    expect(greatestRate(0, pairs - 1)).toBeGreaterThan(limit);
  });

  test('the greatest rate lies above the one seen, falls with more pairs and rises with more mismatches', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 51, max: 5000 }), (mismatches, pairs) => {
        const greatest = greatestRate(mismatches, pairs);
        expect(greatest).toBeGreaterThan(mismatches / pairs);
        expect(greatestRate(mismatches, pairs * 2)).toBeLessThan(greatest);
        expect(greatestRate(mismatches + 1, pairs)).toBeGreaterThan(greatest);
      }),
    );
  });

  test('goes on without a step, and costs no more, where mismatches are too many to be added up one by one', () => {
    for (const pairs of [1_100, 5_000, 100_000, 10_000_000]) {
      const [exact, next] = [greatestRate(1_000, pairs), greatestRate(1_001, pairs)];
      expect(next).toBeGreaterThan(exact);
      expect(next / exact).toBeLessThan(1.002);
    }
    expect(greatestRate(1e12, 1e15)).toBeCloseTo(0.001, 6);
    expect(greatestRate(1_001, 1_002)).toBeLessThanOrEqual(1);
  });

  test('is what tables of the Clopper-Pearson bound say', () => {
    expect(greatestRate(1, 100)).toBeCloseTo(0.0466, 4);
    expect(greatestRate(5, 200)).toBeCloseTo(0.0518, 3);
    expect([greatestRate(0, 0), greatestRate(3, 3)]).toEqual([1, 1]);
    expect(() => pairsNeeded(0)).toThrow('between 0 and 1');
  });
});
