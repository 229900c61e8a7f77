import {
  type Checkpoint,
  Database,
  hasHandoff,
  type OwnershipRow,
  ownsAtFirst,
  readCheckpoint,
  readOwnership,
  type Session,
} from '@strangler/ledger';
import { type Direction, type Side, sourceOf, streamName } from '@strangler/plan';
import { FatalStreamError } from '../fatal-stream-error.ts';
import type { LargeTransaction } from '../log/assemble.ts';
import type { CrossReference } from '../mapping/cross-references.ts';
import type { Mapping } from '../mapping/mapping.ts';
import { openRows, type Rows } from '../rows/aggregates.ts';
import { ApplierAheadError, applySteps } from './apply-steps.ts';
import { usersAsFarAsKnown } from './as-far-as-known.ts';
import { type Blocked, isAnythingBlocked, NOTHING_BLOCKED, readBlocked } from './blocked.ts';
import { failureOf, isRefusal, TargetRefusesError } from './failures.ts';
import { applyLarge } from './large-transaction.ts';
import { afterOutcome, OwnershipHistory } from './ownership-history.ts';
import { changesOf, ownershipAfter, type Prepared, prepareSteps, prepareUnasked, withUsers } from './prepare.ts';
import type { Target } from './target.ts';
import { Unexplained } from './unexplained.ts';
import type { SourceContext, Step, StreamProgress } from './work.ts';
import { asCommitted } from './writer.ts';

/** Which stream an applier feeds, and with what. */
export type ApplierOptions = {
  readonly capability: string;
  readonly direction: Direction;
  readonly mapping: Mapping;
  readonly crossReferences: readonly CrossReference[];
  /** The group of the split. */
  readonly group: string;
  /** The applier's address of the target. */
  readonly url: string;
};

/** Writes one stream into its target. Every method throws the driver's error; asking again opens a new session. */
export class Applier {
  readonly stream: string;
  readonly #options: ApplierOptions;
  readonly #side: Side;
  readonly #database: Database;
  /** Through the present session. */
  #rows: Rows | undefined;
  #checkpoint: Checkpoint | undefined;
  /** What the last transaction would have moved the checkpoint to, while nobody knows whether it did. */
  #attempted: StreamProgress | undefined;
  #history: OwnershipHistory | undefined;
  #blocked = NOTHING_BLOCKED;
  /** Outcomes of barriers found out, to be written with the next transaction. */
  #decided: OwnershipRow[] = [];
  readonly #unexplained = new Unexplained();

  constructor(options: ApplierOptions) {
    const { capability, direction, url } = options;
    this.#options = options;
    this.stream = streamName(capability, direction);
    this.#side = sourceOf(direction) === 'monolith' ? 'service' : 'monolith';
    this.#database = new Database(url, `applier-${capability}`, { onOpen: (session) => this.#opened(session) });
  }

  /** The id of the present session in its server; 0 while there is none. */
  get sessionId(): number {
    return this.#database.sessionId;
  }

  /** Where the stream is, as far as this applier knows. */
  get checkpoint(): Checkpoint | undefined {
    return this.#checkpoint;
  }

  /** Opens the session if there is none, and reads where the stream is. Throws ApplierAheadError, FatalStreamError. */
  async start(): Promise<Checkpoint> {
    return this.#database.use(async (session) => {
      await this.#load(session, this.#checkpoint!);
      this.#refuseDivided(this.#history!);
      return this.#checkpoint!;
    });
  }

  /** In a new session: finds out what has become of the last transaction, and whether anybody else was here. */
  async #opened(session: Session): Promise<void> {
    await asCommitted(session);
    const found = await readCheckpoint(session, this.stream);
    const known = this.#checkpoint;
    if (known && found.version !== known.version) {
      const attempted = this.#attempted && isAt(found, this.#attempted); // a COMMIT nobody heard of
      if (!attempted && !isAt(found, known)) throw new ApplierAheadError(this.stream); // else it was force
      await this.#load(session, found);
    }
    this.#checkpoint ??= found;
    const { mapping, crossReferences } = this.#options;
    this.#rows = openRows(session, mapping, this.#side, crossReferences);
  }

  /** Takes in what the target knows of the source's ownership and of users whose rows are kept back. */
  async #load(session: Session, checkpoint: Checkpoint): Promise<void> {
    const { group, direction } = this.#options;
    const rows = await readOwnership(session, this.stream);
    const blocked = await readBlocked(session, this.stream);
    this.#history = new OwnershipHistory(group, ownsAtFirst(direction), rows);
    this.#blocked = blocked;
    this.#decided = [];
    this.#checkpoint = checkpoint;
  }

  /** Rows without a user, of whom each has its bucket like a user, are of one side. Throws FatalStreamError. */
  #refuseDivided({ isUndivided }: OwnershipHistory): void {
    const { capability, mapping } = this.#options;
    if (isUndivided || ![...mapping.values()].some(({ user }) => 'each' in user)) return;
    const next =
      'say split: users again, bring everybody to one side, users moved by name too, and let the streams read that';
    throw new FatalStreamError(
      `the Plan of ${capability} says split: none, but its users were moved by themselves: ${next}`,
    );
  }

  /** Finds out whose rows these are and what the source is to them; reads the target only if it must. */
  async prepare(steps: readonly Step[]): Promise<Prepared[]> {
    if (this.#history!.needsNoUsers && !isAnythingBlocked(this.#blocked)) return prepareUnasked(steps);
    return this.#database.use(async () => {
      const users = await usersAsFarAsKnown(steps.flatMap(changesOf), this.#rows!);
      return prepareSteps(steps, users, this.#history!); // which a new session may have read again
    });
  }

  /**
   * Applies steps and moves the checkpoint, in one transaction. If it was committed before, nothing happens again. False
   * if force has taken users away meanwhile: nothing was applied, and the steps are to be prepared again.
   */
  async commit(prepared: readonly Prepared[], progress: StreamProgress): Promise<boolean> {
    return this.#transact(progress, async (target, version) => {
      const ownership = ownershipAfter(prepared, this.#decided, this.#history!);
      const blocked = await this.#isolating(target, async (carefully) => {
        const named = carefully ? await this.#prepareAgain(prepared) : prepared;
        return applySteps(target, { version, prepared: named, ownership, progress, carefully });
      });
      return { ownership, blocked };
    });
  }

  /** As `commit`, for a transaction that does not fit into memory. Throws UndecidedError besides. */
  async commitLarge(
    reading: SourceContext,
    large: LargeTransaction,
    progress: StreamProgress,
    onReached: (rows: number) => void,
  ): Promise<boolean> {
    return this.#transact(progress, (target, version) => {
      const options = { reading, history: this.#history!, version, decided: this.#decided, progress, onReached };
      return this.#isolating(target, (carefully) => applyLarge(target, large, { ...options, carefully }));
    });
  }

  /** Runs one target transaction from where the stream is, and takes in what it comes to. */
  async #transact(
    progress: StreamProgress,
    work: (target: Target, version: number) => Promise<{ ownership: readonly OwnershipRow[]; blocked: Blocked }>,
  ): Promise<boolean> {
    const known = this.#checkpoint!;
    const { version } = known;
    this.#attempted = progress;
    return this.#database.use(async (session) => {
      // A new session has found out that it was committed before, or that force has been here.
      if (this.#checkpoint!.version !== version) return !isAt(this.#checkpoint!, known);
      const target: Target = {
        ...{ stream: this.stream, capability: this.#options.capability, session, rows: this.#rows! },
        ...{ blocked: this.#blocked, history: this.#history!, unexplained: this.#unexplained },
      };
      try {
        const { ownership, blocked } = await work(target, version);
        this.#checkpoint = { version: version + 1, ...progress };
        this.#took(ownership, blocked);
        this.#unexplained.committed();
        return true;
      } catch (error) {
        if (error instanceof ApplierAheadError && (await this.#overtaken(session, version))) return false;
        throw error;
      }
    });
  }

  /**
   * Does it at one go; if a row is refused, once more carefully, so that only what is refused is kept aside. An error that
   * nobody knows gets some tries first: whatever is in the way may go.
   */
  async #isolating<T>({ session }: Target, attempt: (carefully: boolean) => Promise<T>): Promise<T> {
    const told = (error: unknown) => {
      if (failureOf(error) === 'unknown') this.#unexplained.failed();
      return error;
    };
    const { exhausted } = this.#unexplained;
    try {
      return await attempt(false);
    } catch (error) {
      const failure = failureOf(error);
      if (!session.usable || !(failure === 'row' || (failure === 'unknown' && exhausted))) throw told(error);
    }
    try {
      return await attempt(true);
    } catch (error) {
      const isFatal = exhausted ? isRefusal(error) : failureOf(error) === 'row';
      throw isFatal ? new TargetRefusesError('more than its rows', error as Error) : told(error);
    }
  }

  #took(ownership: readonly OwnershipRow[], blocked: Blocked): void {
    for (const row of ownership) this.#history!.record(row);
    this.#blocked = blocked;
    this.#decided = [];
  }

  /** The same steps with their users known, so that what follows for a blocked user can be kept back. */
  async #prepareAgain(prepared: readonly Prepared[]): Promise<Prepared[]> {
    const users = await usersAsFarAsKnown(
      prepared.flatMap(({ changes }) => changes),
      this.#rows!,
    );
    return withUsers(prepared, users);
  }

  /** `granted` once the receiver of a barrier's subject has its grant, which is in this target; `overtaken` as in commit. */
  async outcome(epoch: number): Promise<'granted' | 'overtaken' | 'unknown'> {
    const { version } = this.#checkpoint!;
    return this.#database.use(async (session) => {
      if (await this.#overtaken(session, version)) return 'overtaken';
      return (await hasHandoff(session, this.#options.capability, epoch, 'grant')) ? 'granted' : 'unknown';
    });
  }

  /** True, and everything is read again, if force has moved `version` on but not the place. Throws ApplierAheadError. */
  async #overtaken(session: Session, version: number): Promise<boolean> {
    const known = this.#checkpoint!;
    if (known.version !== version) return true; // a new session has found it out
    const found = await readCheckpoint(session, this.stream);
    if (found.version === version) return false;
    if (!isAt(found, known)) throw new ApplierAheadError(this.stream);
    await this.#load(session, found);
    return true;
  }

  /** Takes in how the handoff behind a barrier ended. */
  decide(row: OwnershipRow, granted: boolean): void {
    const decided = afterOutcome(row, granted);
    this.#history!.record(decided);
    this.#decided.push(decided);
  }

  /** Ends the session, after what is being done. Safe to call twice. */
  async close(): Promise<void> {
    await this.#database.close();
  }
}

const isAt = (checkpoint: StreamProgress, progress: StreamProgress): boolean =>
  checkpoint.position === progress.position &&
  checkpoint.kafkaOffset === progress.kafkaOffset &&
  checkpoint.tick === progress.tick;
