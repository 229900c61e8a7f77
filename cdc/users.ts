import { type Rows, rootsOf } from './aggregates.ts';
import { failureOf } from './failures.ts';
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

/**
 * The users of all changes, by steps; where the target cannot even be asked for a parent, because it cannot hold such a
 * key, that parent is not there. Not inside a transaction.
 */
export async function usersAsFarAsKnown(
  steps: readonly (readonly Change[])[],
  rows: Rows,
): Promise<(string | null | undefined)[]> {
  const changes = steps.flat();
  try {
    return await usersOf(changes, rows);
  } catch (error) {
    if (failureOf(error) !== 'row') throw error;
    if (changes.length === 1) return [changes[0]!.after ? undefined : null];
    const parts = steps.length > 1 ? steps.map((step) => [step]) : changes.map((change) => [[change]]);
    const users: (string | null | undefined)[] = [];
    for (const part of parts) users.push(...(await usersAsFarAsKnown(part, rows)));
    return users;
  }
}
