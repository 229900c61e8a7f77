import { type Root, type Rows, rootsOf } from './aggregates.ts';
import type { Change } from './change.ts';

/**
 * The user of each change: a column, or through the parent. A delete whose parent is gone needs none: null. Undefined if
 * nobody can say, because the target has no such parent, then one of two sides has taken it away; or it is of nobody.
 */
export async function usersOf(changes: readonly Change[], rows: Rows): Promise<(string | null | undefined)[]> {
  return usersFrom(await rootsOf(rows, changes), changes);
}

/** The users whose rows these roots are, in the order of their changes. */
export const usersFrom = (roots: readonly Root[], changes: readonly Change[]): (string | null | undefined)[] =>
  roots.map(({ table, row }, at) => {
    const user = row && 'column' in table.user ? row[table.user.column] : undefined;
    if (user != null) return user;
    return changes[at]!.after ? undefined : null;
  });
