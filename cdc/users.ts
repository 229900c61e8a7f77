import { type Rows, rootsOf } from './aggregates.ts';
import type { Change } from './steps.ts';

/**
 * The user of each change: a column, or through the parent. A delete whose parent is gone needs none: null. Undefined if
 * nobody can say, because the target has no such parent: then one of two sides has taken it away.
 */
export async function usersOf(changes: readonly Change[], rows: Rows): Promise<(string | null | undefined)[]> {
  const roots = await rootsOf(rows, changes);
  return roots.map(({ table, row }, at) => {
    if (row && 'column' in table.user) return String(row[table.user.column]);
    return changes[at]!.after ? undefined : null;
  });
}
