import { imageOf, imagesAmong, keyRow, parentKey, type Rows, rivalsOf } from './aggregates.ts';
import { type Disposition, disposeAggregate, type Late, sameRow } from './disposition.ts';
import { keyOf, type MappedTable, type Row } from './mapping.ts';
import type { Change, RootImage } from './steps.ts';

/** What became of one late change that was not applied. */
export type Kept = { readonly table: MappedTable; readonly late: Late; readonly disposition: 'superseded' | 'open' };

/** What late changes came to: what was kept, and the owner's aggregates that the other side must take over. */
export type LateOutcome = { readonly kept: readonly Kept[]; readonly roots: readonly RootImage[] };

/** Applies an application's late changes of one source transaction where the owner's rows allow it (design.md §4). */
export async function applyLate(rows: Rows, changes: readonly Change[]): Promise<LateOutcome> {
  const kept: Kept[] = [];
  const roots = new Map<string, RootImage>();
  for (const aggregate of await byAggregate(rows, changes)) {
    const lates: Late[] = [];
    for (const change of aggregate.changes) lates.push(await compareWithOwner(rows, change));
    const tables = aggregate.changes.map(({ table }) => table);
    const dispositions = (await rootIsGone(rows, aggregate))
      ? lates.map((): Disposition => 'superseded')
      : disposeAggregate(tables, lates);
    for (const [at, { table }] of aggregate.changes.entries()) {
      const late = lates[at]!;
      const disposition = dispositions[at]!;
      if (disposition === 'apply') await applyOne(rows, table, late);
      else kept.push({ table, late, disposition });
      for (const root of await correctionFor(rows, aggregate, table, late, disposition)) {
        roots.set(`${root.table} ${JSON.stringify(root.key)}`, root);
      }
    }
  }
  return { kept, roots: [...roots.values()] };
}

type Aggregate = { readonly table: MappedTable; readonly key: Row; readonly changes: Change[] };

async function byAggregate(rows: Rows, changes: readonly Change[]): Promise<Aggregate[]> {
  const among = imagesAmong(changes);
  const aggregates = new Map<string, Aggregate>();
  for (const change of mergeByRow(changes)) {
    let row: Row | undefined = (change.after ?? change.before)!;
    let root = { table: change.table, key: keyRow(change.table, row) };
    for (let parent = parentKey(rows.mapping, change.table, row); parent; ) {
      root = parent;
      row = among(parent.table, parent.key) ?? (await rows.store(parent.table).read(parent.table.key, [parent.key]))[0];
      parent = row && parentKey(rows.mapping, parent.table, row);
    }
    const name = `${root.table.name} ${keyOf(root.table, root.key)}`;
    const aggregate = aggregates.get(name) ?? { ...root, changes: [] };
    aggregates.set(name, aggregate);
    aggregate.changes.push(change);
  }
  return [...aggregates.values()];
}

/** Several changes of one row in one transaction are one change. */
function mergeByRow(changes: readonly Change[]): (Change & { key: Row })[] {
  const merged = new Map<string, Change & { key: Row }>();
  for (const { table, before, after } of changes) {
    const key = keyRow(table, (after ?? before)!);
    const name = `${table.name} ${keyOf(table, key)}`;
    const earlier = merged.get(name);
    merged.set(name, { table, key, before: earlier ? earlier.before : before, after });
  }
  return [...merged.values()].filter(({ before, after }) => before || after);
}

async function compareWithOwner(rows: Rows, { table, before, after }: Change): Promise<Late> {
  const current = (await rows.store(table).read(table.key, [(after ?? before)!]))[0] ?? null;
  const identified = after && (!before || table.sameWhen.some((column) => before[column] !== after[column]));
  return { before, after, current, rivals: identified ? await rivalsOf(rows, table, after) : [] };
}

/** True if the owner does not have what these changes belong to: it was superseded before. */
async function rootIsGone(rows: Rows, { table, key, changes }: Aggregate): Promise<boolean> {
  if (changes.some((change) => change.table === table)) return false;
  return !(await rows.store(table).read(table.key, [key])).length;
}

async function applyOne(rows: Rows, table: MappedTable, { before, after }: Late): Promise<void> {
  if (after) await rows.store(table).write([after]);
  else await rows.store(table).remove([before!]);
}

/** The aggregates the late side must take over: the loser's absence and the winner's rows, or what the owner has. */
async function correctionFor(
  rows: Rows,
  aggregate: Aggregate,
  table: MappedTable,
  { after, current, rivals }: Late,
  disposition: Disposition,
): Promise<RootImage[]> {
  if (disposition === 'apply') return [];
  const asTheOwnerHas = () => imageOf(rows, aggregate.table, aggregate.key);
  if (disposition === 'open') return [await asTheOwnerHas()];
  if (!rivals.length) return after && !(current && sameRow(table, after, current)) ? [await asTheOwnerHas()] : [];
  const images = [await asTheOwnerHas()];
  for (const rival of rivals)
    if (aggregate.table === table) images.push(await imageOf(rows, table, keyRow(table, rival)));
  return images;
}
