import { claimCheckpoint, moveCheckpoint, type OwnershipRow, writeOwnership } from '@strangler/ledger';
import { collectGarbageAfter } from '../collect-garbage.ts';
import type { LargeTransaction } from '../log/assemble.ts';
import { decode, type RowChange } from '../log/row-change.ts';
import { keyOf, type MappedTable, type Row } from '../mapping/mapping.ts';
import { nameOf, type Root, type Rows } from '../rows/aggregates.ts';
import { ApplierAheadError, checkAtOnce } from './apply-steps.ts';
import { type Attempt, rootsAsFarAsKnown, usersAsFarAsKnown } from './as-far-as-known.ts';
import { type Blocked, isAnythingBlocked, readBlocked } from './blocked.ts';
import { Isolation } from './isolate.ts';
import type { OwnershipHistory } from './ownership-history.ts';
import { changesOf, type OwnedChange, ownershipAfter, prepareSteps, prepareUnasked } from './prepare.ts';
import type { Provenance } from './quarantine-rows.ts';
import type { Target } from './target.ts';
import { TargetTransaction } from './target-transaction.ts';
import { type SourceContext, type Step, type StreamProgress, workOf, workOfLarge } from './work.ts';

/** Some of its users are behind a barrier whose outcome is open: nothing was applied, ask again when it is known. */
export class UndecidedError extends Error {
  readonly barrier: OwnershipRow;
  constructor(barrier: OwnershipRow) {
    super(`the outcome of handoff ${barrier.epoch} is not known yet`);
    this.name = 'UndecidedError';
    this.barrier = barrier;
  }
}

/** What a large transaction is applied with. */
export type LargeOptions = {
  readonly reading: SourceContext;
  readonly history: OwnershipHistory;
  readonly version: number;
  /** Outcomes of barriers found out, to be written with it. */
  readonly decided: readonly OwnershipRow[];
  readonly progress: StreamProgress;
  readonly carefully: boolean;
  /** Hears how many rows of it have been gone through. */
  readonly onReached: (rows: number) => void;
};

const BATCH = { rows: 2_000, bytes: 2 * 1024 * 1024 };

/**
 * Applies a transaction that does not fit into memory in one target transaction, some rows at a time: the owners' changes
 * in their order, then the late ones, aggregate by aggregate. Gives what it adds to the source's ownership, and the users
 * who are blocked. Throws UndecidedError, ApplierAheadError.
 */
export async function applyLarge(
  target: Target,
  large: LargeTransaction,
  options: LargeOptions,
): Promise<{ readonly ownership: readonly OwnershipRow[]; readonly blocked: Blocked }> {
  const { session, stream } = target;
  const { reading, history, version, decided, progress, carefully, onReached } = options;
  const provenance: Provenance = { stream, position: large.position, transaction: large.id };
  const beside = { ...target, rows: withRowsOf(large, reading, target.rows) };
  return session.transaction(async () => {
    if (!(await claimCheckpoint(session, stream, version))) throw new ApplierAheadError(stream);
    if (carefully) await checkAtOnce(session);
    const known = isAnythingBlocked(target.blocked) ? await readBlocked(session, stream) : target.blocked;
    large.rows.clearLate();
    const isolation = new Isolation(session, target.unexplained);
    const attempt: Attempt = (question) => isolation.attempt(question);
    const setAside = async (late: readonly OwnedChange[]) =>
      spillLate(await rootsAsFarAsKnown(late, beside.rows, attempt), large, late);
    const transaction = new TargetTransaction(beside, known, carefully, setAside);
    const ownership = [...decided];
    let rows = 0;
    for await (const all of workOfLarge(reading, large, BATCH)) {
      const steps: Step[] = all.filter(({ kind }) => kind !== 'tick').map((work) => ({ work, progress }));
      const unasked = history.needsNoUsers && !isAnythingBlocked(transaction.blocked) && !carefully;
      const users = unasked ? [] : await usersAsFarAsKnown(steps.flatMap(changesOf), beside.rows, attempt);
      const prepared = unasked ? prepareUnasked(steps) : prepareSteps(steps, users, history);
      const barrier = prepared.find(({ undecided }) => undecided)?.undecided;
      if (barrier) throw new UndecidedError(barrier);
      for (const one of prepared) await transaction.take(one);
      await transaction.flush();
      await transaction.orphans.look();
      ownership.push(...ownershipAfter(prepared, [], history));
      rows += all.length;
      onReached(rows);
    }
    for (const bodies of large.rows.lateBatches(BATCH)) {
      collectGarbageAfter(bodies.reduce((sum, { length }) => sum + length, 0));
      await transaction.applyLate(
        bodies.map((body) => fromText(reading, body)),
        provenance,
      );
      await transaction.orphans.look();
      rows += bodies.length;
      onReached(rows);
    }
    await transaction.orphans.settle();
    for (const row of ownership) await writeOwnership(session, stream, row);
    await moveCheckpoint(session, stream, progress);
    return { ownership, blocked: transaction.blocked };
  });
}

/** The rows of the target; a parent that is not there may be anywhere in the transaction. */
function withRowsOf(large: LargeTransaction, reading: SourceContext, rows: Rows): Rows {
  const find = (table: MappedTable, key: Row): Row | undefined => {
    const name = nameOf(table, key);
    const message = large.rows.find(name);
    if (!message) return undefined;
    const row = decode(message) as RowChange;
    const [work] = workOf(reading, { kind: 'transaction', id: large.id, rows: [row], position: large.position });
    if (work?.kind !== 'changes') return undefined;
    const [{ before, after }] = work.changes as [OwnedChange];
    return after && nameOf(table, after) === name ? after : (before ?? undefined);
  };
  return {
    ...rows,
    async kept(table, keys) {
      const found = new Map<string, Row>();
      for (const key of keys) {
        const row = find(table, key);
        if (row) found.set(keyOf(table, key), row);
      }
      const others = keys.filter((key) => !found.has(keyOf(table, key)));
      return [...found.values(), ...(await rows.kept(table, others))];
    },
  };
}

/** `roots` in the order of the changes. */
function spillLate(roots: readonly Root[], large: LargeTransaction, late: readonly OwnedChange[]): void {
  for (const [at, { table, before, after, user, epoch }] of late.entries()) {
    const { table: of, key } = roots[at]!;
    large.rows.addLate({ root: nameOf(of, key), body: JSON.stringify([table.name, before, after, user, epoch]) });
  }
}

function fromText(reading: SourceContext, body: string): OwnedChange {
  const [name, before, after, user, epoch] = JSON.parse(body);
  return { table: reading.mapping.get(name)!, before, after, user, epoch, owns: false };
}
