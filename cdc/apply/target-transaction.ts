import {
  blockedUsers,
  claimCheckpoint,
  moveCheckpoint,
  type OwnershipRow,
  type Session,
  writeOwnership,
} from '@strangler/ledger';
import { FatalStreamError } from '../fatal-stream-error.ts';
import type { Mapping } from '../mapping/mapping.ts';
import { changesTo, imagesOf, type Root, type Rows } from '../rows/aggregates.ts';
import type { Change, RootImage } from '../rows/change.ts';
import { type Aggregate, applyLate, groupByRoot, type LateChange, type LateOutcome } from './apply-late.ts';
import { applyOwned } from './apply-owned.ts';
import { rootsAsFarAsKnown } from './as-far-as-known.ts';
import { changesBehind } from './behind.ts';
import { answerTo, answerToUnknown, correct } from './corrections.ts';
import { Isolation } from './isolate.ts';
import type { OwnedChange, Prepared } from './prepare.ts';
import { type Inapplicable, keepInapplicable, keepLate, keepLosers, type Provenance } from './quarantine-rows.ts';
import { refuseLate } from './refuse-late.ts';
import type { Unexplained } from './unexplained.ts';
import type { StreamProgress, Work } from './work.ts';

/** Another applier of this stream has moved the checkpoint: this one must stop. */
export class ApplierAheadError extends FatalStreamError {
  constructor(stream: string) {
    super(
      `another applier of ${stream} is ahead: two cdc processes run. This one has stopped the stream; stop one of the two, then restart the other`,
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
  /** What it has refused lately for reasons nobody knows; unset: such errors are never a row’s. */
  readonly unexplained?: Unexplained;
};

/** Takes late changes of one source transaction. */
export type TakeLate = (late: readonly OwnedChange[], provenance: Provenance) => Promise<void>;

type CorrectionWork = Extract<Work, { kind: 'correction' }>;

/** A change of the owner's that waits to be applied together with others. */
type Pending = { readonly change: OwnedChange; readonly provenance: Provenance };

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
 * `carefully`, what cannot be applied is kept aside, with everything after it for the same user. Gives the users who
 * are blocked by that.
 */
export async function applySteps(target: Target, batch: Batch): Promise<Set<string>> {
  const { session, stream } = target;
  const { version, prepared, ownership, progress, carefully } = batch;
  return session.transaction(async () => {
    if (!(await claimCheckpoint(session, stream, version))) throw new ApplierAheadError(stream);
    if (carefully) await checkAtOnce(session);
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

/** Has a deferred constraint checked with each statement: at the COMMIT nobody could tell whose row it was. */
export async function checkAtOnce(session: Session): Promise<void> {
  if (session.dialect === 'postgres') await session.query('SET CONSTRAINTS ALL IMMEDIATE');
}

/** What one target transaction does, a step at a time. */
export class TargetTransaction {
  readonly #target: Target;
  readonly #blocked: Set<string>;
  readonly #carefully: boolean;
  readonly #takeLate: TakeLate;
  readonly #isolation: Isolation;
  #pending: Pending[] = [];

  /** `takeLate`: what to do with late changes, instead of applying them at once. */
  constructor(target: Target, blocked: Set<string>, carefully: boolean, takeLate?: TakeLate) {
    this.#target = target;
    this.#blocked = blocked;
    this.#carefully = carefully;
    this.#isolation = new Isolation(target.session, target.unexplained);
    this.#takeLate = takeLate ?? ((late, provenance) => this.applyLate(late, provenance));
  }

  readonly #isBehind = ({ user }: OwnedChange): boolean => user !== null && this.#blocked.has(user);

  async take({ step, changes, senderOwns }: Prepared): Promise<void> {
    const { work, progress } = step;
    if (work.kind === 'correction') {
      await this.flush();
      if (senderOwns && this.#blocked.has(work.correction.user!)) return this.#correctBehind(work, progress);
      if (senderOwns === undefined) return this.#reconcile(work, progress);
      return senderOwns ? this.#overwrite(work, progress) : this.#answer(work, progress);
    }
    const provenance = provenanceOf(this.#target.stream, work, progress);
    await this.#keepBehind(changes.filter(this.#isBehind).map((change) => ({ change, provenance })));
    const free = changes.filter((change) => !this.#isBehind(change));
    for (const change of free) if (change.owns) this.#pending.push({ change, provenance });
    const late = work.kind === 'changes' ? free.filter(({ owns }) => !owns) : [];
    if (!late.length) return;
    await this.flush();
    await this.#takeLate(late, provenance);
  }

  /** Applies late changes of one source transaction as far as the owner's rows allow it, and the target takes them. */
  async applyLate(late: readonly LateChange[], provenance: Provenance): Promise<void> {
    const { rows, unexplained } = this.#target;
    const together = async (changes: readonly LateChange[]) => {
      await this.#conclude(await applyLate(rows, changes), provenance);
      unexplained?.taken();
    };
    if (!this.#carefully) return together(late);
    await this.#isolation.each(
      groupByRoot(await this.#rootsOf(late), late),
      (some) => together(some.flatMap(({ changes }) => changes)),
      async (aggregate, { message }) =>
        this.#conclude(refuseLate(aggregate, await this.#imageOf(aggregate), message), provenance),
    );
  }

  /** The owner’s aggregate. A key that the target cannot even be asked for is the key of nothing there. */
  async #imageOf({ table, key }: Aggregate): Promise<RootImage> {
    let image: RootImage | undefined;
    await this.#isolation.attempt(async () => {
      [image] = await imagesOf(this.#target.rows, table, [key], true);
    });
    return image ?? { table: table.name, key, row: null, children: [] };
  }

  async #conclude({ kept, images, applied }: LateOutcome, provenance: Provenance): Promise<void> {
    const { session, capability } = this.#target;
    await keepLate(session, kept, provenance);
    await correct(session, capability, images, applied);
  }

  #rootsOf(changes: readonly Change[]): Promise<Root[]> {
    return rootsAsFarAsKnown(changes, this.#target.rows, (question) => this.#isolation.attempt(question));
  }

  /** Applies the owner's changes that have gathered. */
  async flush(): Promise<void> {
    const pending = this.#pending.splice(0);
    if (this.#carefully) await this.#applyCarefully(pending);
    else if (pending.length) await this.#applyTogether(pending);
  }

  async #applyTogether(pending: readonly Pending[]): Promise<void> {
    const { session, rows, unexplained } = this.#target;
    const losers = await applyOwned(
      rows,
      pending.map(({ change }) => change),
    );
    unexplained?.taken();
    await keepLosers(session, losers, pending.at(-1)!.provenance);
  }

  /** What the target does not take is kept, with everything after it for the same user. */
  #applyCarefully(all: readonly Pending[]): Promise<void> {
    return this.#isolation.each(
      all,
      async (some) => {
        await this.#keepBehind(some.filter(({ change }) => this.#isBehind(change)));
        const free = some.filter(({ change }) => !this.#isBehind(change));
        if (free.length) await this.#applyTogether(free);
      },
      async (one, { message }) => {
        if (one.change.user !== null) this.#blocked.add(one.change.user);
        await this.#keep([{ ...one, reason: 'inapplicable', detail: message }]);
      },
    );
  }

  /** Does something with each aggregate of a correction; what the target does not take is kept as rows of the sender. */
  #eachRoot(
    work: CorrectionWork,
    provenance: Provenance,
    apply: (roots: readonly RootImage[]) => Promise<void>,
  ): Promise<void> {
    const { user, roots } = work.correction;
    if (!this.#carefully) return apply(roots);
    return this.#isolation.each(roots, apply, async (root, { message }) => {
      if (user !== null) this.#blocked.add(user);
      const changes = changesOfRoot(this.#target.rows.mapping, root);
      await this.#keep(
        changes.map((change) => ({ change: { ...change, user }, reason: 'inapplicable', provenance, detail: message })),
      );
    });
  }

  /** The owner's aggregates take the place of what is here. */
  #overwrite(work: CorrectionWork, progress: StreamProgress): Promise<void> {
    const provenance = provenanceOf(this.#target.stream, work, progress);
    return this.#eachRoot(work, provenance, (roots) => this.#replace(roots, work.correction.user, provenance));
  }

  /** What was kept of the user is older: applied at another try, it would undo the owner's aggregates if they were here. */
  #correctBehind(work: CorrectionWork, progress: StreamProgress): Promise<void> {
    const { session, stream, rows } = this.#target;
    const provenance = provenanceOf(stream, work, progress);
    const { user } = work.correction;
    return this.#eachRoot(work, provenance, async (roots) => {
      const changes = await changesBehind(session, stream, rows, roots);
      await this.#keepBehind(
        changes.map((change) => ({ change: { ...change, user, owns: true, epoch: null }, provenance })),
      );
    });
  }

  async #replace(roots: readonly RootImage[], user: string | null, provenance: Provenance): Promise<void> {
    const changes = await changesTo(this.#target.rows, roots);
    for (const change of changes)
      this.#pending.push({ change: { ...change, user, owns: true, epoch: null }, provenance });
    await this.flush();
  }

  /** The sender has no such aggregates. Where there are none here either, nothing is left below; else this side’s are sent. */
  #reconcile(work: CorrectionWork, progress: StreamProgress): Promise<void> {
    const { session, capability, rows } = this.#target;
    const provenance = provenanceOf(this.#target.stream, work, progress);
    return this.#eachRoot(work, provenance, async (roots) => {
      const { gone, images } = await answerToUnknown(rows, { ...work.correction, roots });
      await this.#replace(gone, work.correction.user, provenance);
      await correct(session, capability, images);
    });
  }

  /**
   * The sender does not own any more. What it applied late, it applied to rows that no stream carried on: decided again
   * here, where the owner is. Then it hears what the owner has.
   */
  async #answer(work: CorrectionWork, progress: StreamProgress): Promise<void> {
    const { session, capability, rows, stream } = this.#target;
    const { correction } = work;
    const { user } = correction;
    const provenance = provenanceOf(stream, work, progress);
    const late = correction.late.map(
      ({ table, ...change }): LateChange => ({ ...change, user, table: rows.mapping.get(table)! }),
    );
    if (late.length) await this.applyLate(late, provenance);
    await this.#eachRoot(work, provenance, async (roots) => {
      const answer = await answerTo(rows, { ...correction, roots });
      if (answer.length) await correct(session, capability, new Map([[user, answer]]));
    });
  }

  #keepBehind(pending: readonly Pending[]): Promise<void> {
    return this.#keep(pending.map((one) => ({ ...one, reason: 'behind-inapplicable', detail: null })));
  }

  async #keep(all: readonly Inapplicable[]): Promise<void> {
    if (!all.length) return;
    const roots = await this.#rootsOf(all.map(({ change }) => change));
    await keepInapplicable(this.#target.session, roots, all);
  }
}

/** The rows of an aggregate as its owner has it, or the absence of its root. */
function changesOfRoot(mapping: Mapping, { table, key, row, children }: RootImage): Change[] {
  const root = mapping.get(table)!;
  if (!row) return [{ table: root, before: key, after: null }];
  const below = children.map((child) => ({ table: mapping.get(child.table)!, before: null, after: child.row }));
  return [{ table: root, before: null, after: row }, ...below];
}

export function provenanceOf(stream: string, work: Work, progress: StreamProgress): Provenance {
  if (work.kind === 'changes') return { stream, position: work.position, transaction: work.transaction };
  const position = work.kind === 'correction' ? work.position : progress.position;
  return { stream, position: position ?? `offset ${progress.kafkaOffset}`, transaction: null };
}
