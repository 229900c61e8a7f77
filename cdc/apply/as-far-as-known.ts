import { type FindRow, imagesAsOf, type Root, type Rows, rootOf, rootsOf } from '../rows/aggregates.ts';
import type { Change } from '../rows/change.ts';
import { amongLeads, type ChangedUsers, leadsOf, usersFrom } from '../rows/users.ts';
import { failureOf } from './failures.ts';

/** Asks a target something; gives its error if it refuses to be asked that. */
export type Attempt = (question: () => Promise<void>) => Promise<Error | undefined>;

/** Outside of a transaction, which a refusal would have broken. */
const alone: Attempt = async (question) => {
  try {
    await question();
    return undefined;
  } catch (error) {
    if (failureOf(error) !== 'row') throw error;
    return error as Error;
  }
};

/** As `usersOf`; where the target cannot even be asked for a parent, because it cannot hold such a key, that is not there. */
export async function usersAsFarAsKnown(
  changes: readonly Change[],
  rows: Rows,
  attempt: Attempt = alone,
): Promise<ChangedUsers[]> {
  const leads = changes.flatMap(leadsOf);
  return usersFrom(changes, await rootsAsFarAsKnown(leads, rows, attempt, amongLeads(changes)));
}

/** As `rootsOf`, in the same way. Within a transaction `attempt` has to keep that whole. */
export async function rootsAsFarAsKnown(
  changes: readonly Change[],
  rows: Rows,
  attempt: Attempt,
  among: (at: number) => FindRow = imagesAsOf(changes),
): Promise<Root[]> {
  let roots: Root[] = [];
  const refused = await attempt(async () => {
    roots = await rootsOf(rows, changes, among);
  });
  if (!refused) return roots;
  if (changes.length === 1) {
    const [{ table, before, after }] = changes as [Change];
    return [rootOf(rows.mapping, table, (after ?? before)!, among(0))];
  }
  const half = changes.length >> 1;
  const first = await rootsAsFarAsKnown(changes.slice(0, half), rows, attempt, among);
  const second = await rootsAsFarAsKnown(changes.slice(half), rows, attempt, (at) => among(half + at));
  return [...first, ...second];
}
