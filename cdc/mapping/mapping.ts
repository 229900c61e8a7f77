import type { Session } from '@strangler/ledger';
import {
  type Capability,
  type Direction,
  otherSide,
  type Side,
  sourceOf,
  type Table,
  type UserType,
} from '@strangler/plan';
import { FatalStreamError } from '../fatal-stream-error.ts';
import { NEXT_STEP } from '../log/continuity.ts';
import {
  checkNaturalKey,
  type HeldId,
  holdersOf,
  type KeyFacts,
  ownIdOf,
  readKeyFacts,
  unsaidReferences,
} from './by-key.ts';
import { silentChangeIn } from './capacity.ts';
import { type Column, readShape, type TableShape, typeOf } from './columns.ts';
import { checkKeys, counterpart, namedBy } from './declared.ts';
import { readForeignKeys } from './foreign-keys.ts';
import { kindOf, whyNot } from './kind-of.ts';
import {
  checkUserPath,
  keyText,
  leadingIn,
  mistakesOfParents,
  pathOf,
  tellUser,
  type UserPath,
  userPathOf,
} from './user-column.ts';
import type { Kind } from './value-kinds.ts';

/** A row told apart from the database it stands in: the monolith's column names, canonical texts. */
export type Row = Readonly<Record<string, string | null>>;

/** One column of a mapped table. `name` is the monolith's. */
export type MappedColumn = {
  readonly name: string;
  readonly kind: Kind;
  /** Set where a side has the id of a row of this table, shared by key: a row (`Row`) has that one's key. */
  readonly refers?: MappedTable;
} & Readonly<Record<Side, Column>>;

/** One table of a capability as both sides have it. `name` is the monolith's. */
export type MappedTable = {
  readonly name: string;
  readonly tables: Readonly<Record<Side, string>>;
  readonly columns: readonly MappedColumn[];
  /** What tells rows apart: the primary key, or what the Plan says if it is shared by key. */
  readonly key: readonly string[];
  /** Of a table that is shared by key: the primary key, which each side fills itself, and where such ids are. */
  readonly ownId?: { readonly column: MappedColumn; readonly heldBy: readonly HeldId[] };
  readonly user: UserPath;
  readonly sameWhen: readonly string[];
  readonly touched: readonly string[];
  /** What others than their users write in the monolith, as the Plan declares. */
  readonly otherWriters: {
    readonly columns: ReadonlySet<string>;
    readonly inserts: boolean;
    readonly deletes: boolean;
  };
  /** Sets of columns whose values both sides never give away alike, as the Plan says. */
  readonly distinct: readonly (readonly string[])[];
  /** Every column a captured row may carry on a side, those among them that the database computes. */
  readonly known: Readonly<Record<Side, ReadonlySet<string>>>;
};

/** A mapped column by its name. */
export const columnOf = ({ columns }: Pick<MappedTable, 'columns'>, name: string): MappedColumn =>
  columns.find((column) => column.name === name)!;

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
  const { mapping, reasons } = await mapTables(capability, monolith, service);
  if (reasons.length) throw new MappingError(name, reasons);
  return mapping;
}

/** The tables of a capability that can be mapped, and why the others cannot. */
export async function mapTables(
  capability: Capability,
  monolith: Session,
  service: Session,
): Promise<{ readonly mapping: Mapping; readonly reasons: readonly string[] }> {
  const reasons: string[] = [];
  const mapping = new Map<string, MappedTable>();
  const byKeyFirst = Object.entries(capability.tables).toSorted(([, a], [, b]) => rankOf(a) - rankOf(b));
  for (const [table, declared] of byKeyFirst) {
    const shapes = {
      monolith: await readShape(monolith, table),
      service: await readShape(service, declared.to ?? table),
    };
    if (!shapes.monolith) reasons.push(`${table}: not found in the monolith's database, or this user may not see it`);
    if (!shapes.service) {
      reasons.push(`${declared.to ?? table}: not found in the service's database, or this user may not see it`);
    }
    if (!shapes.monolith || !shapes.service) continue;
    const facts = declared.key && {
      monolith: await readKeyFacts(monolith, table, shapes.monolith.primaryKey[0] ?? ''),
      service: await readKeyFacts(service, shapes.service.table, shapes.service.primaryKey[0] ?? ''),
    };
    const beside = { mapping, facts, heldBy: holdersOf(capability.tables, table) };
    const mapped = mapTable(table, declared, capability.userType, shapes.monolith, shapes.service, reasons, beside);
    if (mapped) mapping.set(table, mapped);
  }
  const ids = new Map([...mapping].flatMap(([name, { ownId }]) => (ownId ? [[name, ownId.column] as const] : [])));
  if (ids.size) {
    const keys = [...(await readForeignKeys(monolith, 'monolith')), ...(await readForeignKeys(service, 'service'))];
    reasons.push(...unsaidReferences(capability.tables, ids, keys));
  }
  for (const table of [...mapping.values()]) {
    const wrong = mistakesOfParents(table, mapping);
    reasons.push(...wrong);
    if (wrong.length) mapping.delete(table.name);
  }
  return { mapping, reasons };
}

/** Tables that are shared by key stand first: others refer to them. */
const rankOf = ({ shared }: Table): number => (shared === 'by-key' ? 0 : 1);

/** What one table has to do with others: those that are mapped already, and who has its ids if it is shared by key. */
type Beside = {
  readonly mapping: Mapping;
  readonly facts?: Readonly<Record<Side, KeyFacts>> | undefined;
  readonly heldBy: readonly HeldId[];
};

/** Maps one table; adds to `reasons` whatever cannot be mapped. */
export function mapTable(
  name: string,
  declared: Table,
  userType: UserType,
  monolith: TableShape,
  service: TableShape,
  reasons: string[],
  { mapping, facts, heldBy }: Beside = { mapping: new Map(), heldBy: [] },
): MappedTable | undefined {
  const before = reasons.length;
  const say = (reason: string) => reasons.push(`${name}: ${reason}`);
  for (const one of [name, service.table]) {
    if (/[\s.]/.test(one))
      say(`${one} has a blank or a dot in its name, which Debezium cannot be told; give it another name`);
    if (one.startsWith('strangler_')) say(`${one} is named like a table of the toolkit; give it another name`);
  }
  const columns: MappedColumn[] = [];
  const id = declared.key && ownIdOf({ monolith, service }, say);
  const taken = new Set<string>(id ? [id.service.name] : []);
  for (const column of monolith.columns) {
    if (column === id?.monolith) continue;
    const wanted = counterpart(declared, column.name);
    if (column.name === '__proto__' || wanted === '__proto__') say('a column __proto__ cannot be carried; rename it');
    const other = service.columns.find((candidate) => candidate.name === wanted);
    taken.add(wanted);
    if (!other) {
      say(`column ${column.name} has no counterpart ${wanted} in the service's ${service.table}; add it there`);
      continue;
    }
    const kind = kindOf(column, other);
    const pair = { name: column.name, monolith: column, service: other };
    if (!kind) {
      say(sayTypes(pair, whyNot(column, other, service.table)));
      continue;
    }
    const refers = Object.hasOwn(declared.refers, column.name) && mapping.get(declared.refers[column.name]!);
    columns.push({ ...pair, kind, ...(refers && { refers }) });
    if (refers && refers.ownId?.column.kind.name !== kind.name)
      say(sayTypes(pair, `it cannot hold ids of ${refers.name}`));
    const change = silentChangeIn({ ...pair, kind }, service.table);
    if (change) say(`${sayTypes(pair, change.why)}: ${change.fix}`);
  }
  for (const column of service.columns) {
    if (!taken.has(column.name)) {
      say(`column ${column.name} of the service's ${service.table} has no counterpart in the monolith; add it there`);
    }
  }
  const names = new Set(columns.map((column) => column.name));
  for (const column of namedBy(declared)) {
    if (!names.has(column)) say(`the Plan names column ${column}, which is no mapped column`);
  }
  const leading = leadingIn(declared, columns, { monolith, service });
  const user = userPathOf(declared, userType, leading);
  const unmapped = pathOf(user).filter((path) => !columns.some((column) => column.name === path));
  for (const path of unmapped) say(`its user column ${path} is no mapped column`);
  if (!unmapped.length) checkUserPath(user, leading, say);
  if (declared.sameWhen && !('each' in user) && !tellUser(user, declared.sameWhen)) {
    say(
      'sameWhen must hold the column that leads to the user: of two users who have the same, each would lose their row to the other; ' +
        'a key whose values both sides never give away alike is distinct',
    );
  }
  const key = declared.key ?? monolith.primaryKey;
  const tables = { monolith: name, service: service.table };
  const ofKey = columns.filter((column) => key.includes(column.name));
  if (!declared.key) checkKeys(monolith, service, declared, say);
  else if (id && facts && ofKey.length === key.length) checkNaturalKey(tables, id, ofKey, facts, say);
  const finders = new Set([...key, ...(declared.sameWhen ?? []), ...pathOf(user)]);
  for (const column of columns) if (finders.has(column.name)) checkCollation(column, say);
  if (reasons.length > before) return undefined;
  return {
    name,
    tables,
    columns,
    key,
    ...(id && { ownId: { column: id, heldBy } }),
    user,
    sameWhen: declared.sameWhen ?? [],
    touched: declared.touched,
    otherWriters: {
      columns: new Set(declared.writers.flatMap(({ columns = [] }) => columns)),
      inserts: declared.writers.some(({ inserts }) => inserts),
      deletes: declared.writers.some(({ deletes }) => deletes),
    },
    distinct: declared.distinct,
    known: { monolith: knownOf(monolith), service: knownOf(service) },
  };
}

/** What is wrong with a column, said with both its types. */
export const sayTypes = ({ name, monolith, service }: Omit<MappedColumn, 'kind'>, what: string): string =>
  `column ${name} is ${typeOf(monolith)} in the monolith and ${typeOf(service)} in the service: ${what}`;

const knownOf = ({ columns, generated }: TableShape): Set<string> =>
  new Set([...columns.map(({ name }) => name), ...generated]);

/** Rows are found by what their texts say; one such collation in Postgres would let a row overwrite another one. */
function checkCollation({ name, kind, monolith, service }: MappedColumn, say: (reason: string) => void): void {
  if (kind.name !== 'text' || !service.loose) return;
  say(
    `column ${name}, by which rows are found, is ${monolith.type} in the monolith and ${service.type} in the service with a ` +
      'nondeterministic collation, under which texts that differ are equal: one row would overwrite another. Give ' +
      `${service.name} a deterministic collation in the service`,
  );
}

/** The primary key of a row as one text. */
export const keyOf = (table: MappedTable, row: Row): string => keyText(table.key, row);

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
