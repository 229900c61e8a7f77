import { keyOf, type MappedTable, type Row } from '../mapping/mapping.ts';
import { chunks, keyRow, type Member, membersOf, nameOf, type Rows, rivalsOf, rootsOf } from '../rows/aggregates.ts';
import { type Disposition, disposeAggregate, type Late } from '../rows/disposition.ts';
import { isDeclared, ontoOwners } from '../rows/other-writers.ts';
import { refuseUntold } from '../rows/own-ids.ts';
import { type Aggregate, groupByRoot, type LateChange, mergeByRow } from './late-change.ts';

/** What must be known of the owner's aggregates beyond the rows that changed. */
type Whole = {
  readonly rootless: ReadonlyMap<Aggregate, Disposition>;
  readonly below: ReadonlyMap<LateChange, readonly Member[]>;
};

/** A late change, what the owner has, and what becomes of it. */
export type Disposed = {
  readonly aggregate: Aggregate;
  readonly change: LateChange;
  readonly late: Late;
  readonly disposition: Disposition;
  /** Made by somebody whom the Plan declares. */
  readonly declared: boolean;
};

/** What becomes of late changes of one source transaction; `hold` keeps the owner's rows as they are until its end. */
export async function disposeLate(rows: Rows, changes: readonly LateChange[], hold: boolean): Promise<Disposed[]> {
  const merged = mergeByRow(changes);
  const aggregates = groupByRoot(await rootsOf(rows, merged), merged);
  const lates = await compareWithOwner(rows, aggregates, hold);
  const declared = new Set(rows.side === 'service' ? [...lates.keys()].filter(isDeclared) : []);
  for (const change of declared) lates.set(change, takingDeclared(change.table, lates.get(change)!));
  const whole = {
    rootless: await rootsGone(rows, aggregates, hold),
    below: await belowDeleted(rows, aggregates, hold),
  };
  const overlay = new Map<string, Row | null>();
  return aggregates.flatMap((aggregate) => {
    const found = aggregate.changes.map((change) => stillRivals(lates.get(change)!, change.table, overlay));
    const dispositions = disposeWhole(aggregate, found, whole);
    return aggregate.changes.map((change, at) => {
      const disposition = dispositions[at]!;
      const late = found[at]!;
      const { before, after } = late;
      if (disposition === 'apply') overlay.set(nameOf(change.table, (after ?? before)!), after);
      const taken = after ? { ...change, before, after } : change;
      return { aggregate, change: taken, late, disposition, declared: declared.has(change) };
    });
  });
}

/** What the owner has of each changed row, and what else of the owner's is the same thing. */
async function compareWithOwner(
  rows: Rows,
  aggregates: readonly Aggregate[],
  hold: boolean,
): Promise<Map<LateChange, Late>> {
  const lates = new Map<LateChange, Late>();
  const all = aggregates.flatMap(({ changes }) => changes);
  for (const [table, changes] of Map.groupBy(all, (change) => change.table)) {
    const current = new Map<string, Row>();
    for (const chunk of chunks(changes)) {
      const keys = chunk.map(({ before, after }) => keyRow(table, (after ?? before)!));
      for (const row of await rows.store(table).read(table.key, keys, hold)) current.set(keyOf(table, row), row);
    }
    const identified = changes.flatMap(({ before, after }) =>
      after && (!before || table.sameWhen.some((column) => before[column] !== after[column])) ? [after] : [],
    );
    const rivals = await rivalsOf(rows, table, identified, hold);
    for (const change of changes) {
      const { before, after } = change;
      const own = current.get(keyOf(table, (after ?? before)!)) ?? null;
      if (before && !own) refuseUntold(table, rows.side, before);
      lates.set(change, { before, after, current: own, rivals: (after && rivals.get(after)) ?? [] });
    }
  }
  return lates;
}

/**
 * Aggregates whose owner does not have what these changes belong to: it was superseded before; or it was not taken, and
 * what belongs to it is decided with it.
 */
async function rootsGone(
  rows: Rows,
  aggregates: readonly Aggregate[],
  hold: boolean,
): Promise<Map<Aggregate, Disposition>> {
  const gone: Aggregate[] = [];
  const childrenOnly = aggregates.filter(({ table, changes }) => !changes.some((change) => change.table === table));
  for (const [table, some] of Map.groupBy(childrenOnly, (aggregate) => aggregate.table)) {
    const present = new Set<string>();
    for (const chunk of chunks(some)) {
      const keys = chunk.map(({ key }) => key);
      for (const row of await rows.store(table).read(table.key, keys, hold)) present.add(keyOf(table, row));
    }
    for (const aggregate of some) if (!present.has(keyOf(table, aggregate.key))) gone.push(aggregate);
  }
  const named = (aggregate: Aggregate) => nameOf(aggregate.table, aggregate.key);
  const refused = new Set(await rows.refused(gone.map(named)));
  return new Map(gone.map((aggregate) => [aggregate, refused.has(named(aggregate)) ? 'open' : 'superseded']));
}

/** Without the rivals that an earlier change of the same transaction has removed or made something else. */
function stillRivals(late: Late, table: MappedTable, overlay: ReadonlyMap<string, Row | null>): Late {
  if (!late.rivals.length || !overlay.size) return late;
  const { after } = late;
  const still = late.rivals.filter((rival) => {
    const now = overlay.get(nameOf(table, rival));
    return now === undefined || (now && table.sameWhen.every((column) => now[column] === after![column]));
  });
  return { ...late, rivals: still };
}

/** What the owner has below the rows that go. */
async function belowDeleted(
  rows: Rows,
  aggregates: readonly Aggregate[],
  hold: boolean,
): Promise<Map<LateChange, readonly Member[]>> {
  const below = new Map<LateChange, readonly Member[]>();
  const deletes = aggregates.flatMap(({ changes }) => changes.filter(({ after }) => !after));
  for (const [table, some] of Map.groupBy(deletes, (change) => change.table)) {
    const keys = some.map(({ before }) => before!);
    const members = await membersOf(rows, table, keys, hold);
    for (const change of some) below.set(change, members.get(keyOf(table, change.before!))!);
  }
  return below;
}

/** True if the owner has put something below a row that goes: taking the row away would tear it off. */
function tearsOff({ changes }: Aggregate, below: ReadonlyMap<LateChange, readonly Member[]>): boolean {
  const going = new Set(changes.flatMap(({ table, before, after }) => (after ? [] : [nameOf(table, before!)])));
  return changes.some((change) => below.get(change)?.some(({ table, row }) => !going.has(nameOf(table, row))));
}

function disposeWhole(aggregate: Aggregate, lates: readonly Late[], whole: Whole): Disposition[] {
  const rootless = whole.rootless.get(aggregate);
  if (rootless) return lates.map(() => rootless);
  const dispositions = disposeAggregate(
    aggregate.changes.map(({ table }) => table),
    lates,
  );
  if (!dispositions.includes('apply') || !tearsOff(aggregate, whole.below)) return dispositions;
  return lates.map(() => 'open');
}

/** A declared change of some columns is one of the owner's row, whatever the others have become; if it is gone, of none. */
function takingDeclared(table: MappedTable, late: Late): Late {
  const { before, after, current } = late;
  if (!before || !after) return late;
  if (!current) return { ...late, after: null };
  return { ...late, before: current, after: ontoOwners(table, before, after, current) };
}
