import { FatalStreamError } from '../fatal-stream-error.ts';
import { readJson } from './json-text.ts';
import { canonicalNumber, isNumber } from './number-text.ts';

/** How a column's values are told apart from the database they stand in: as one canonical text, or null. */
export type Kind =
  | { readonly name: 'integer' | 'decimal' | 'date' | 'boolean' | 'json' | 'binary' | 'uuid' | 'double' }
  /** `padded`: neither side keeps spaces at the end. */
  | { readonly name: 'text'; readonly padded?: boolean }
  /** `digits`: how many digits of a second both sides have; no digit more is left out. */
  | { readonly name: 'instant'; readonly digits: number };

/** A value that cannot be said in the column's kind. The stream must stop; it never becomes NULL. */
export class UnconvertibleError extends FatalStreamError {
  constructor(kind: string, value: unknown) {
    super(`${JSON.stringify(String(value).slice(0, 80))} is no ${kind}`);
    this.name = 'UnconvertibleError';
  }
}

const INTEGER = /^-?\d+$/;
const PLAIN_INTEGER = /^(?:0|-?[1-9]\d*)$/;
const DAY = /^(?!0000)\d{4}-\d\d-\d\d/;
const CLOCK = /^[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|\+00(?::?00)?)?$/;
/** Years before 1 or after 9999, as ISO 8601 has them and as Postgres prints them, with what comes after the day. */
const FAR = /^([+-]?)(\d{4,9})(-\d\d-\d\d)(.*?)( BC)?$/;
const TRUTH = new Map([
  ['true', '1'],
  ['t', '1'],
  ['false', '0'],
  ['f', '0'],
]);
const NO_NUMBERS = new Set(['NaN', 'Infinity', '-Infinity']);
/** What Postgres' connector makes of a numeric that is no number. */
const SPECIAL = new Map([
  ['NAN', 'NaN'],
  ['POSITIVE_INFINITY', 'Infinity'],
  ['NEGATIVE_INFINITY', '-Infinity'],
]);

/**
 * The canonical text of a value, given as Debezium's JSON or as the database's own text. What the other side cannot hold
 * (NaN, infinity, a year before Christ, 2 as a truth) has a text, too: its database refuses that, and the row is kept for a
 * person while the others go on. Throws UnconvertibleError.
 */
export function canonical(kind: Kind, value: unknown): string | null {
  if (value === null || value === undefined) return null;
  const text = typeof value === 'string' ? value : String(value);
  switch (kind.name) {
    case 'integer':
      return PLAIN_INTEGER.test(text) ? text : (decimal(text) ?? refuse(kind, value)); // ZEROFILL and YEAR have zeros before
    case 'decimal':
      return decimal(text) ?? refuse(kind, value);
    case 'double':
      return double(text) ?? refuse(kind, value);
    case 'boolean':
      return TRUTH.get(text) ?? (INTEGER.test(text) ? text : refuse(kind, value));
    case 'instant':
      return instant(text, kind.digits) ?? refuse(kind, value);
    case 'date':
      return date(text) ?? refuse(kind, value);
    case 'json':
      return json(text) ?? refuse(kind, value);
    case 'binary':
    case 'uuid':
      return text.toLowerCase();
    case 'text':
      return kind.padded ? withoutPadding(text) : text;
  }
}

function refuse(kind: Kind, value: unknown): never {
  throw new UnconvertibleError(kind.name, value);
}

/** A decimal without exponent and without zeros that say nothing: `1.50` is `1.5`. */
function decimal(text: string): string | undefined {
  const special = SPECIAL.get(text) ?? text;
  if (NO_NUMBERS.has(special)) return special;
  return isNumber(text) ? canonicalNumber(text, Number.POSITIVE_INFINITY) : undefined;
}

function double(text: string): string | undefined {
  if (NO_NUMBERS.has(text)) return text;
  return Number.isFinite(Number(text)) && text !== '' ? String(Number(text)) : undefined;
}

/** `2026-01-31T08:00:00.120Z`, every digit that says something and at least `digits`; what has no zone is UTC. */
const instant = (text: string, digits: number): string | undefined => time(text, (rest) => clock(rest, digits));

const date = (text: string): string | undefined => time(text, (rest) => (rest === '' || rest === 'Z' ? '' : undefined));

function clock(text: string, digits: number): string | undefined {
  const match = CLOCK.exec(text);
  const fraction = (match?.[2] ?? '').replace(/0+$/, '').padEnd(digits, '0');
  return match ? `T${match[1]}${fraction ? `.${fraction}` : ''}Z` : undefined;
}

/** A day and what `more` makes of the text behind it. */
function time(text: string, more: (rest: string) => string | undefined): string | undefined {
  if (!DAY.test(text)) return far(text, more);
  const rest = more(text.slice(10));
  return rest === undefined ? far(text, more) : text.slice(0, 10) + rest;
}

/** What Postgres prints for times that never end, and what its connector makes of them: days that no column can hold. */
const ENDLESS = new Map([
  ['infinity', 'infinity'],
  ['-infinity', '-infinity'],
  ['-5877611-06-21Z', 'infinity'],
  ['-5877611-06-22Z', '-infinity'],
  ['+294247-01-10T04:00:25.2Z', 'infinity'],
  ['-290308-12-21T19:59:27.6Z', '-infinity'],
]);

/** A time outside of the years 1 to 9999 as Postgres writes it, or one of MySQL's zero dates. */
function far(text: string, more: (rest: string) => string | undefined): string | undefined {
  const endless = ENDLESS.get(text);
  if (endless) return endless;
  const [, sign, digits = '', day = '', rest = '', bc] = FAR.exec(text) ?? [];
  const after = digits ? more(rest) : undefined;
  if (after === undefined) return undefined;
  if (day.includes('-00')) return digits + day + after;
  const year = bc ? 1 - Number(digits) : sign === '-' ? -Number(digits) : Number(digits);
  const said = String(year > 0 ? year : 1 - year).padStart(4, '0');
  return `${said}${day}${after}${year > 0 ? '' : ' BC'}`;
}

function json(text: string): string | undefined {
  try {
    return readJson(text).text;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function withoutPadding(text: string): string {
  let end = text.length;
  while (text[end - 1] === ' ') end--;
  return text.slice(0, end);
}
