import { imagesAmong, parentKey, type Rows, rootOf } from './aggregates.ts';
import { keyOf, type MappedTable, type Row } from './mapping.ts';
import type { Change } from './steps.ts';

/** Nobody can say whose row this is, so nobody can say who may write it. The stream must stop. */
export class UnknownUserError extends Error {
  constructor(table: MappedTable, row: Row) {
    super(
      `the user of ${table.name} ${keyOf(table, row)} is not known: its parent row is neither in the transaction ` +
        'nor in the target. Verify this capability.',
    );
    this.name = 'UnknownUserError';
  }
}

/**
 * The user of each change: a column, or through the parent, which is looked for in the changes themselves (either
 * image), then in the target, then among what was kept. A delete of a row that the target does not have needs none: null.
 */
export async function usersOf(changes: readonly Change[], rows: Rows): Promise<(string | null)[]> {
  const among = imagesAmong(changes);
  const found = new Map<string, Row>();
  const find = (table: MappedTable, key: Row) => among(table, key) ?? found.get(`${table.name} ${keyOf(table, key)}`);
  const rootColumn = (change: Change) => {
    const root = rootOf(rows.mapping, change.table, (change.after ?? change.before)!, find);
    return { root, column: 'column' in root.table.user ? root.table.user.column : undefined };
  };
  for (let level = 0; level < rows.mapping.size; level++) {
    const missing = new Map<MappedTable, Map<string, Row>>();
    for (const change of changes) {
      const { root } = rootColumn(change);
      if (root.row) continue;
      const wanted = missing.get(root.table) ?? new Map<string, Row>();
      missing.set(root.table, wanted.set(keyOf(root.table, root.key), root.key));
    }
    let more = false;
    for (const [table, keys] of missing) {
      for (const row of await parents(rows, table, keys)) {
        found.set(`${table.name} ${keyOf(table, row)}`, row);
        more = true;
      }
    }
    if (!more) break;
  }
  const users: (string | null)[] = [];
  for (const change of changes) {
    const { root, column } = rootColumn(change);
    if (root.row && column) users.push(String(root.row[column]));
    else users.push(await unknownUser(change, rows));
  }
  return users;
}

/** Rows of the target, or those that were kept instead of becoming rows of the target. */
async function parents(rows: Rows, table: MappedTable, keys: ReadonlyMap<string, Row>): Promise<Row[]> {
  const found = await rows.store(table).read(table.key, [...keys.values()]);
  const absent = new Map(keys);
  for (const row of found) absent.delete(keyOf(table, row));
  for (const key of absent.values()) {
    const kept = await rows.kept(table, key);
    if (kept) found.push(kept);
  }
  return found;
}

async function unknownUser(change: Change, rows: Rows): Promise<null> {
  const row = (change.after ?? change.before)!;
  const parent = parentKey(rows.mapping, change.table, row);
  if (parent && !change.after && !(await rows.store(change.table).read(change.table.key, [row])).length) return null;
  throw new UnknownUserError(change.table, row);
}
