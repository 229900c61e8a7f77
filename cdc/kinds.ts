import { isSafeNumber } from 'lossless-json';
import { parseLosslessly } from './lossless.ts';

/** How a column's values are told apart from the database they stand in: as one canonical text, or null. */
export type Kind =
  | { readonly name: 'integer' | 'decimal' | 'text' | 'date' | 'boolean' | 'json' | 'binary' | 'uuid' | 'double' }
  /** `digits`: how many digits of a second both sides keep. */
  | { readonly name: 'instant'; readonly digits: number };

/** A value that cannot be said in the column's kind. The stream must stop; it never becomes NULL. */
export class UnconvertibleError extends Error {
  constructor(kind: string, value: unknown) {
    super(`${JSON.stringify(String(value).slice(0, 80))} is no ${kind}`);
    this.name = 'UnconvertibleError';
  }
}

const INTEGER = /^-?\d+$/;
const DECIMAL = /^(-?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/;
const INSTANT = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|\+00(?::?00)?)?$/;
const DATE = /^(\d{4}-\d\d-\d\d)Z?$/;
const TRUTH: Readonly<Record<string, string>> = { true: '1', t: '1', '1': '1', false: '0', f: '0', '0': '0' };

/** The canonical text of a value, given as Debezium's JSON or as the database's own text. Throws UnconvertibleError. */
export function canonical(kind: Kind, value: unknown): string | null {
  if (value === null || value === undefined) return null;
  const text = typeof value === 'string' ? value : String(value);
  switch (kind.name) {
    case 'integer':
      return INTEGER.test(text) ? text : refuse(kind, value);
    case 'decimal':
      return plainDecimal(text) ?? refuse(kind, value);
    case 'double':
      return Number.isFinite(Number(text)) && text !== '' ? String(Number(text)) : refuse(kind, value);
    case 'boolean':
      return TRUTH[text] ?? refuse(kind, value);
    case 'instant':
      return instant(text, kind.digits) ?? refuse(kind, value);
    case 'date':
      return DATE.exec(text)?.[1] ?? refuse(kind, value);
    case 'json':
      return sortedJson(text) ?? refuse(kind, value);
    case 'binary':
    case 'uuid':
      return text.toLowerCase();
    case 'text':
      return text;
  }
}

function refuse(kind: Kind, value: unknown): never {
  throw new UnconvertibleError(kind.name, value);
}

/** A decimal without exponent and without zeros that say nothing: `1.50` is `1.5`. */
function plainDecimal(text: string): string | undefined {
  const match = DECIMAL.exec(text);
  if (!match || !(match[2] || match[3])) return undefined;
  const exponent = Number(match[4] ?? 0);
  const digits = match[2]! + match[3]!;
  const point = match[2]!.length + exponent;
  const whole = (point > 0 ? digits.slice(0, point).padEnd(point, '0') : '').replace(/^0+(?=\d)/, '') || '0';
  const fraction = (point > 0 ? digits.slice(point) : '0'.repeat(-point) + digits).replace(/0+$/, '');
  const size = fraction ? `${whole}.${fraction}` : whole;
  return size === '0' ? '0' : match[1] + size;
}

/** `2026-01-31T08:00:00.120Z`, as precise as both sides can keep it; what has no zone is UTC. */
function instant(text: string, digits: number): string | undefined {
  const match = INSTANT.exec(text);
  if (!match || match[1] === '0000-00-00') return undefined;
  const fraction = (match[3] ?? '').padEnd(digits, '0').slice(0, digits);
  return `${match[1]}T${match[2]}${fraction ? `.${fraction}` : ''}Z`;
}

const number = (text: string): number | bigint =>
  INTEGER.test(text) && !isSafeNumber(text) ? BigInt(text) : Number(text);

/** JSON with its keys in order, so that equal documents are equal texts. */
function sortedJson(text: string): string | undefined {
  try {
    return writeSorted(parseLosslessly(text, number));
  } catch {
    return undefined;
  }
}

function writeSorted(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${value.map(writeSorted).join(',')}]`;
  if (value && typeof value === 'object') {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${writeSorted(inner)}`).join(',')}}`;
  }
  return JSON.stringify(value);
}
