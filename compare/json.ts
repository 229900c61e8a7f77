import { parse as parseLossless } from 'lossless-json';

/** A parsed JSON value in which no number has lost a digit. */
export type Json = null | boolean | number | string | ExactNumber | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}
export type JsonType = 'null' | 'boolean' | 'number' | 'string' | 'array' | 'object';

/** A JSON number that no double holds exactly, such as a BIGINT beyond 2^53: kept as it was written. */
export class ExactNumber {
  readonly text: string;
  /** Equal numbers have equal canonical texts: `10e399` and `1e400`. */
  readonly canonical: string;

  constructor(text: string) {
    this.text = text;
    this.canonical = canonicalDecimal(text);
  }
}

// Up to 15 significant digits with a small exponent always survive a double, and almost every reply holds nothing
// else: those go through V8's own parser, which is fast and does not recurse.
const MAY_LOSE_DIGITS = /[\d.]{16,}|\d[eE][+-]?\d{3}/;

/**
 * Parses JSON without losing digits. The last of two equal names wins, as with JSON.parse.
 * Throws SyntaxError for what is not JSON, RangeError for long numbers nested some thousands of levels deep.
 */
export function parseJson(text: string): Json {
  if (!MAY_LOSE_DIGITS.test(text)) return JSON.parse(text) as Json;
  return parseLossless(text, undefined, {
    parseNumber,
    onDuplicateKey: ({ newValue }: { newValue: unknown }) => newValue,
  }) as Json;
}

/** The number a JSON number token stands for: a double if that loses nothing, else an ExactNumber. */
export function parseNumber(token: string): number | ExactNumber {
  const double = Number(token);
  const survives = Number.isFinite(double) && canonicalDecimal(String(double)) === canonicalDecimal(token);
  return survives ? double : new ExactNumber(token);
}

export function typeOf(value: Json): JsonType {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (value instanceof ExactNumber) return 'number';
  return typeof value as JsonType;
}

/** `-0120.50e1` becomes `-1205e0`: sign, digits without outer zeros, power of ten. */
function canonicalDecimal(token: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(token) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}
