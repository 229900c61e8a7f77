import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonicalNumber, exactDouble, isNumber, isStoredInteger, shortestDouble } from './number-text.ts';

describe('the text of a number', () => {
  test('is one for equal numbers, however they are written', () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.integer({ min: -500, max: 500 }), fc.nat(9), (digits, exponent, zeros) => {
        const moved = `${digits}${'0'.repeat(zeros)}e${exponent - zeros}`;
        expect(canonicalNumber(moved)).toBe(canonicalNumber(`${digits}e${exponent}`));
        expect(canonicalNumber(canonicalNumber(moved))).toBe(canonicalNumber(moved));
        expect(Number(canonicalNumber(moved)) === Number(moved)).toBe(true);
      }),
    );
  });

  test('is short for a number without end, and long only where nobody wrote an exponent', () => {
    expect(canonicalNumber('1e999999999')).toBe('1e999999999');
    expect(canonicalNumber('-12.50E-999999999')).toBe('-1.25e-999999998');
    expect(canonicalNumber(`0.${'0'.repeat(99)}1`, Number.POSITIVE_INFINITY)).toBe(`0.${'0'.repeat(99)}1`);
  });

  test('tells a number from what is none', () => {
    for (const text of ['1', '-1.5', '.5', '5.', '1e-3']) expect(isNumber(text)).toBe(true);
    for (const text of ['', '.', '-', 'e5', '1e', '1 ', '0x1', 'NaN', '1.2.3']) expect(isNumber(text)).toBe(false);
  });

  test('of every double is told from the digits its connector writes', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (double) => {
        const exact = exactDouble(double);
        expect(Number(exact) === double).toBe(true); // of -0 as well
        expect(shortestDouble(exact)).toBe(canonicalNumber(String(double)));
      }),
    );
    expect(exactDouble(0.1)).toBe('0.1000000000000000055511151231257827021181583404541015625');
    expect(shortestDouble('1e400')).toBeUndefined();
  });

  test('knows the integers that MySQL’s JSON keeps', () => {
    for (const text of ['0', '18446744073709551615', '-9223372036854775808']) expect(isStoredInteger(text)).toBe(true);
    for (const text of ['18446744073709551616', '-9223372036854775809', '1.5', '1e19'])
      expect(isStoredInteger(text)).toBe(false);
  });
});
