import type { Session } from '@strangler/ledger';
import { applyAndKeep } from '../apply/apply-and-keep.ts';
import type { Overwriting, Provenance } from '../apply/quarantine-rows.ts';
import { imagesOf, membersOf, nameOf, type Rows } from '../rows/aggregates.ts';
import type { Change, RootImage } from '../rows/change.ts';

/**
 * Makes the owner's rows what the late write says: its rows, the absence of what it deleted and of everything below
 * that, and the absence of the owner's rows for the same thing. What goes for it is kept. Gives the aggregates as they
 * stand then.
 */
export async function applyKept(
  session: Session,
  rows: Rows,
  { changes, images }: { readonly changes: readonly Change[]; readonly images: readonly RootImage[] },
  how: { readonly provenance: Provenance; readonly by: Overwriting },
): Promise<RootImage[]> {
  const stay = new Set(changes.flatMap(({ table, after }) => (after ? [nameOf(table, after)] : [])));
  const rivals = images
    .slice(1)
    .map(({ table, key }) => ({ table: rows.mapping.get(table)!, row: key }))
    .filter(({ table, row }) => !stay.has(nameOf(table, row)));
  const deleted = changes.flatMap(({ table, before, after }) => (after ? [] : [{ table, row: before! }]));
  const all: Change[] = [];
  for (const [table, some] of Map.groupBy([...rivals, ...deleted], (one) => one.table)) {
    const gone = some.map(({ row }) => row);
    const below = [...(await membersOf(rows, table, gone)).values()].flat();
    all.push(...below.map((member) => ({ table: member.table, before: member.row, after: null })));
    all.push(...gone.map((row) => ({ table, before: row, after: null })));
  }
  all.push(...changes.flatMap(({ table, after }) => (after ? [{ table, before: null, after }] : [])));
  await applyAndKeep(
    session,
    rows,
    all.map((change) => ({ change, ...how })),
  );
  const now: RootImage[] = [];
  for (const { table, key } of images) now.push(...(await imagesOf(rows, rows.mapping.get(table)!, [key])));
  return now;
}
