import { quoted } from '@strangler/ledger';
import type { Side } from '@strangler/plan';
import type { Column } from './columns.ts';
import type { Kind } from './value-kinds.ts';

/** A column of both sides. */
type Pair = { readonly name: string; readonly kind: Kind } & Readonly<Record<Side, Column>>;

/** Why a pair of columns cannot carry all values, and the statement that changes the service's. */
export type Misfit = { readonly why: string; readonly fix: string };

/** What the service could write into a column although the monolith would refuse it, and the clause of ALTER TABLE that ends that. */
export type Excess = { readonly what: string; readonly clause: string };

/** The statement that gives a column of a service's table another type. */
export const changeType = (table: string, column: string, type: string): string =>
  `ALTER TABLE ${name(table)} ${typeClause(column, type)};`;

const name = (one: string): string => quoted('postgres', one);
const typeClause = (column: string, type: string): string => `ALTER COLUMN ${name(column)} TYPE ${type}`;

/**
 * Why one of two columns would change a value of the other without a word, with the statement that ends it: they must not
 * be mapped. Undefined if a value that does not fit is always refused.
 */
export const silentChangeIn = (pair: Pair, table: string): Misfit | undefined => misfitIn(SILENT, pair, table);

/** Why the service has no room for what the monolith may hold, with the statement that makes room: such rows could not be copied. */
export const shortfallIn = (pair: Pair, table: string): Misfit | undefined => misfitIn(SHORT, pair, table);

function misfitIn(refusals: Refusals, pair: Pair, table: string): Misfit | undefined {
  const refusal = refusals[pair.kind.name]?.(pair);
  return refusal && { why: refusal.why, fix: changeType(table, pair.service.name, refusal.type) };
}

/** What the service's column takes and the monolith's refuses: a row that would stay in quarantine. Undefined if nothing. */
export function excessOf(pair: Pair): Excess | undefined {
  return EXCESSES[pair.kind.name]?.(pair);
}

type Refusal = { readonly why: string; readonly type: string };
type Refusals = { readonly [Name in Kind['name']]?: (pair: Pair) => Refusal | undefined };

const SILENT: Refusals = {
  instant({ monolith, service }) {
    if (monolith.digits === service.digits) return undefined;
    const rounds = monolith.digits < service.digits ? 'the monolith' : 'the service';
    return {
      why: `${rounds} rounds fractions of a second without a word`,
      type: `${service.type}(${monolith.digits})`,
    };
  },
  decimal({ monolith: { precision, scale }, service }) {
    if (scale === service.scale) return undefined;
    const rounds = scale !== undefined && service.scale !== undefined && service.scale < scale ? 'service' : 'monolith';
    const why = `the ${rounds} rounds what has more digits behind the point without a word`;
    return { why, type: `numeric(${precision},${scale})` };
  },
  integer: ({ monolith, service }) =>
    (service.scale ?? 0) < 0
      ? { why: 'the service rounds to tens and more without a word', type: nearestInteger(monolith.type) }
      : undefined,
};

const SHORT: Refusals = {
  decimal({ monolith: { precision, scale }, service }) {
    if (precision === undefined || service.precision === undefined || service.precision >= precision) return undefined;
    return {
      why: 'the service has no room for the monolith’s largest numbers',
      type: `numeric(${precision},${scale})`,
    };
  },
  integer({ monolith, service }) {
    const type = nearestInteger(monolith.type);
    if (holdsIntegers(service) >= DIGITS[type]!) return undefined;
    return { why: 'the service has no room for the monolith’s largest numbers', type };
  },
  text({ monolith, service }) {
    const longest = monolith.length ?? monolith.bytes;
    if (longest === undefined || service.length === undefined || service.length >= longest) return undefined;
    return { why: 'the service has no room for the monolith’s longest texts', type: nearestText(monolith) };
  },
};

const EXCESSES: { readonly [Name in Kind['name']]?: (pair: Pair) => Excess | undefined } = {
  decimal({ monolith, service }) {
    if (monolith.precision === undefined || service.precision! <= monolith.precision) return undefined;
    return {
      what: `larger numbers than ${monolith.declared}`,
      clause: typeClause(service.name, `numeric(${monolith.precision},${monolith.scale})`),
    };
  },
  integer({ monolith, service }) {
    const type = nearestInteger(monolith.type);
    if (holdsIntegers(service) <= DIGITS[type]! && (service.type !== 'numeric' || service.scale === 0))
      return undefined;
    return { what: `other numbers than ${monolith.declared ?? monolith.type}`, clause: typeClause(service.name, type) };
  },
  text({ monolith, service, kind }) {
    if (service.type === 'enum' || monolith.type === 'enum') return undefined;
    if (monolith.length === undefined) return tooManyBytes(monolith, service);
    const isPadded = monolith.type === 'char' && !(kind.name === 'text' && kind.padded);
    if (!isPadded && service.length === monolith.length) return undefined;
    const what = isPadded
      ? `longer texts than ${monolith.declared}, or spaces at their end, which it drops`
      : `longer texts than ${monolith.declared}`;
    return { what, clause: typeClause(service.name, nearestText(monolith)) };
  },
  binary: ({ monolith, service }) => tooManyBytes(monolith, service),
};

/** What Postgres' bytea and text can hold at most; what is larger in MySQL is no limit. */
const LARGEST = 2 ** 30;

function tooManyBytes(monolith: Column, service: Column): Excess | undefined {
  const { bytes, fixed } = monolith;
  if (bytes === undefined || bytes >= LARGEST) return undefined;
  const most = service.bytes ?? (service.length === undefined ? undefined : 4 * service.length);
  if (most !== undefined && most <= bytes && (!fixed || service.fixed)) return undefined;
  return {
    what: fixed
      ? `not exactly ${bytes} bytes, to which ${monolith.declared} fills up`
      : `more than the ${bytes} bytes of ${monolith.declared}`,
    clause: `ADD CHECK (octet_length(${name(service.name)}) ${fixed ? '=' : '<='} ${bytes})`,
  };
}

/** How many digits an integer of each of Postgres' types may have. */
const DIGITS: Readonly<Record<string, number>> = { smallint: 5, integer: 10, bigint: 19, 'numeric(20)': 20 };
const NAMES: Readonly<Record<string, string>> = { int2: 'smallint', int4: 'integer', int8: 'bigint' };

function holdsIntegers({ type, precision, scale = 0 }: Column): number {
  if (type !== 'numeric') return DIGITS[NAMES[type]!]!;
  return precision === undefined ? Number.POSITIVE_INFINITY : precision - scale;
}

const SMALL = new Set(['tinyint', 'tinyint(1)', 'tinyint unsigned', 'smallint', 'year']);
const MIDDLE = new Set(['smallint unsigned', 'mediumint', 'mediumint unsigned', 'int']);
const LARGE = new Set(['int unsigned', 'bigint']);

/** The smallest of Postgres' types that holds every integer of MySQL's. */
function nearestInteger(type: string): string {
  if (SMALL.has(type)) return 'smallint';
  if (MIDDLE.has(type)) return 'integer';
  return LARGE.has(type) ? 'bigint' : 'numeric(20)';
}

function nearestText({ type, length }: Column): string {
  if (length === undefined) return 'text';
  return type === 'char' ? `char(${length})` : `varchar(${length})`;
}
