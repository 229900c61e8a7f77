import { removeWhole } from '../apply/apply-owned.ts';
import { chunks, imagesOf, membersOf, nameOf, type Rows } from '../rows/aggregates.ts';
import type { RootImage } from '../rows/change.ts';
import type { Dispute } from './dispute.ts';

/**
 * Makes the owner's rows what the late write says: its rows, the absence of what it deleted and of everything below
 * that, and the absence of the owner's rows for the same thing. Gives the aggregates as they stand then.
 */
export async function applyKept(rows: Rows, { changes, images }: Dispute): Promise<RootImage[]> {
  const stay = new Set(changes.flatMap(({ table, after }) => (after ? [nameOf(table, after)] : [])));
  const rivals = images
    .slice(1)
    .map(({ table, key }) => ({ table: rows.mapping.get(table)!, row: key }))
    .filter(({ table, row }) => !stay.has(nameOf(table, row)));
  const deleted = changes.flatMap(({ table, before, after }) => (after ? [] : [{ table, row: before! }]));
  for (const [table, some] of Map.groupBy([...rivals, ...deleted], (one) => one.table)) {
    const gone = some.map(({ row }) => row);
    await removeWhole(rows, table, gone, await membersOf(rows, table, gone));
  }
  for (const [table, some] of Map.groupBy(changes, (change) => change.table)) {
    const written = some.flatMap(({ after }) => (after ? [after] : []));
    for (const chunk of chunks(written)) await rows.store(table).write(chunk);
  }
  const now: RootImage[] = [];
  for (const { table, key } of images) now.push(...(await imagesOf(rows, rows.mapping.get(table)!, [key])));
  return now;
}
