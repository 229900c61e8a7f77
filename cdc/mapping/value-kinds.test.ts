import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonical, type Kind, UnconvertibleError } from './value-kinds.ts';

const decimal: Kind = { name: 'decimal' };
const instant = (digits: number): Kind => ({ name: 'instant', digits });

/** Objects with their keys in order, and no -0. */
const inOrder = (_: string, value: unknown): unknown => {
  if (value && typeof value === 'object' && !Array.isArray(value)) {
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  }
  return typeof value === 'number' ? value + 0 : value;
};

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

  test('times are UTC, to the last digit that is stored: verify compares no cut of it (faults 88)', () => {
    for (const given of ['2026-01-31T08:00:00.120Z', '2026-01-31 08:00:00.120000', '2026-01-31T08:00:00.12+00:00']) {
      expect(canonical(instant(3), given)).toBe('2026-01-31T08:00:00.120Z');
    }
    expect(canonical(instant(3), '2026-01-31T08:00:00.1204Z')).toBe('2026-01-31T08:00:00.1204Z');
    expect(canonical(instant(0), '2026-01-31 08:00:00.120000')).toBe('2026-01-31T08:00:00.12Z');
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

  test('every number of a document keeps its digits, and every key its value (faults 70)', () => {
    for (const [given, wanted] of [
      ['{"a":1e400}', '{"a":1e400}'],
      ['[0.12345678901234567890, 1.10, -0, -0.0, 1E3]', '[0.1234567890123456789,1.1,0,0,1000]'],
      ['{"__proto__":{"x":1},"b":2,"constructor":null}', '{"__proto__":{"x":1},"b":2,"constructor":null}'],
      ['{"a":1,"b":3,"a":2}', '{"a":1,"a":2,"b":3}'],
      ['1e999999999999999999999', '1e999999999999999999999'],
      [`[1${'0'.repeat(308)}, 1e308]`, '[1e308,1e308]'],
      ['"\\u00e9\\\\\\""', '"é\\\\\\""'],
    ]) {
      expect(canonical({ name: 'json' }, given)).toBe(wanted);
      const long = 'x'.repeat(70_000); // where it was once read in another way
      expect(canonical({ name: 'json' }, `["${long}",${given}]`)).toBe(`["${long}",${wanted}]`);
    }
  });

  test('says of any document what JSON.parse reads in it', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), fc.constantFrom(0, 1, 3), (text, indent) => {
        const spaced = JSON.stringify(JSON.parse(text), null, indent);
        const read = canonical({ name: 'json' }, spaced)!;
        expect(read).toBe(canonical({ name: 'json' }, text));
        expect(JSON.stringify(JSON.parse(read), inOrder)).toBe(JSON.stringify(JSON.parse(text), inOrder));
      }),
    );
  });

  test('a document of any depth is read', () => {
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    expect(canonical({ name: 'json' }, deep)).toBe(deep);
  });

  test.each<[Kind, unknown, string]>([
    [decimal, 'NAN', 'NaN'],
    [decimal, 'NEGATIVE_INFINITY', '-Infinity'],
    [{ name: 'double' }, 'Infinity', 'Infinity'],
    [{ name: 'boolean' }, 2, '2'],
    [{ name: 'integer' }, '0042', '42'],
    [{ name: 'integer' }, '1.50', '1.5'],
    [instant(3), 'infinity', 'infinity'],
    [instant(6), '-290308-12-21T19:59:27.6Z', '-infinity'],
    [instant(6), '+294247-01-10T04:00:25.2Z', 'infinity'],
    [instant(3), '-0043-03-15T00:00:00Z', '0044-03-15T00:00:00.000Z BC'],
    [instant(3), '0044-03-15T00:00:00.000000 BC', '0044-03-15T00:00:00.000Z BC'],
    [instant(0), '0000-12-31T00:00:00Z', '0001-12-31T00:00:00Z BC'],
    [instant(0), '+10000-01-01T00:00:00Z', '10000-01-01T00:00:00Z'],
    [instant(0), '0000-00-00 00:00:00', '0000-00-00T00:00:00Z'],
    [{ name: 'date' }, '2020-00-15', '2020-00-15'],
    [{ name: 'date' }, '-5877611-06-21Z', 'infinity'],
    [{ name: 'date' }, '-5877611-06-22Z', '-infinity'],
    [{ name: 'date' }, '0044-03-15 BC', '0044-03-15 BC'],
    [{ name: 'date' }, '-0043-03-15Z', '0044-03-15 BC'],
    [{ name: 'date' }, '0001-01-01Z', '0001-01-01'],
    [{ name: 'text', padded: true }, ' a b  ', ' a b'],
  ])('what one side alone can hold has a text, alike in its log and its table: %j %s', (kind, value, wanted) => {
    expect(canonical(kind, value)).toBe(wanted);
  });

  test.each<[Kind, unknown]>([
    [{ name: 'integer' }, 'one'],
    [decimal, ''],
    [decimal, '.'],
    [decimal, 'constructor'],
    [{ name: 'double' }, 'x'],
    [{ name: 'boolean' }, 'maybe'],
    [{ name: 'boolean' }, 'constructor'],
    [instant(3), '2026-01-31T08:00:00+02:00'],
    [instant(3), 'constructor'],
    [{ name: 'date' }, 'soon'],
    [{ name: 'date' }, '2020-01-01 00:00:00'],
    [{ name: 'json' }, '{'],
  ])('what cannot be said is refused, never NULL: %j %s (faults 60)', (kind, value) => {
    expect(() => canonical(kind, value)).toThrow(UnconvertibleError);
  });
});
