import { keptImage, type Session } from '@strangler/ledger';
import type { Side } from '@strangler/plan';
import { hasIdentity } from './disposition.ts';
import { keyOf, type MappedTable, type Mapping, type Row } from './mapping.ts';
import { openStore, type RowStore } from './row-store.ts';
import type { Change, Correction, RootImage } from './steps.ts';

/** The rows of a capability on one side, reached through one session of its database. */
export type Rows = {
  readonly mapping: Mapping;
  store(table: MappedTable): RowStore;
  /** The row with this key as it was kept in quarantine instead of being applied. */
  kept(table: MappedTable, key: Row): Promise<Row | undefined>;
};

/** Opens the rows of a capability on one side. */
export function openRows(session: Session, mapping: Mapping, side: Side): Rows {
  const stores = new Map<MappedTable, RowStore>();
  return {
    mapping,
    store(table) {
      const known = stores.get(table) ?? openStore(session, table, side);
      stores.set(table, known);
      return known;
    },
    async kept(table, key) {
      const image = await keptImage(session, table.name, keyOf(table, key));
      return image === undefined ? undefined : (JSON.parse(image) as Row);
    },
  };
}

/** The parts of a row that make its primary key. */
export const keyRow = (table: MappedTable, row: Row): Row =>
  Object.fromEntries(table.key.map((column) => [column, row[column]!]));

/** The key of the parent a row reaches its user through; undefined if it has its user itself. */
export function parentKey(
  mapping: Mapping,
  table: MappedTable,
  row: Row,
): { table: MappedTable; key: Row } | undefined {
  if ('column' in table.user) return undefined;
  const parent = mapping.get(table.user.of)!;
  return { table: parent, key: { [parent.key[0]!]: row[table.user.through]! } };
}

/** The root of the aggregate a row belongs to, as far as `find` knows the rows between. */
export function rootOf(
  mapping: Mapping,
  table: MappedTable,
  row: Row,
  find: (table: MappedTable, key: Row) => Row | undefined,
): { table: MappedTable; key: Row; row: Row | undefined } {
  const parent = parentKey(mapping, table, row);
  if (!parent) return { table, key: keyRow(table, row), row };
  const known = find(parent.table, parent.key);
  return known ? rootOf(mapping, parent.table, known, find) : { ...parent, row: undefined };
}

/** Everything that reaches its user through this row, from the nearest on. */
export async function childrenOf(
  rows: Rows,
  table: MappedTable,
  key: Row,
): Promise<{ table: MappedTable; row: Row }[]> {
  const found: { table: MappedTable; row: Row }[] = [];
  for (const child of rows.mapping.values()) {
    if ('column' in child.user || child.user.of !== table.name) continue;
    const direct = await rows.store(child).read([child.user.through], [{ [child.user.through]: key[table.key[0]!]! }]);
    for (const row of direct) {
      found.push({ table: child, row }, ...(await childrenOf(rows, child, keyRow(child, row))));
    }
  }
  return found;
}

/** Other rows that are the same thing as this one. */
export async function rivalsOf(rows: Rows, table: MappedTable, row: Row): Promise<Row[]> {
  if (!hasIdentity(table, row)) return [];
  const same = await rows.store(table).read(table.sameWhen, [row]);
  return same.filter((other) => keyOf(table, other) !== keyOf(table, row));
}

/** An aggregate as it stands: its root, if there is one, and everything below it. */
export async function imageOf(rows: Rows, table: MappedTable, key: Row): Promise<RootImage> {
  const row = (await rows.store(table).read(table.key, [key]))[0] ?? null;
  const children = row ? await childrenOf(rows, table, key) : [];
  return {
    table: table.name,
    key,
    row,
    children: children.map((child) => ({ table: child.table.name, row: child.row })),
  };
}

/** Makes the aggregates of a correction what it says: first everything that goes, then everything that is. */
export async function applyImages(rows: Rows, correction: Correction): Promise<void> {
  for (const root of correction.roots) {
    const table = rows.mapping.get(root.table)!;
    const kept = new Set(
      root.children.map((child) => `${child.table} ${keyOf(rows.mapping.get(child.table)!, child.row)}`),
    );
    for (const child of await childrenOf(rows, table, root.key)) {
      if (!kept.has(`${child.table.name} ${keyOf(child.table, child.row)}`))
        await rows.store(child.table).remove([child.row]);
    }
    if (!root.row) await rows.store(table).remove([root.key]);
  }
  for (const root of correction.roots) {
    if (root.row) await rows.store(rows.mapping.get(root.table)!).write([root.row]);
    for (const child of root.children) await rows.store(rows.mapping.get(child.table)!).write([child.row]);
  }
}

/** Every row image of some changes, newest last, to find parents in. */
export function imagesAmong(changes: readonly Change[]): (table: MappedTable, key: Row) => Row | undefined {
  const images = new Map<string, Row>();
  for (const { table, before, after } of changes) {
    for (const row of [before, after]) if (row) images.set(`${table.name} ${keyOf(table, row)}`, row);
  }
  return (table, key) => images.get(`${table.name} ${keyOf(table, key)}`);
}
