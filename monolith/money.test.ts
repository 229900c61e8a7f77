import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fromCents, toCents, totalOf } from './money.ts';

describe('money', () => {
  test('is read from decimals with two digits, one or none', () => {
    expect([toCents('12.50'), toCents('12.5'), toCents('12'), toCents('0.05')]).toEqual([1250n, 1250n, 1200n, 5n]);
  });

  test('refuses what is not an amount', () => {
    for (const text of ['', '-1', '1.234', '1e3', 'NaN', '1,5']) expect(() => toCents(text)).toThrow(RangeError);
  });

  test('comes back as it went, whatever the amount', () => {
    fc.assert(fc.property(fc.bigInt({ min: 0n, max: 10n ** 14n }), (cents) => toCents(fromCents(cents)) === cents));
  });

  test('adds up without rounding', () => {
    const lines = [
      { quantity: 3, unitPrice: '0.10' },
      { quantity: 1, unitPrice: '99999999.99' },
      { quantity: 7, unitPrice: '0.00' },
    ];
    expect(totalOf(lines)).toBe('100000000.29');
  });
});
