import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ExactNumber, parseJson, stringifyJson } from './json.ts';

describe('parseJson', () => {
  test('gives what JSON.parse gives for everything whose numbers a double holds', () => {
    fc.assert(fc.property(fc.json(), (text) => expect(parseJson(text)).toEqual(JSON.parse(text))));
  });

  test('keeps numbers that no double holds as they were written', () => {
    const value = parseJson('[9007199254740993, 0.12345678901234567890, 1e400, 5]') as unknown[];
    expect(value.slice(0, 3).map((number) => (number as ExactNumber).text)).toEqual([
      '9007199254740993',
      '0.12345678901234567890',
      '1e400',
    ]);
    expect(value[3]).toBe(5);
  });

  test('sees a long number wherever it stands, and however many digits and points stand around', () => {
    const digits = fc.stringMatching(/^[1-9]\d{13,19}$/);
    const others = fc.array(fc.stringMatching(/^[\d.]{0,17}$/), { maxLength: 3 });
    fc.assert(
      fc.property(others, digits, fc.nat(40), (texts, number, blanks) => {
        const text = `[${texts.map((one) => `"${one}",`).join('')}${' '.repeat(blanks)}${number}]`;
        expect(stringifyJson(parseJson(text))).toBe(text.replaceAll(' ', ''));
      }),
      { numRuns: 2000 },
    );
  });

  test('makes doubles of long numbers that lose nothing', () => {
    expect(parseJson('[9007199254740992, 0.30000000000000004, 1.0000000000000000000, 1e100, 0e999]')).toEqual([
      9007199254740992, 0.30000000000000004, 1, 1e100, 0,
    ]);
  });

  test('knows equal numbers written differently', () => {
    const canonical = (text: string) => new ExactNumber(text).canonical;
    expect(canonical('1e400')).toBe(canonical('10.0e399'));
    expect(canonical('-9007199254740993')).toBe(canonical('-9007199254740993.000'));
    expect(canonical('9007199254740993')).not.toBe(canonical('90071992547409930'));
  });

  test('treats __proto__ as a name like any other, in both parsers', () => {
    for (const text of ['{"__proto__":{"a":1}}', '{"__proto__":{"a":9007199254740993}}']) {
      const value = parseJson(text) as object;
      expect(Object.keys(value)).toEqual(['__proto__']);
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    }
    expect(({} as { a?: unknown }).a).toBeUndefined();
  });

  test('lets the last of two equal names win, in both parsers', () => {
    expect(parseJson('{"a":1,"a":2}')).toEqual({ a: 2 });
    expect(parseJson('{"a":9007199254740993,"a":2}')).toEqual({ a: 2 });
  });
});
