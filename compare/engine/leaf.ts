import { ExactNumber, type Json, parseNumber, typeOf } from '../reply/json.ts';
import type { RulesByKind } from '../rules/rule-state.ts';
import type { Rule, RuleOf } from '../rules/rules.ts';

/** True for two values that are no array and no object, and the same. `19.90` and `19.9` are the same number. */
export function sameLeaf(a: Json, b: Json): boolean {
  if (a instanceof ExactNumber) return b instanceof ExactNumber && a.canonical === b.canonical;
  return a === b;
}

/** The number in a text such as `"19.90"`, or the value as it is. */
export function numericOf(value: Json): Json {
  const numeric = typeof value === 'string' && /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value);
  return numeric ? parseNumber(value) : value;
}

const FORMATS: readonly (readonly [string, RegExp])[] = [
  ['uuid', /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i],
  ['timestamp', /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:?\d\d)?)$/],
  ['timestamp without zone', /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?$/],
  ['date', /^\d{4}-\d\d-\d\d$/],
  ['number', /^-?\d+(\.\d+)?$/],
  ['token', /^[\w-]+\.[\w-]+\.[\w-]+$/],
  ['empty', /^$/],
];

/** What a text looks like: uuid, timestamp (with or without zone), date, number, token (JWT), empty; else `text`. */
export const formatOf = (text: string): string => FORMATS.find(([, pattern]) => pattern.test(text))?.[0] ?? 'text';

/** A rule under which two values are the same, or how they differ. */
export type Agreement = { readonly rule: Rule } | { readonly differs: 'type' | 'format' | 'value' };

/** How two values that are not the same, and at most one of which is a container, stand to each other under the rules. */
export function agreementOf(
  old: Json,
  newer: Json,
  rules: RulesByKind,
  shape: RuleOf<'shape-only'> | undefined,
): Agreement {
  const emptyIsNull = rules['empty-is-null'];
  if (emptyIsNull && isEmpty(old) && isEmpty(newer)) return { rule: emptyIsNull };
  const boolean = rules['number-is-boolean'];
  if (boolean && sameLeaf(booleanOf(old), booleanOf(newer))) return { rule: boolean };
  const numeric = rules['numeric-string-is-number'];
  const [a, b] = numeric ? bothNumbers(old, newer) : [old, newer];
  if (numeric && sameLeaf(a, b)) return { rule: numeric };
  if (typeOf(a) !== typeOf(b)) return { differs: 'type' };
  const instant = rules['same-instant'];
  if (instant && millisecondsApart(a, b, instant.zone) < (instant.milliseconds ?? 1)) return { rule: instant };
  const { tolerance } = rules;
  if (tolerance && withinTolerance(a, b, tolerance)) return { rule: tolerance };
  if (!shape) return { differs: 'value' };
  if (typeof a === 'string' && formatOf(a) !== formatOf(b as string)) return { differs: 'format' };
  return inRange(a, b, shape) ? { rule: shape } : { differs: 'value' };
}

/**
 * What a value is reduced to so that all that agree under the rules are reduced to the same: exactly where a rule says
 * what is equal, to its type alone where a rule allows a distance.
 */
export function reduced(value: Json, rules: RulesByKind, shape: RuleOf<'shape-only'> | undefined): string {
  if (rules['empty-is-null'] && isEmpty(value)) return 'null';
  const number = rules['numeric-string-is-number'] ? numericOf(value) : value;
  const read = rules['number-is-boolean'] ? booleanOf(number) : number;
  const type = typeOf(read);
  if (rules.tolerance || rules['same-instant']) return type;
  if (shape) return `${type} ${typeof read === 'string' ? formatOf(read) : ''}`;
  return `${type} ${read instanceof ExactNumber ? read.canonical : String(read)}`;
}

const isEmpty = (value: Json) => value === null || value === '';
const booleanOf = (value: Json): Json => (value === 0 ? false : value === 1 ? true : value);

/** Both as numbers if both can be read as such, else as they are. */
function bothNumbers(old: Json, newer: Json): readonly [Json, Json] {
  const [a, b] = [numericOf(old), numericOf(newer)];
  return typeOf(a) === 'number' && typeOf(b) === 'number' ? [a, b] : [old, newer];
}

/** True if the rule's limits cover how far apart the two values are. */
export function withinTolerance(a: Json, b: Json, rule: RuleOf<'tolerance'>): boolean {
  if (typeof a === 'string') return rule.milliseconds !== undefined && millisecondsApart(a, b) <= rule.milliseconds;
  const [x, y] = [asDouble(a), asDouble(b)];
  const apart = Math.abs(x - y) * (1 - Number.EPSILON * 4); // 19.99 and 20.00 are a cent apart, doubles a little more
  const limit = Math.max(rule.absolute ?? 0, (rule.relative ?? 0) * Math.max(Math.abs(x), Math.abs(y)));
  return apart <= limit + Number.EPSILON * Math.max(Math.abs(x), Math.abs(y));
}

function inRange(old: Json, newer: Json, { minimum, maximum, milliseconds }: RuleOf<'shape-only'>): boolean {
  const number = asDouble(typeof newer === 'string' ? numericOf(newer) : newer);
  if ((minimum !== undefined && number < minimum) || (maximum !== undefined && number > maximum)) return false;
  return milliseconds === undefined || !(millisecondsApart(old, newer) > milliseconds);
}

/** NaN unless both are timestamps and it is known how far apart they are: one with a zone and one without need `zone`. */
function millisecondsApart(a: Json, b: Json, zone?: string): number {
  const [one, other] = [momentOf(a), momentOf(b)];
  if (!one || !other || (zone === undefined && one.zone !== other.zone && !(one.zone && other.zone))) return Number.NaN;
  return Math.abs(sinceEpoch(one, zone) - sinceEpoch(other, zone));
}

/** Milliseconds since 1970, with what lies below a millisecond as a fraction; NaN for what is no timestamp. */
export function instantOf(value: Json): number {
  const moment = momentOf(value);
  return moment ? sinceEpoch(moment) : Number.NaN;
}

/** A timestamp in its parts. */
interface Moment {
  readonly day: string;
  readonly time: string;
  /** `.250`, or nothing. */
  readonly fraction: string | undefined;
  /** `Z` or `+02:00`, or nothing. */
  readonly zone: string | undefined;
}

const MOMENT = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(\.\d+)?(?:(Z)|([+-]\d\d)(?::?(\d\d))?)?$/;

function momentOf(value: Json): Moment | undefined {
  const match = typeof value === 'string' ? MOMENT.exec(value) : null;
  if (!match) return undefined;
  const [, day, time, fraction, utc, hours, minutes = '00'] = match;
  return { day: day!, time: time!, fraction, zone: utc ?? (hours && `${hours}:${minutes}`) };
}

function sinceEpoch({ day, time, fraction, zone }: Moment, without = '+00:00'): number {
  return Date.parse(`${day}T${time}${zone ?? without}`) + (fraction === undefined ? 0 : Number(fraction) * 1000);
}

const asDouble = (value: Json) =>
  value instanceof ExactNumber ? Number(value.text) : typeof value === 'number' ? value : Number.NaN;
