import { quoted } from '@strangler/ledger';
import { type Capability, columnsOfWay, type Side, tablesToUser, type UserSource, waysOf } from '@strangler/plan';
import { Enquiries, UnfitError } from './enquiries.ts';
import {
  comparedWith,
  type LookupColumn,
  type LookupShape,
  lookupShape,
  mustCompare,
  mustHoldUsers,
  textOf,
} from './lookup-shape.ts';
import { once } from './once.ts';
import type { Places } from './places.ts';
import type { Reader } from './reader.ts';
import type { IdentitySource } from './source.ts';

type Settings = Extract<UserSource, { row: unknown }>;
type Tables = Capability['tables'];

/** A user; null: the row is of nobody there, or its parent is missing; undefined: there is no such row. */
type RowUser = string | null | undefined;
type FindUser = (text: string) => Promise<RowUser | 'unreadable'>;

/**
 * The user of the row that a parameter of the path names. It is looked for in the monolith first; one that is not there
 * may have been born on the service, and not arrived yet.
 */
export function rowSource(
  settings: Settings,
  tables: Tables,
  readers: Readonly<Record<Side, Reader>>,
  places: Places,
): IdentitySource {
  const { row, from } = settings;
  const enquiries = new Enquiries(`${readers.monolith.name} or ${readers.service.name}`);
  const sides = (['monolith', 'service'] as const).map((side) =>
    once(() => statementOf(settings, tables, side, readers[side])),
  );
  for (const side of sides) places.checkedBy(side);
  const find = async (text: string) => {
    let found: RowUser;
    for (const side of sides) {
      const user = await (await side())(text);
      if (user === 'unreadable') return { unreadable: `:${from} is nothing that ${row}.${settings.by} can hold` };
      if (typeof user === 'string') return { user };
      if (user === null) found = null;
    }
    const isWrong = found === null && !tablesToUser(row, tables).some((one) => tables[one]!.unowned);
    return isWrong ? { unreadable: `the row of ${row} that :${from} names has no user` } : undefined;
  };
  return ({ parameters, isWrite }) => {
    if (!parameters) return { unreadable: 'the path can be read in two ways' };
    const text = parameters.get(from);
    return text === undefined ? undefined : enquiries.ask([text], isWrite, () => find(text));
  };
}

/** How the user of a row is found on one side. Throws UnfitError, the driver’s error. */
async function statementOf({ row, by }: Settings, tables: Tables, side: Side, reader: Reader): Promise<FindUser> {
  const from = new RowJoins(tables, side, reader);
  const { shape } = await from.add(row);
  const key = shape.column(from.columnOf(row, by));
  mustCompare(key, from.tableOf(row));
  if (!key.isUnique) {
    const why = 'it may name rows of several users; a row is looked for by a column with a unique index of its own';
    throw new UnfitError(`${from.tableOf(row)}.${key.name} in ${reader.name} is not unique: ${why}`);
  }
  const sql = `SELECT ${from.taken} FROM ${from.joins} WHERE t0.${quoted(reader.dialect, key.name)} = ? LIMIT 1`;
  return async (text) => {
    const compared = comparedWith(key, text);
    if (!compared) return 'unreadable';
    const [found] = compared === 'none' ? [] : await reader.rows<Record<string, unknown>>(sql, [compared.value]);
    if (!found) return undefined;
    const user = from.leaves.map((leaf) => found[leaf]).find((one) => one !== null);
    return user === undefined ? null : textOf(user);
  };
}

/** A row’s table and the parents through which it may reach its user, joined: of the columns `leaves` only the one that tells it is not NULL. */
class RowJoins {
  readonly #tables: Tables;
  readonly #side: Side;
  readonly #reader: Reader;
  readonly leaves: string[] = [];
  readonly #taken: string[] = [];
  #joined = 0;
  joins = '';

  constructor(tables: Tables, side: Side, reader: Reader) {
    this.#tables = tables;
    this.#side = side;
    this.#reader = reader;
  }

  get taken(): string {
    return this.#taken.join(', ');
  }

  readonly columnOf = (table: string, column: string): string =>
    this.#side === 'monolith' ? column : (this.#tables[table]!.columns[column] ?? column);

  readonly tableOf = (table: string): string =>
    this.#side === 'monolith' ? table : (this.#tables[table]!.to ?? table);

  /** Joins a table where these columns hold its key, as far as `when` holds. Throws UnfitError, the driver’s error. */
  async add(
    table: string,
    by: readonly string[] = [],
    when: readonly string[] = [],
  ): Promise<{ readonly shape: LookupShape }> {
    const { dialect, name: reader } = this.#reader;
    const shape = await lookupShape(this.#reader, this.tableOf(table));
    const alias = `t${this.#joined++}`;
    const own = (column: string) => `${alias}.${quoted(dialect, shape.column(this.columnOf(table, column)).name)}`;
    if (alias === 't0') this.joins = `${shape.quoted} t0`;
    else {
      const key = shape.key();
      if (key.length !== by.length)
        throw new UnfitError(
          `${this.tableOf(table)} in ${reader} has a primary key of ${key.length} columns, and ${by.length} lead to it`,
        );
      const on = key.map(({ name }, at) => `${alias}.${quoted(dialect, name)} = ${by[at]}`);
      this.joins += ` LEFT JOIN ${shape.quoted} ${alias} ON ${on.join(' AND ')}`;
    }
    const earlier: string[] = [];
    for (const way of waysOf(this.#tables[table]!)) {
      const columns = columnsOfWay(way).map(own);
      const isSet = columns.map((column) => `${column} IS NOT NULL`).join(' AND ');
      const leads = [...when, ...earlier, isSet];
      earlier.push(`NOT (${isSet})`);
      if ('of' in way) await this.add(way.of, columns, leads);
      else this.#take(shape.column(this.columnOf(table, way.column)), this.tableOf(table), columns[0]!, leads);
    }
    return { shape };
  }

  #take(column: LookupColumn, table: string, expression: string, when: readonly string[]): void {
    mustHoldUsers(column, table);
    const leaf = `u${this.leaves.length}`;
    this.leaves.push(leaf);
    this.#taken.push(`CASE WHEN ${when.join(' AND ')} THEN ${expression} END AS ${leaf}`);
  }
}
