import {
  blockedUsers,
  claimCheckpoint,
  moveCheckpoint,
  type OwnershipRow,
  type Session,
  writeOwnership,
} from '@strangler/ledger';
import { changesTo, type Rows } from './aggregates.ts';
import { applyLate, type LateChange } from './apply-late.ts';
import { applyOwned } from './apply-owned.ts';
import { answerTo, answerToUnknown, correct } from './corrections.ts';
import { failureOf } from './failures.ts';
import { type Inapplicable, keepInapplicable, keepLate, keepLosers, type Whence } from './keep.ts';
import type { OwnedChange, Prepared } from './prepare.ts';
import type { Progress, Work } from './steps.ts';

/** Another applier of this stream has moved the checkpoint: this one must stop. */
export class ApplierAheadError extends Error {
  constructor(stream: string) {
    super(
      `another applier of ${stream} is ahead: two cdc processes run. This one has stopped the stream; stop one of the two, then start the other anew`,
    );
    this.name = 'ApplierAheadError';
  }
}

/** What one target transaction does. */
export type Target = {
  readonly stream: string;
  readonly capability: string;
  readonly session: Session;
  readonly rows: Rows;
  /** Users whose rows are kept because an earlier one could not be applied, as far as the applier knows. */
  readonly blocked: ReadonlySet<string>;
};

/** Takes late changes of one source transaction. */
export type TakeLate = (late: readonly OwnedChange[], whence: Whence) => Promise<void>;

/** A change of the owner's that waits to be applied together with others. */
type Pending = { readonly change: OwnedChange; readonly whence: Whence };

/**
 * Applies steps in one transaction: first the claim of the checkpoint, last its new place (design.md §5). With
 * `carefully`, what cannot be applied is kept aside, with everything after it for the same user. Gives the users who
 * are blocked by that.
 */
export async function applySteps(
  target: Target,
  version: number,
  prepared: readonly Prepared[],
  ownership: readonly OwnershipRow[],
  progress: Progress,
  carefully: boolean,
): Promise<Set<string>> {
  const { session, stream } = target;
  return session.transaction(async () => {
    if (!(await claimCheckpoint(session, stream, version))) throw new ApplierAheadError(stream);
    // Somebody may have dealt with the quarantine since: who does holds the checkpoint meanwhile.
    const blocked = new Set(target.blocked.size ? await blockedUsers(session, stream) : []);
    const transaction = new TargetTransaction(target, blocked, carefully);
    for (const one of prepared) await transaction.take(one);
    await transaction.flush();
    for (const row of ownership) await writeOwnership(session, stream, row);
    await moveCheckpoint(session, stream, progress);
    return blocked;
  });
}

/** What one target transaction does, a step at a time. */
export class TargetTransaction {
  readonly #target: Target;
  readonly #blocked: Set<string>;
  readonly #carefully: boolean;
  readonly #takeLate: TakeLate;
  #pending: Pending[] = [];

  /** `takeLate`: what to do with late changes, instead of applying them at once. */
  constructor(target: Target, blocked: Set<string>, carefully: boolean, takeLate?: TakeLate) {
    this.#target = target;
    this.#blocked = blocked;
    this.#carefully = carefully;
    this.#takeLate = takeLate ?? ((late, whence) => this.applyLate(late, whence));
  }

  readonly #isBehind = ({ user }: OwnedChange): boolean => user !== null && this.#blocked.has(user);

  async take({ step, changes, senderOwns }: Prepared): Promise<void> {
    const { work, progress } = step;
    if (work.kind === 'correction') {
      await this.flush();
      if (senderOwns === undefined) return this.#reconcile(work, progress);
      return senderOwns ? this.#overwrite(work, progress) : this.#answer(work, progress);
    }
    const whence = whenceOf(this.#target.stream, work, progress);
    await this.#keepBehind(changes.filter(this.#isBehind).map((change) => ({ change, whence })));
    const free = changes.filter((change) => !this.#isBehind(change));
    for (const change of free) if (change.owns) this.#pending.push({ change, whence });
    const late = work.kind === 'changes' ? free.filter(({ owns }) => !owns) : [];
    if (!late.length) return;
    await this.flush();
    await this.#takeLate(late, whence);
  }

  /** Applies late changes of one source transaction as far as the owner's rows allow it. */
  async applyLate(late: readonly LateChange[], whence: Whence): Promise<void> {
    const { session, rows, capability } = this.#target;
    const { kept, images, applied } = await applyLate(rows, late);
    await keepLate(session, kept, whence);
    await correct(session, capability, images, applied);
  }

  /** Applies the owner's changes that have gathered. */
  async flush(): Promise<void> {
    const pending = this.#pending.splice(0);
    if (this.#carefully) await this.#applyCarefully(pending);
    else if (pending.length) await this.#applyTogether(pending);
  }

  async #applyTogether(pending: readonly Pending[]): Promise<void> {
    const { session, rows } = this.#target;
    const losers = await applyOwned(
      rows,
      pending.map(({ change }) => change),
    );
    await keepLosers(session, losers, pending.at(-1)!.whence);
  }

  /** All of it if that works, else each half by itself: what remains cannot be applied and is kept. */
  async #applyCarefully(all: readonly Pending[]): Promise<void> {
    await this.#keepBehind(all.filter(({ change }) => this.#isBehind(change)));
    const pending = all.filter(({ change }) => !this.#isBehind(change));
    if (!pending.length) return;
    const refused = await this.#try(() => this.#applyTogether(pending));
    if (!refused) return;
    const [{ change, whence }] = pending as [Pending];
    if (pending.length > 1) {
      const half = pending.length >> 1;
      await this.#applyCarefully(pending.slice(0, half));
      return this.#applyCarefully(pending.slice(half));
    }
    if (change.user !== null) this.#blocked.add(change.user);
    await this.#keep([{ change, reason: 'inapplicable', whence, detail: refused.message }]);
  }

  /** The owner's aggregates take the place of what is here. */
  async #overwrite(work: Extract<Work, { kind: 'correction' }>, progress: Progress): Promise<void> {
    const { rows, stream } = this.#target;
    const { user, roots } = work.correction;
    const whence = whenceOf(stream, work, progress);
    for (const change of await changesTo(rows, roots)) {
      this.#pending.push({ change: { ...change, user, owns: true, epoch: null }, whence });
    }
    await this.flush();
  }

  /** The sender has no such aggregates. Where there are none here either, nothing is left below; else this side’s are sent. */
  async #reconcile(work: Extract<Work, { kind: 'correction' }>, progress: Progress): Promise<void> {
    const { session, capability, rows } = this.#target;
    const { gone, images } = await answerToUnknown(rows, work.correction);
    await this.#overwrite({ ...work, correction: { ...work.correction, roots: gone } }, progress);
    await correct(session, capability, images);
  }

  /**
   * The sender does not own any more. What it applied late, it applied to rows that no stream carried on: decided again
   * here, where the owner is. Then it hears what the owner has.
   */
  async #answer(work: Extract<Work, { kind: 'correction' }>, progress: Progress): Promise<void> {
    const { session, capability, rows, stream } = this.#target;
    const { correction } = work;
    const { user } = correction;
    const late = correction.late.map(
      ({ table, ...change }): LateChange => ({ ...change, user, table: rows.mapping.get(table)! }),
    );
    if (late.length) await this.applyLate(late, whenceOf(stream, work, progress));
    const roots = await answerTo(rows, correction);
    if (roots.length) await correct(session, capability, new Map([[user, roots]]));
  }

  /** The error of a row that the target does not take; nothing has happened then. */
  async #try(task: () => Promise<void>): Promise<Error | undefined> {
    const { session } = this.#target;
    await session.query('SAVEPOINT careful');
    try {
      await task();
      await session.query('RELEASE SAVEPOINT careful');
      return undefined;
    } catch (error) {
      if (failureOf(error) !== 'row') throw error;
      await session.query('ROLLBACK TO SAVEPOINT careful');
      return error as Error;
    }
  }

  #keepBehind(pending: readonly Pending[]): Promise<void> {
    return this.#keep(pending.map((one) => ({ ...one, reason: 'behind-inapplicable', detail: null })));
  }

  async #keep(all: readonly Inapplicable[]): Promise<void> {
    if (all.length) await keepInapplicable(this.#target.session, this.#target.rows, all);
  }
}

export function whenceOf(stream: string, work: Work, progress: Progress): Whence {
  if (work.kind === 'changes') return { stream, position: work.position, transaction: work.transaction };
  const position = work.kind === 'correction' ? work.position : progress.position;
  return { stream, position: position ?? `offset ${progress.kafkaOffset}`, transaction: null };
}
