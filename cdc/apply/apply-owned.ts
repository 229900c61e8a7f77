import { keyOf, type MappedTable, type Row } from '../mapping/mapping.ts';
import { byKeyFirst, chunks, keyRow, type Member, membersOf, nameOf, type Rows, rivalsOf } from '../rows/aggregates.ts';
import type { Change } from '../rows/change.ts';
import { hasIdentity, sameRow } from '../rows/disposition.ts';
import { altersDeclared, declaredOn, keepingDeclared } from '../rows/other-writers.ts';
import { refuseUntold } from '../rows/own-ids.ts';

/** A target's row that had to give way to the owner's row for the same thing. */
export type Loser = {
  readonly table: MappedTable;
  readonly row: Row;
  /** The row it belonged to, or itself. */
  readonly root: string;
  readonly winner: Row;
};

/** A target's row that was neither what an owner's change said of it before nor what it is now; `now` is null if it is gone. */
export type Overwritten<C extends Change> = {
  /** The first of the changes of that row. */
  readonly change: C;
  readonly row: Row;
  readonly now: Row | null;
};

/** What had to go for the owner's changes. */
export type OwnedOutcome<C extends Change> = {
  readonly losers: readonly Loser[];
  readonly overwritten: readonly Overwritten<C>[];
};

/** What a row is after all changes. */
type Final<C> = {
  readonly key: Row;
  /** Null: it is gone. */
  readonly row: Row | null;
  /** Its identity may be new. */
  readonly fresh: boolean;
  /** The first change of the row, and what it takes for there before: null for nothing. */
  readonly first: C;
  readonly expected: Row | null;
  /** It was gone in between, so nothing of what is there is part of it. */
  readonly again: boolean;
  /** The owner has changed what only declared writers of the monolith may. */
  readonly altered: boolean;
  /** The row as the owner has it, if not all of that is taken over. */
  readonly dropped?: Row;
};
type Finals<C> = ReadonlyMap<string, Final<C>>;

/**
 * Applies the owner's changes, in order but many at a time: the last image of each row counts, removals go first so
 * that what they free can be taken. Gives the target's rows that had to give way. The changes of a correction (`corrects`)
 * say nothing of what was there before: whatever differs from them is overwritten.
 */
export async function applyOwned<C extends Change>(
  rows: Rows,
  changes: readonly C[],
  corrects = false,
): Promise<OwnedOutcome<C>> {
  const losers: Loser[] = [];
  const overwritten: Overwritten<C>[] = [];
  const plans: { readonly table: MappedTable; readonly finals: Finals<C>; readonly there: ReadonlyMap<string, Row> }[] =
    [];
  for (const [table, all] of byKeyFirst([...coalesce(changes)], ([{ ownId }]) => ownId)) {
    const wanted = table.ownId && !corrects ? await merge(rows, table, all) : all;
    const declared = declaredOn(rows, table);
    const there = await readThere(rows, table, wanted, declared.length > 0);
    for (const [name, { key, row, expected }] of wanted)
      if (row === null && expected !== null && !there.has(name)) refuseUntold(table, rows.side, key);
    const finals = declared.length ? aroundDeclared(table, declared, wanted, there) : wanted;
    overwritten.push(...overwrittenOf(table, [...table.touched, ...declared], finals, there, corrects));
    plans.push({ table, finals, there });
  }
  for (const { table, finals } of plans.toReversed()) {
    const gone = [...finals.values()].filter(({ row }) => row === null).map(({ key }) => key);
    for (const chunk of chunks(gone)) await rows.store(table).remove(chunk);
  }
  for (const { table, finals, there } of plans) {
    const store = rows.store(table);
    for (const chunk of chunks([...finals.values()])) {
      losers.push(...(await clearRivals(rows, table, chunk, finals)));
      const stay = chunk.flatMap(({ row }) => (row ? [row] : []));
      const present = stay.flatMap((row): readonly Row[] | Row => there.get(keyOf(table, row)) ?? []);
      await (losers.length ? store.write(stay) : store.write(stay, present)); // what was below a loser is gone with it
    }
  }
  return { losers, overwritten };
}

/**
 * Rows that are shared by key, and new to the owner: what is there under such a key already is the same thing, whose other
 * columns are as the monolith has them. Gives what is left to do.
 */
async function merge<C extends Change>(rows: Rows, table: MappedTable, finals: Finals<C>): Promise<Finals<C>> {
  const isBorn = ({ row, expected }: Final<C>) => row !== null && expected === null;
  const born = [...finals.values()].filter(isBorn);
  for (const chunk of chunks(born)) await rows.store(table).add(chunk.map(({ row }) => row!));
  return rows.side === 'service' ? finals : new Map([...finals].filter(([, final]) => !isBorn(final)));
}

/**
 * The target's rows under the keys that change. Nobody holds them: what somebody writes there a moment later has a log
 * of its own to tell of it. But what a declared writer has there is written back, and must still be so then: `hold`.
 */
async function readThere(
  rows: Rows,
  table: MappedTable,
  finals: Finals<Change>,
  hold: boolean,
): Promise<Map<string, Row>> {
  const found = new Map<string, Row>();
  for (const chunk of chunks([...finals.values()])) {
    const keys = chunk.map(({ key }) => key);
    for (const row of await rows.store(table).read(table.key, keys, hold)) found.set(keyOf(table, row), row);
  }
  return found;
}

/** The same rows, but with what only declared writers change as it is there. */
const aroundDeclared = <C>(
  table: MappedTable,
  columns: readonly string[],
  finals: Finals<C>,
  there: ReadonlyMap<string, Row>,
): Finals<C> =>
  new Map(
    [...finals].map(([name, final]) => {
      if (!final.row || final.again) return [name, final];
      const row = keepingDeclared(columns, final.row, there.get(name));
      const isDropped = final.altered && !sameRow(table, row, final.row, table.touched);
      return [name, { ...final, row, ...(isDropped && { dropped: final.row }) }];
    }),
  );

/** A row that is not there is no loss; columns to leave out decide nothing. */
function overwrittenOf<C extends Change>(
  table: MappedTable,
  leaveOut: readonly string[],
  finals: Finals<C>,
  there: ReadonlyMap<string, Row>,
  corrects: boolean,
): Overwritten<C>[] {
  return [...finals].flatMap(([name, { first: change, expected, row: now, dropped }]) => {
    const row = there.get(name);
    const isLike = (other: Row | null) => other !== null && sameRow(table, row!, other, leaveOut);
    const isLost = row && !isLike(now) && (corrects || !isLike(expected));
    return [...(isLost ? [{ change, row, now }] : []), ...(dropped ? [{ change, row: dropped, now }] : [])];
  });
}

function coalesce<C extends Change>(changes: readonly C[]): Map<MappedTable, Map<string, Final<C>>> {
  const finals = new Map<MappedTable, Map<string, Final<C>>>();
  for (const change of changes) {
    const { table, before, after } = change;
    const byKey = finals.get(table) ?? new Map<string, Final<C>>();
    finals.set(table, byKey);
    const put = (row: Row, final: Pick<Final<C>, 'row' | 'fresh' | 'expected'>) => {
      const key = keyOf(table, row);
      const earlier = byKey.get(key);
      byKey.delete(key); // so that it stands last
      byKey.set(key, {
        ...{ key: keyRow(table, row), first: change, ...final },
        ...(earlier && { first: earlier.first, expected: earlier.expected }),
        fresh: final.fresh || (earlier?.fresh ?? false),
        again: earlier?.row === null,
        altered: altersDeclared(change) || (earlier?.altered ?? false),
      });
    };
    const moves = before && after && keyOf(table, before) !== keyOf(table, after);
    if (before && (!after || moves)) put(before, { row: null, fresh: false, expected: before });
    const fresh = !before || table.sameWhen.some((name) => before[name] !== after?.[name]);
    if (after) put(after, { row: after, fresh, expected: moves ? null : before });
  }
  return finals;
}

/** Removes rows of the target that are the same thing as an owner's row under another key. */
async function clearRivals(
  rows: Rows,
  table: MappedTable,
  finals: readonly Final<Change>[],
  byKey: Finals<Change>,
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
