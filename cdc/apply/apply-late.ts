import { keyOf, type MappedTable, type Row } from '../mapping/mapping.ts';
import {
  chunks,
  imagesOf,
  keyRow,
  type Member,
  membersOf,
  nameOf,
  type Root,
  type Rows,
  rivalsOf,
  rootsOf,
} from '../rows/aggregates.ts';
import type { AppliedLate, Change, RootImage } from '../rows/change.ts';
import { type Disposition, disposeAggregate, type Late, sameRow } from '../rows/disposition.ts';

/** A late change that names its user; several of one row in one transaction are one. */
export type LateChange = Change & { readonly user: string | null; readonly epoch: number | null };

/** What became of one late change that was not applied; `root` names its aggregate. */
export type NotAppliedLate = {
  readonly change: LateChange;
  readonly late: Late;
  readonly root: string;
  readonly disposition: 'superseded' | 'open';
  /** What the target’s database said against it. */
  readonly detail?: string;
};

/**
 * What late changes came to: what was kept, and by user the owner's aggregates that the other side must take over, with
 * the late changes that were applied to them.
 */
export type LateOutcome = {
  readonly kept: readonly NotAppliedLate[];
  readonly images: ReadonlyMap<string | null, readonly RootImage[]>;
  readonly applied: ReadonlyMap<string | null, readonly AppliedLate[]>;
};

/** What must be known of the owner's aggregates beyond the rows that changed. */
type Whole = {
  readonly rootless: ReadonlyMap<Aggregate, Disposition>;
  readonly below: ReadonlyMap<LateChange, readonly Member[]>;
};

/** The late changes of one aggregate, by its root. */
export type Aggregate = { readonly table: MappedTable; readonly key: Row; readonly changes: LateChange[] };

/**
 * Applies an application's late changes of one source transaction where the owner's rows allow it (docs/how-it-works.md#late-writes). The
 * owner's rows are held meanwhile: what a correction says of them must still be so when it commits.
 */
export async function applyLate(rows: Rows, changes: readonly LateChange[]): Promise<LateOutcome> {
  const kept: NotAppliedLate[] = [];
  const applied: LateChange[] = [];
  const wanted = new Wanted();
  for (const { aggregate, change, late, disposition } of await disposeLate(rows, changes, true)) {
    if (disposition === 'apply') applied.push(change);
    else kept.push({ change, late, root: nameOf(aggregate.table, aggregate.key), disposition });
    wanted.note(aggregate, change, late, disposition);
  }
  await write(rows, applied);
  return { kept, images: await wanted.read(rows), applied: wanted.applied };
}

/** A late change, what the owner has, and what becomes of it. */
export type Disposed = {
  readonly aggregate: Aggregate;
  readonly change: LateChange;
  readonly late: Late;
  readonly disposition: Disposition;
};

/** What becomes of late changes of one source transaction; `hold` keeps the owner's rows as they are until its end. */
export async function disposeLate(rows: Rows, changes: readonly LateChange[], hold: boolean): Promise<Disposed[]> {
  const aggregates = await byAggregate(rows, mergeByRow(changes));
  const lates = await compareWithOwner(rows, aggregates, hold);
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
      if (disposition === 'apply') overlay.set(nameOf(change.table, (change.after ?? change.before)!), change.after);
      return { aggregate, change, late: found[at]!, disposition };
    });
  });
}

/** Several changes of one row in one transaction are one change. */
export function mergeByRow(changes: readonly LateChange[]): LateChange[] {
  const merged = new Map<string, LateChange>();
  for (const change of changes) {
    const name = nameOf(change.table, (change.after ?? change.before)!);
    const earlier = merged.get(name);
    merged.set(name, earlier ? { ...change, before: earlier.before } : change);
  }
  return [...merged.values()].filter(({ before, after }) => before || after);
}

async function byAggregate(rows: Rows, changes: readonly LateChange[]): Promise<Aggregate[]> {
  return groupByRoot(await rootsOf(rows, changes), changes);
}

/** Changes by the aggregates they belong to; `roots` in the order of the changes. */
export function groupByRoot(roots: readonly Root[], changes: readonly LateChange[]): Aggregate[] {
  const aggregates = new Map<string, Aggregate>();
  for (const [at, { table, key }] of roots.entries()) {
    const name = nameOf(table, key);
    const aggregate = aggregates.get(name) ?? { table, key, changes: [] };
    aggregates.set(name, aggregate);
    aggregate.changes.push(changes[at]!);
  }
  return [...aggregates.values()];
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

async function write(rows: Rows, changes: readonly LateChange[]): Promise<void> {
  const byTable = Map.groupBy(changes, (change) => change.table);
  for (const [table, some] of byTable) {
    const gone = some.flatMap(({ before, after }) => (after ? [] : [before!]));
    for (const chunk of chunks(gone)) await rows.store(table).remove(chunk);
  }
  for (const [table, some] of byTable) {
    const stay = some.flatMap(({ after }) => (after ? [after] : []));
    for (const chunk of chunks(stay)) await rows.store(table).write(chunk);
  }
}

/** True if the late transaction made the aggregate: then nothing can have overwritten it on the late side before. */
const isBorn = ({ table, changes }: Aggregate): boolean =>
  changes.some((change) => change.table === table && !change.before);

/** The aggregates the late side must take over: the loser's absence and the winner's rows, or what the owner has. */
class Wanted {
  readonly #roots = new Map<string, { table: MappedTable; key: Row; user: string | null }>();
  readonly applied = new Map<string | null, AppliedLate[]>();

  note(aggregate: Aggregate, change: LateChange, late: Late, disposition: Disposition): void {
    const { table, user, before, after, epoch } = change;
    const want = (of: MappedTable, key: Row) =>
      this.#roots.set(nameOf(of, key), { table: of, key: keyRow(of, key), user });
    if (disposition === 'apply') {
      // An earlier correction may reach the late side after this write and undo it there: the next one repairs that.
      if (isBorn(aggregate)) return;
      want(aggregate.table, aggregate.key);
      this.applied.set(user, [...(this.applied.get(user) ?? []), { table: table.name, before, after, epoch }]);
      return;
    }
    if (disposition === 'open') return void want(aggregate.table, aggregate.key);
    const { current, rivals } = late;
    if (rivals.length || (after && !(current && sameRow(table, after, current)))) want(aggregate.table, aggregate.key);
    if (aggregate.table === table) for (const rival of rivals) want(table, rival);
  }

  /** By user, as they stand now. */
  async read(rows: Rows): Promise<Map<string | null, RootImage[]>> {
    const images = new Map<string | null, RootImage[]>();
    for (const [table, roots] of Map.groupBy(this.#roots.values(), (root) => root.table)) {
      const keys = roots.map(({ key }) => key);
      for (const [at, image] of (await imagesOf(rows, table, keys, true)).entries()) {
        const { user } = roots[at]!;
        const own = images.get(user) ?? [];
        images.set(user, own);
        own.push(image);
      }
    }
    return images;
  }
}
