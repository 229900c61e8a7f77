import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonical, type Kind, UnconvertibleError } from './kinds.ts';

const decimal: Kind = { name: 'decimal' };
const instant = (digits: number): Kind => ({ name: 'instant', digits });

describe('canonical texts (faults 70)', () => {
  test('NULL stays NULL, and the empty text stays empty', () => {
    expect(canonical({ name: 'text' }, null)).toBeNull();
    expect(canonical({ name: 'text' }, '')).toBe('');
  });

  test.each([
    ['1.50', '1.5'],
    ['-0.00', '0'],
    ['007', '7'],
    ['1E+3', '1000'],
    ['1.25e-3', '0.00125'],
    ['.5', '0.5'],
    ['12345678901234567890.123456789012345678901234567890', '12345678901234567890.12345678901234567890123456789'],
  ])('decimal %s is %s', (given, wanted) => expect(canonical(decimal, given)).toBe(wanted));

  test('decimals that are equal are one text, whatever their scale', () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.nat(20), fc.nat(10), (digits, scale, zeros) => {
        const text = digits
          .toString()
          .replace('-', '')
          .padStart(scale + 1, '0');
        const plain = `${digits < 0n ? '-' : ''}${text.slice(0, text.length - scale)}.${text.slice(text.length - scale)}`;
        expect(canonical(decimal, `${plain}${'0'.repeat(zeros)}`)).toBe(canonical(decimal, `${digits}e-${scale}`));
      }),
    );
  });

  test('times are UTC, as precise as both sides keep them', () => {
    for (const given of ['2026-01-31T08:00:00.120Z', '2026-01-31 08:00:00.120000', '2026-01-31T08:00:00.1204+00:00']) {
      expect(canonical(instant(3), given)).toBe('2026-01-31T08:00:00.120Z');
    }
    expect(canonical(instant(0), '2026-01-31 08:00:00')).toBe('2026-01-31T08:00:00Z');
    expect(canonical({ name: 'date' }, '2026-01-31Z')).toBe('2026-01-31');
  });

  test('JSON documents that are equal are one text', () => {
    expect(canonical({ name: 'json' }, '{"b": [1.0, null], "a": "x"}')).toBe('{"a":"x","b":[1,null]}');
    expect(canonical({ name: 'json' }, '{"n": 12345678901234567890}')).toBe('{"n":12345678901234567890}');
    fc.assert(
      fc.property(fc.json(), (text) => {
        const once = canonical({ name: 'json' }, text);
        expect(canonical({ name: 'json' }, once)).toBe(once);
      }),
    );
  });

  test.each<[Kind, unknown]>([
    [{ name: 'integer' }, '1.5'],
    [decimal, 'NaN'],
    [{ name: 'double' }, 'Infinity'],
    [{ name: 'boolean' }, 2],
    [instant(3), '0000-00-00 00:00:00'],
    [instant(3), 'infinity'],
    [{ name: 'date' }, 'soon'],
    [{ name: 'json' }, '{'],
  ])('what cannot be said is refused, never NULL: %j %s (faults 60)', (kind, value) => {
    expect(() => canonical(kind, value)).toThrow(UnconvertibleError);
  });
});
