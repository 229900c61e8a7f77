import { nameOf, parentKey, type Rows, rootsOf } from './aggregates.ts';
import type { MappedTable, Row } from './mapping.ts';
import type { Change } from './steps.ts';

/** Nobody can say whose row this is, so nobody can say who may write it. The stream must stop. */
export class UnknownUserError extends Error {
  constructor(table: MappedTable, row: Row) {
    super(
      `the user of ${nameOf(table, row)} is not known: its parent row is neither in the transaction ` +
        'nor in the target. Verify this capability.',
    );
    this.name = 'UnknownUserError';
  }
}

/**
 * The user of each change: a column, or through the parent. A delete of a row that the target does not have needs none:
 * null. Throws UnknownUserError.
 */
export async function usersOf(changes: readonly Change[], rows: Rows): Promise<(string | null)[]> {
  const roots = await rootsOf(rows, changes);
  const users: (string | null)[] = [];
  for (const [at, { table, row }] of roots.entries()) {
    if (row && 'column' in table.user) users.push(String(row[table.user.column]));
    else users.push(await unknownUser(changes[at]!, rows));
  }
  return users;
}

async function unknownUser(change: Change, rows: Rows): Promise<null> {
  const row = (change.after ?? change.before)!;
  const parent = parentKey(rows.mapping, change.table, row);
  if (parent && !change.after && !(await rows.store(change.table).read(change.table.key, [row])).length) return null;
  throw new UnknownUserError(change.table, row);
}
