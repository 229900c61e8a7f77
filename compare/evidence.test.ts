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

  test('is what tables of the Clopper-Pearson bound say', () => {
    expect(greatestRate(1, 100)).toBeCloseTo(0.0466, 4);
    expect(greatestRate(5, 200)).toBeCloseTo(0.0518, 3);
    expect([greatestRate(0, 0), greatestRate(3, 3)]).toEqual([1, 1]);
    expect(() => pairsNeeded(0)).toThrow('between 0 and 1');
  });
});
