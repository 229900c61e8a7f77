import { leadOf, NOBODY, userIn } from '../mapping/user-column.ts';
import { type FindRow, imagesAsOf, type Root, type Rows, rootsOf } from './aggregates.ts';
import type { Change, RootImage } from './change.ts';

/**
 * Whose a changed row is: the users of its images, one unless it goes from one user to another, the former first. Empty if
 * it needs none: a delete whose parent is gone. Undefined if nobody can say, because the target has no such parent: then one
 * of two sides has taken it away.
 */
export type ChangedUsers = readonly string[] | undefined;

/** The users of each change: a column, or through the parent. */
export async function usersOf(changes: readonly Change[], rows: Rows): Promise<ChangedUsers[]> {
  return usersFrom(changes, await rootsOf(rows, changes.flatMap(leadsOf), amongLeads(changes)));
}

/** Rows as they were at the change of each lead (`leadsOf`). */
export function amongLeads(changes: readonly Change[]): (lead: number) => FindRow {
  const asOf = imagesAsOf(changes);
  const places = changes.flatMap((change, at) => leadsOf(change).map(() => at));
  return (lead) => asOf(places[lead]!);
}

/** What of a change leads to its users: a row that goes to another user or another parent has two images that do. */
export function leadsOf({ table, before, after }: Change): Change[] {
  const image = (row: Change['after']): Change => ({ table, before: null, after: row });
  return before && after && goesElsewhere({ table, before, after })
    ? [image(before), image(after)]
    : [image(after ?? before)];
}

/** True if a row goes to another user, or to another parent; the same user may be reached by another way then. */
export const goesElsewhere = ({ table, before, after }: Change): boolean =>
  before !== null && after !== null && leadOf(table, before) !== leadOf(table, after);

/** The users of changes, by the roots of what leads to them (`leadsOf`), in order. */
export function usersFrom(changes: readonly Change[], roots: readonly Root[]): ChangedUsers[] {
  let at = 0;
  return changes.map((change) => {
    const users = new Set<string>();
    let unknown = false;
    for (const _ of leadsOf(change)) {
      const { table, row } = roots[at++]!;
      if (row)
        users.add(userIn(table, row) ?? NOBODY); // whom no request can name
      else unknown = true;
    }
    if (!unknown) return [...users];
    return change.after ? undefined : [];
  });
}

/**
 * The users of aggregates as they stand; `otherwise`, in the same order, if one is not there, or nobody can say. What is a
 * root on the other side may be below another row here.
 */
export async function usersOfImages(
  rows: Rows,
  images: readonly RootImage[],
  otherwise: readonly (string | null)[],
): Promise<(string | null)[]> {
  const changes = images.map(({ table, key, row }) => ({
    table: rows.mapping.get(table)!,
    before: null,
    after: row ?? key,
  }));
  const users = await usersOf(changes, rows);
  return images.map(({ row }, at) => (row && users[at]?.[0]) ?? otherwise[at]!);
}
