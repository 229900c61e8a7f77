import { ExactNumber, type Json, parseNumber } from './json.ts';
import type { Rule } from './rules.ts';

/** True for two values that are no array and no object, and the same. `19.90` and `19.9` are the same number. */
export function sameLeaf(a: Json, b: Json): boolean {
  if (a instanceof ExactNumber) return b instanceof ExactNumber && a.canonical === b.canonical;
  return a === b;
}

/** The number in a text such as `"19.90"`, or the value as it is. */
export function numericOf(value: Json | undefined): Json | undefined {
  const numeric = typeof value === 'string' && /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value);
  return numeric ? parseNumber(value) : value;
}

const FORMATS: readonly (readonly [string, RegExp])[] = [
  ['uuid', /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i],
  ['timestamp', /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/],
  ['timestamp without zone', /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?$/],
  ['date', /^\d{4}-\d\d-\d\d$/],
  ['number', /^-?\d+(\.\d+)?$/],
  ['token', /^[\w-]+\.[\w-]+\.[\w-]+$/],
  ['empty', /^$/],
];

/** What a text looks like: uuid, timestamp (with or without zone), date, number, token (JWT), empty; else `text`. */
export const formatOf = (text: string): string => FORMATS.find(([, pattern]) => pattern.test(text))?.[0] ?? 'text';

/** True if the rule's limits cover how far apart the two values are. */
export function withinTolerance(a: Json, b: Json, rule: Extract<Rule, { kind: 'tolerance' }>): boolean {
  if (typeof a === 'string' && typeof b === 'string') {
    return rule.milliseconds !== undefined && Math.abs(instant(a) - instant(b)) <= rule.milliseconds;
  }
  const [x, y] = [asDouble(a), asDouble(b)];
  const apart = Math.abs(x - y) * (1 - Number.EPSILON * 4); // 19.99 and 20.00 are a cent apart, doubles a little more
  const limit = Math.max(rule.absolute ?? 0, (rule.relative ?? 0) * Math.max(Math.abs(x), Math.abs(y)));
  return apart <= limit + Number.EPSILON * Math.max(Math.abs(x), Math.abs(y));
}

const instant = (text: string) => (formatOf(text).startsWith('timestamp') ? Date.parse(text) : Number.NaN);
const asDouble = (value: Json) =>
  value instanceof ExactNumber ? Number(value.text) : typeof value === 'number' ? value : Number.NaN;
