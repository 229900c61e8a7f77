import { quoted, type Session } from '@strangler/ledger';
import type { Side } from '@strangler/plan';
import { goneId, idGone } from '../mapping/captured-row.ts';
import { columnOf, keyFrom, keyOf, type MappedColumn, type MappedTable, type Row } from '../mapping/mapping.ts';
import type { RowStore } from './row-store.ts';

/** What a row refers to is not there: it counts as refused by the database, so the row is kept and others go on. */
class ReferredMissingError extends Error {
  /** The SQLSTATE of a foreign key that leads nowhere. */
  readonly code = '23503';

  constructor(table: MappedTable, { name, refers }: MappedColumn, side: Side, text: string) {
    super(
      `${name} of ${table.name} refers to ${refers!.name} ${text}, which the ${side} does not have: ` +
        (idGone(text)
          ? 'it went, or nobody could be asked what it is called: strangler quarantine resolve --keep owner makes the row as its owner has it'
          : 'it went, or its key changed. Insert it there, then: strangler quarantine retry'),
    );
    this.name = 'ReferredMissingError';
  }
}

/** Nothing tells which row of this side an owner's row was, that is to go. It counts as refused by the database. */
class UntoldKeyError extends Error {
  readonly code = '23503';

  constructor(table: MappedTable, { name, refers }: MappedColumn, side: Side, text: string) {
    super(
      `${name} of ${table.name} referred to ${refers!.name} ${text}, and nothing tells what that is called on the ${side}, ` +
        'so that the row cannot be found there: strangler quarantine resolve --keep owner makes it as its owner has it',
    );
    this.name = 'UntoldKeyError';
  }
}

/** Throws if a row that was not found is named by an id of the other side whose key nothing tells: it may be here. */
export function refuseUntold(table: MappedTable, side: Side, row: Row): void {
  for (const name of table.key) {
    const column = columnOf(table, name);
    const text = row[name];
    const gone = column.refers && text ? idGone(text) : undefined;
    if (gone && gone.side !== side) throw new UntoldKeyError(table, column, side, text!);
  }
}

/** A row that is shared by key is still referred to. It counts as refused by the database. */
class StillHeldError extends Error {
  readonly code = '23503';

  constructor(table: string, key: string, holder: string, column: string, side: Side) {
    super(
      `${table} ${key} cannot go, and its key cannot change: ${column} of ${holder} refers to it on the ${side}. ` +
        'Do there what was done here, then: strangler quarantine retry',
    );
    this.name = 'StillHeldError';
  }
}

/** The rows of a table that is shared by key: one goes only if nothing on this side refers to it. */
export function unlessHeld(
  session: Session,
  table: MappedTable,
  side: Side,
  store: RowStore,
  identities: RowStore,
): RowStore {
  const quote = (name: string) => quoted(session.dialect, name);
  return {
    ...store,
    async remove(rows) {
      const going = await identities.read(table.key, rows, true);
      const keys = new Map(going.map((row) => [row[table.ownId!.column.name]!, keyOf(table, row)]));
      for (const { [side]: holder } of keys.size ? table.ownId!.heldBy : []) {
        const column = quote(holder.column);
        const { rows: held } = await session.query<{ id: unknown }>(
          `SELECT ${column} AS id FROM ${quote(holder.table)} WHERE ${column} IN (${[...keys].map(() => '?').join(', ')}) LIMIT 1`,
          [...keys.keys()],
        );
        const [first] = held;
        if (first)
          throw new StillHeldError(table.name, keys.get(String(first.id)) ?? '', holder.table, holder.column, side);
      }
      await store.remove(rows);
    },
  };
}

/**
 * The rows of a table that refers to tables which are shared by key: whoever asks has their keys, `store` their ids on this
 * side.
 */
export function withKeys(
  table: MappedTable,
  side: Side,
  store: RowStore,
  identities: (parent: MappedTable) => RowStore,
): RowStore {
  const referring = table.columns.filter(({ refers }) => refers);
  const among = (names: readonly string[]) => referring.filter(({ name }) => names.includes(name));

  /** With ids in the place of keys; null for a row that refers to one that is not there. */
  async function toIds(
    rows: readonly Row[],
    columns: readonly MappedColumn[],
    hold = false,
    missing: (column: MappedColumn, text: string) => void = () => {},
  ): Promise<(Row | null)[]> {
    let changed: (Row | null)[] = [...rows];
    for (const column of columns) {
      const parent = column.refers!;
      const texts = new Set(rows.flatMap((row) => row[column.name] ?? []));
      const keys = [...texts].filter((text) => isKey(parent, text)).map((text) => keyFrom(parent, text));
      if (hold) await identities(parent).holdKeys(keys);
      const ids = new Map<string, string>();
      for (const row of keys.length ? await identities(parent).read(parent.key, keys) : [])
        ids.set(keyOf(parent, row), row[parent.ownId!.column.name]!);
      const idOf = (text: string): string | undefined => {
        const gone = idGone(text);
        return ids.get(text) ?? (!hold && gone?.side === side ? gone.id : undefined);
      };
      changed = changed.map((row) => {
        const text = row?.[column.name];
        if (!row || text == null) return row;
        const id = idOf(text);
        if (id === undefined) missing(column, text);
        return id === undefined ? null : { ...row, [column.name]: id };
      });
    }
    return changed;
  }
  const findable = async (rows: readonly Row[], names: readonly string[]): Promise<Row[]> =>
    (await toIds(rows, among(names))).filter((row) => row !== null);

  async function toKeys(rows: readonly Row[], columns: readonly MappedColumn[]): Promise<Row[]> {
    let changed = [...rows];
    for (const column of columns) {
      const parent = column.refers!;
      const id = parent.ownId!.column.name;
      const ids = [...new Set(rows.flatMap((row) => row[column.name] ?? []))];
      const found = ids.length
        ? await identities(parent).read(
            [id],
            ids.map((one) => ({ [id]: one })),
          )
        : [];
      const keys = new Map(found.map((row) => [row[id]!, keyOf(parent, row)]));
      changed = changed.map((row) => {
        const own = row[column.name];
        return own == null ? row : { ...row, [column.name]: keys.get(own) ?? goneId(own, side) };
      });
    }
    return changed;
  }

  const refuse = (column: MappedColumn, text: string): never => {
    throw new ReferredMissingError(table, column, side, text);
  };
  const toWrite = async (rows: readonly Row[]) => (await toIds(rows, referring, true, refuse)) as Row[];
  return {
    read: async (columns, like, hold) =>
      toKeys(await store.read(columns, await findable(like, columns), hold), referring),
    holdKeys: async (keys) => toKeys(await store.holdKeys(await findable(keys, table.key)), among(table.key)),
    page: async (after, limit) => toKeys(await store.page(after, limit), referring),
    write: async (rows, there) => store.write(await toWrite(rows), there && (await findable(there, table.key))),
    add: async (rows) => store.add(await toWrite(rows)),
    remove: async (rows) => store.remove(await findable(rows, table.key)),
  };
}

/** Whether a text may be the key of a row; what stands for one that is gone is none, unless every text is one. */
const isKey = (parent: MappedTable, text: string): boolean =>
  idGone(text) === undefined || (parent.key.length === 1 && columnOf(parent, parent.key[0]!).kind.name === 'text');
