import { keyOf, type MappedTable, type Row } from '../mapping/mapping.ts';
import { chunks, keyRow, type Member, membersOf, nameOf, type Rows, rivalsOf } from '../rows/aggregates.ts';
import type { Change } from '../rows/change.ts';
import { hasIdentity } from '../rows/disposition.ts';

/** A target's row that had to give way to the owner's row for the same thing. */
export type Loser = {
  readonly table: MappedTable;
  readonly row: Row;
  /** The row it belonged to, or itself. */
  readonly root: string;
  readonly winner: Row;
};

/** What a row is after all changes: `row: null` says it is gone; `fresh` that its identity may be new. */
type Final = { readonly key: Row; readonly row: Row | null; readonly fresh: boolean };

/**
 * Applies the owner's changes, in order but many at a time: the last image of each row counts, removals go first so
 * that what they free can be taken. Gives the target's rows that had to give way.
 */
export async function applyOwned(rows: Rows, changes: readonly Change[]): Promise<Loser[]> {
  const finals = coalesce(changes);
  for (const [table, byKey] of finals) {
    const gone = [...byKey.values()].filter(({ row }) => row === null).map(({ key }) => key);
    for (const chunk of chunks(gone)) await rows.store(table).remove(chunk);
  }
  const losers: Loser[] = [];
  for (const [table, byKey] of finals) {
    const store = rows.store(table);
    for (const chunk of chunks([...byKey.values()])) {
      losers.push(...(await clearRivals(rows, table, chunk, byKey)));
      await store.write(chunk.flatMap(({ row }) => (row ? [row] : [])));
    }
  }
  return losers;
}

function coalesce(changes: readonly Change[]): Map<MappedTable, Map<string, Final>> {
  const finals = new Map<MappedTable, Map<string, Final>>();
  for (const { table, before, after } of changes) {
    const byKey = finals.get(table) ?? new Map<string, Final>();
    finals.set(table, byKey);
    const put = (row: Row, final: Omit<Final, 'key'>) => {
      const key = keyOf(table, row);
      const earlier = byKey.get(key);
      byKey.delete(key); // so that it stands last
      byKey.set(key, { ...final, fresh: final.fresh || (earlier?.fresh ?? false), key: keyRow(table, row) });
    };
    if (before && (!after || keyOf(table, before) !== keyOf(table, after))) put(before, { row: null, fresh: false });
    if (after)
      put(after, { row: after, fresh: !before || table.sameWhen.some((name) => before[name] !== after[name]) });
  }
  return finals;
}

/** Removes rows of the target that are the same thing as an owner's row under another key. */
async function clearRivals(
  rows: Rows,
  table: MappedTable,
  finals: readonly Final[],
  byKey: ReadonlyMap<string, Final>,
): Promise<Loser[]> {
  const winners = finals.flatMap(({ row, fresh }) => (row && fresh && hasIdentity(table, row) ? [row] : []));
  const rivals = [...(await rivalsOf(rows, table, winners))]
    .flatMap(([winner, others]) => others.map((row) => ({ row, winner })))
    .filter(({ row }) => !byKey.has(keyOf(table, row)));
  const gone = rivals.map(({ row }) => row);
  const members = await membersOf(rows, table, gone);
  await removeWhole(rows, table, gone, members);
  return rivals.flatMap(({ row, winner }) => {
    const root = nameOf(table, row);
    const below = members.get(keyOf(table, row))!;
    return [{ table, row, root, winner }, ...below.map((member) => ({ ...member, root, winner }))];
  });
}

/** Removes rows and everything below them. */
export async function removeWhole(
  rows: Rows,
  table: MappedTable,
  gone: readonly Row[],
  members: ReadonlyMap<string, readonly Member[]>,
): Promise<void> {
  for (const [child, below] of Map.groupBy([...members.values()].flat(), (member) => member.table)) {
    for (const chunk of chunks(below)) await rows.store(child).remove(chunk.map(({ row }) => row));
  }
  for (const chunk of chunks(gone)) await rows.store(table).remove(chunk);
}
