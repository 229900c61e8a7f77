import type { Session } from '@strangler/ledger';
import { type Capability, type Direction, otherSide, type Side, sourceOf, type Table } from '@strangler/plan';
import { FatalStreamError } from '../fatal-stream-error.ts';
import { NEXT_STEP } from '../log/continuity.ts';
import type { Image } from '../log/row-change.ts';
import { type Column, readShape, type TableShape } from './columns.ts';
import { withShortDoubles } from './json-text.ts';
import { canonical, type Kind, UnconvertibleError } from './value-kinds.ts';

/** A row told apart from the database it stands in: the monolith's column names, canonical texts. */
export type Row = Readonly<Record<string, string | null>>;

/** One column of a mapped table. `name` is the monolith's. */
export type MappedColumn = { readonly name: string; readonly kind: Kind } & Readonly<Record<Side, Column>>;

/** How a row reaches its user. */
export type UserPath = { readonly column: string } | { readonly through: string; readonly of: string };

/** One table of a capability as both sides have it. `name` is the monolith's. */
export type MappedTable = {
  readonly name: string;
  readonly tables: Readonly<Record<Side, string>>;
  readonly columns: readonly MappedColumn[];
  readonly key: readonly string[];
  readonly user: UserPath;
  readonly sameWhen: readonly string[];
  readonly touched: readonly string[];
  /** Every column a captured row may carry on a side, those among them that the database computes. */
  readonly known: Readonly<Record<Side, ReadonlySet<string>>>;
};

/** All tables of a capability, by the monolith's name. */
export type Mapping = ReadonlyMap<string, MappedTable>;

/** The tables cannot be mapped; names every reason. */
export class MappingError extends FatalStreamError {
  readonly reasons: readonly string[];
  constructor(capability: string, reasons: readonly string[]) {
    super(`the tables of ${capability} cannot be mapped:\n${reasons.map((reason) => `  ${reason}`).join('\n')}`);
    this.name = 'MappingError';
    this.reasons = reasons;
  }
}

/**
 * A captured row has other columns than the mapping. The stream stops, and goes on by itself as soon as the tables of both
 * sides agree again.
 */
export class SchemaChangedError extends FatalStreamError {
  constructor(message: string) {
    super(message);
    this.name = 'SchemaChangedError';
  }

  static added(table: MappedTable, side: Side, column: string): SchemaChangedError {
    const other = otherSide(side);
    return new SchemaChangedError(
      `${table.tables[side]}.${column} is new in the ${side}'s database. Add it to ${table.tables[other]} of the ${other}, ` +
        'or name its counterpart under `columns` in the Plan and restart cdc; the stream goes on by itself then',
    );
  }

  static missing(table: MappedTable, side: Side, column: string): SchemaChangedError {
    return new SchemaChangedError(
      `${table.tables[side]}.${column} is missing from a captured row. If the column was dropped in the ${side}'s database, drop ` +
        `it in the other one too; the stream goes on by itself then. If it is new, the row is older than the column: ${NEXT_STEP}`,
    );
  }
}

/** Resolves the mapping of a capability from both databases and the Plan. Throws MappingError. */
export async function resolveMapping(
  name: string,
  capability: Capability,
  monolith: Session,
  service: Session,
): Promise<Mapping> {
  const reasons: string[] = [];
  const mapping = new Map<string, MappedTable>();
  for (const [table, declared] of Object.entries(capability.tables)) {
    const shapes = {
      monolith: await readShape(monolith, table),
      service: await readShape(service, declared.to ?? table),
    };
    if (!shapes.monolith) reasons.push(`${table}: not found in the monolith's database, or this user may not see it`);
    if (!shapes.service) {
      reasons.push(`${declared.to ?? table}: not found in the service's database, or this user may not see it`);
    }
    if (!shapes.monolith || !shapes.service) continue;
    const mapped = mapTable(table, declared, shapes.monolith, shapes.service, reasons);
    if (mapped) mapping.set(table, mapped);
  }
  if (reasons.length) throw new MappingError(name, reasons);
  return mapping;
}

/** Maps one table; adds to `reasons` whatever cannot be mapped. */
export function mapTable(
  name: string,
  declared: Table,
  monolith: TableShape,
  service: TableShape,
  reasons: string[],
): MappedTable | undefined {
  const before = reasons.length;
  const say = (reason: string) => reasons.push(`${name}: ${reason}`);
  for (const one of [name, service.table]) {
    if (one.startsWith('strangler_')) say(`${one} is named like a table of the toolkit; give it another name`);
  }
  const columns: MappedColumn[] = [];
  const taken = new Set<string>();
  for (const column of monolith.columns) {
    const wanted = counterpart(declared, column.name);
    if (column.name === '__proto__' || wanted === '__proto__') say('a column __proto__ cannot be carried; rename it');
    const other = service.columns.find((candidate) => candidate.name === wanted);
    taken.add(wanted);
    if (!other) {
      say(`column ${column.name} has no counterpart ${wanted} in the service's ${service.table}; add it there`);
      continue;
    }
    const kind = kindOf(column, other);
    if (kind) columns.push({ name: column.name, kind, monolith: column, service: other });
    else
      say(`column ${column.name} is ${column.type} in the monolith and ${other.type} in the service: ${whyNot(other)}`);
  }
  for (const column of service.columns) {
    if (!taken.has(column.name)) {
      say(`column ${column.name} of the service's ${service.table} has no counterpart in the monolith; add it there`);
    }
  }
  const names = new Set(columns.map((column) => column.name));
  for (const column of [...declared.touched, ...(declared.sameWhen ?? []), ...Object.keys(declared.columns)]) {
    if (!names.has(column)) say(`the Plan names column ${column}, which is no mapped column`);
  }
  const user = typeof declared.user === 'string' ? { column: declared.user } : declared.user;
  const userColumn = 'column' in user ? user.column : user.through;
  const owner = columns.find((column) => column.name === userColumn);
  if (owner) checkOwner(owner, service.table, say);
  else say(`its user column ${userColumn} is no mapped column`);
  checkKeys(monolith, service, declared, say);
  const finders = new Set([...monolith.primaryKey, ...(declared.sameWhen ?? []), userColumn]);
  for (const column of columns) if (finders.has(column.name)) checkCollation(column, say);
  if (reasons.length > before) return undefined;
  return {
    name,
    tables: { monolith: name, service: service.table },
    columns,
    key: monolith.primaryKey,
    user,
    sameWhen: declared.sameWhen ?? [],
    touched: declared.touched,
    known: { monolith: knownOf(monolith), service: knownOf(service) },
  };
}

/** What the service calls a column; one of the monolith may be called like a property of every object. */
const counterpart = ({ columns }: Table, name: string): string =>
  Object.hasOwn(columns, name) ? columns[name]! : name;

const knownOf = ({ columns, generated }: TableShape): Set<string> =>
  new Set([...columns.map(({ name }) => name), ...generated]);

function checkKeys(monolith: TableShape, service: TableShape, declared: Table, say: (reason: string) => void): void {
  if (!monolith.primaryKey.length) return void say('has no primary key in the monolith');
  const expected = monolith.primaryKey.map((column) => counterpart(declared, column)).join(', ');
  if (service.primaryKey.join(', ') !== expected) {
    say(`its primary key is (${expected}) in the monolith and (${service.primaryKey.join(', ')}) in the service`);
  }
}

/** A row of nobody belongs to no side: both would write it. */
function checkOwner({ name, monolith, service }: MappedColumn, table: string, say: (reason: string) => void): void {
  const where = [
    ...(monolith.nullable ? [`in the monolith (declare it NOT NULL: ALTER TABLE … MODIFY ${name} …)`] : []),
    ...(service.nullable
      ? [`in the service (ALTER TABLE "${table}" ALTER COLUMN "${service.name}" SET NOT NULL)`]
      : []),
  ];
  if (where.length) {
    say(
      `column ${name}, which says whose a row is, may be NULL ${where.join(' and ')}: a row of nobody has no side to be on`,
    );
  }
}

/** Rows are found by what their texts say; one such collation in Postgres would let a row overwrite another one. */
function checkCollation({ name, kind, monolith, service }: MappedColumn, say: (reason: string) => void): void {
  if (kind.name !== 'text' || !service.loose) return;
  say(
    `column ${name}, by which rows are found, is ${monolith.type} in the monolith and ${service.type} in the service with a ` +
      'nondeterministic collation, under which texts that differ are equal: one row would overwrite another. Give ' +
      `${service.name} a deterministic collation in the service`,
  );
}

/** Why two types have no kind of value in common, and what to do. */
const whyNot = ({ type, name }: Column): string =>
  type === 'bpchar'
    ? `char(n) of Postgres drops spaces at the end, which the monolith's type keeps; make ${name} varchar or text there`
    : 'not every value of one is a value of the other; give both the same type';

const INTEGERS = new Set([
  'tinyint',
  'tinyint(1)',
  'smallint',
  'mediumint',
  'int',
  'bigint',
  'bigint unsigned',
  'year',
]);
const TEXTS = new Set(['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext', 'enum']);
const BINARIES = new Set(['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob']);

/** What a MySQL column and a Postgres column have in common; undefined if nothing that keeps every value. */
export function kindOf(mysql: Column, postgres: Column): Kind | undefined {
  const { type } = mysql;
  switch (postgres.type) {
    case 'int2':
    case 'int4':
    case 'int8':
      return INTEGERS.has(type) && type !== 'bigint unsigned' ? { name: 'integer' } : undefined;
    case 'numeric':
      if (INTEGERS.has(type)) return { name: 'integer' };
      return type === 'decimal' ? { name: 'decimal' } : undefined;
    case 'bool':
      return type === 'tinyint(1)' ? { name: 'boolean' } : undefined;
    case 'bpchar':
      return type === 'char' || type === 'enum' ? { name: 'text', padded: true } : undefined;
    case 'varchar':
    case 'text':
    case 'enum':
      return TEXTS.has(type) ? { name: 'text' } : undefined;
    case 'uuid':
      return type === 'char' || type === 'varchar' ? { name: 'uuid' } : undefined;
    case 'timestamptz':
    case 'timestamp':
      if (type !== 'datetime' && type !== 'timestamp') return undefined;
      return { name: 'instant', digits: Math.min(mysql.digits, postgres.digits) };
    case 'date':
      return type === 'date' ? { name: 'date' } : undefined;
    case 'json':
    case 'jsonb':
      return type === 'json' ? { name: 'json' } : undefined;
    case 'bytea':
      return BINARIES.has(type) ? { name: 'binary' } : undefined;
    case 'float8':
      return type === 'double' ? { name: 'double' } : undefined;
    default:
      return undefined;
  }
}

/** A captured image as a row. Throws UnconvertibleError and SchemaChangedError, naming the column. */
export function toRow(table: MappedTable, side: Side, image: Image): Row {
  const row: Record<string, string | null> = {};
  for (const name in image) if (!table.known[side].has(name)) throw SchemaChangedError.added(table, side, name);
  for (const column of table.columns) {
    const own = column[side];
    const value = image[own.name];
    if (value === undefined) throw SchemaChangedError.missing(table, side, own.name);
    try {
      row[column.name] = canonical(column.kind, side === 'monolith' ? asStored(own, value) : value);
    } catch (error) {
      if (!(error instanceof UnconvertibleError || error instanceof SyntaxError)) throw error;
      throw new UnconvertibleError(`${column.kind.name}: ${table.tables[side]}.${own.name}`, value);
    }
  }
  return row;
}

/** What MySQL says where its connector says something else. */
function asStored({ type }: Column, value: unknown): unknown {
  if (type === 'bigint unsigned') return unsigned(value);
  if (type === 'year') return Number(value) === YEAR_0 ? 0 : value;
  return type === 'json' && typeof value === 'string' ? withShortDoubles(value) : value;
}

/** The log has a byte for a YEAR, the years since 1900, and 0 for 0000; there is no year 1900. */
const YEAR_0 = 1900;

/** `bigint.unsigned.handling.mode=precise` writes base64 of a big-endian two's-complement integer. */
const unsigned = (value: unknown): unknown =>
  typeof value === 'string' ? BigInt(`0x${Buffer.from(value, 'base64').toString('hex') || '0'}`) : value;

/** The primary key of a row as one text. */
export const keyOf = (table: MappedTable, row: Row): string =>
  table.key.length === 1 ? String(row[table.key[0]!]) : JSON.stringify(table.key.map((column) => row[column]));

/** The primary key that `keyOf` said as one text. */
export const keyFrom = (table: MappedTable, text: string): Row => {
  const values: unknown[] = table.key.length === 1 ? [text] : JSON.parse(text);
  return Object.fromEntries(table.key.map((column, at) => [column, String(values[at])]));
};

/** The table a stream's change belongs to; undefined if it is none of the capability's. */
export function tableOfChange(mapping: Mapping, direction: Direction, table: string): MappedTable | undefined {
  const side = sourceOf(direction);
  if (side === 'monolith') return mapping.get(table);
  for (const mapped of mapping.values()) if (mapped.tables.service === table) return mapped;
  return undefined;
}
