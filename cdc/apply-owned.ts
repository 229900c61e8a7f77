import { childrenOf, keyRow, type Rows } from './aggregates.ts';
import { hasIdentity } from './disposition.ts';
import { keyOf, type MappedTable, type Row } from './mapping.ts';
import type { Change } from './steps.ts';

/** A target's row that had to give way to the owner's row for the same thing. */
export type Loser = { readonly table: MappedTable; readonly row: Row; readonly winner: Row };

/** What a row is after all changes: `row: null` says it is gone; `fresh` that its identity may be new. */
type Final = { readonly key: Row; readonly row: Row | null; readonly fresh: boolean };

const CHUNK = 2_000;

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
      await store.write(chunk.map(({ row }) => row).filter((row) => row !== null));
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
  const losers: Loser[] = [];
  for (const row of await rows.store(table).read(table.sameWhen, winners)) {
    if (byKey.has(keyOf(table, row))) continue;
    const winner = winners.find((one) => table.sameWhen.every((column) => one[column] === row[column]));
    if (!winner) continue; // equal to the database, by its collation, but not to us
    for (const child of await childrenOf(rows, table, row)) await rows.store(child.table).remove([child.row]);
    await rows.store(table).remove([row]);
    losers.push({ table, row, winner });
  }
  return losers;
}

function* chunks<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += CHUNK) yield all.slice(at, at + CHUNK);
}
