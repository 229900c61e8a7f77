import { claimCheckpoint, moveCheckpoint, type OwnershipRow, type Session, writeOwnership } from '@strangler/ledger';
import { FatalStreamError } from '../fatal-stream-error.ts';
import { type Blocked, isAnythingBlocked, readBlocked } from './blocked.ts';
import type { Prepared } from './prepare.ts';
import type { Target } from './target.ts';
import { TargetTransaction } from './target-transaction.ts';
import type { StreamProgress } from './work.ts';

/** Another applier of this stream has moved the checkpoint: this one must stop. */
export class ApplierAheadError extends FatalStreamError {
  constructor(stream: string) {
    super(
      `another applier of ${stream} is ahead: two cdc processes run. This one has stopped the stream; stop one of the two, then restart the other`,
    );
    this.name = 'ApplierAheadError';
  }
}

/** Steps for one transaction, and what it makes of the stream. */
export type Batch = {
  /** Of the checkpoint before it. */
  readonly version: number;
  readonly prepared: readonly Prepared[];
  readonly ownership: readonly OwnershipRow[];
  readonly progress: StreamProgress;
  /** Keep aside what cannot be applied, instead of applying nothing. */
  readonly carefully: boolean;
};

/**
 * Applies steps in one transaction: first the claim of the checkpoint, last its new place (docs/how-it-works.md#applying). With
 * `carefully`, what cannot be applied is kept aside, with everything after it for the same user. Gives what is blocked
 * after it.
 */
export async function applySteps(target: Target, batch: Batch): Promise<Blocked> {
  const { session, stream } = target;
  const { version, prepared, ownership, progress, carefully } = batch;
  return session.transaction(async () => {
    if (!(await claimCheckpoint(session, stream, version))) throw new ApplierAheadError(stream);
    if (carefully) await checkAtOnce(session);
    // Somebody may have dealt with the quarantine since: who does holds the checkpoint meanwhile.
    const blocked = isAnythingBlocked(target.blocked) ? await readBlocked(session, stream) : target.blocked;
    const transaction = new TargetTransaction(target, blocked, carefully);
    for (const one of prepared) await transaction.take(one);
    await transaction.flush();
    await transaction.orphans.look();
    await transaction.orphans.settle();
    for (const row of ownership) await writeOwnership(session, stream, row);
    await moveCheckpoint(session, stream, progress);
    return transaction.blocked;
  });
}

/** Has a deferred constraint checked with each statement: at the COMMIT nobody could tell whose row it was. */
export async function checkAtOnce(session: Session): Promise<void> {
  if (session.dialect === 'postgres') await session.query('SET CONSTRAINTS ALL IMMEDIATE');
}
