import {
  blockedUsers,
  type Checkpoint,
  hasHandoff,
  type OwnershipRow,
  ownsAtFirst,
  readCheckpoint,
  readOwnership,
  type Session,
} from '@strangler/ledger';
import { type Direction, type Side, sourceOf, streamName } from '@strangler/plan';
import { openRows, type Rows } from './aggregates.ts';
import type { LargeTransaction } from './assemble.ts';
import { failureOf, sessionSurvives } from './failures.ts';
import { applyLarge, UndecidedError } from './large-transaction.ts';
import type { Mapping } from './mapping.ts';
import { OwnershipHistory } from './ownership-history.ts';
import { changesOf, ownershipAfter, type Prepared, prepareSteps, prepareUnasked } from './prepare.ts';
import type { Progress, Reading, Step } from './steps.ts';
import { ApplierAheadError, applySteps } from './target-transaction.ts';
import { usersOf } from './users.ts';
import { openWriter } from './writer.ts';

/** Which stream an applier feeds, and with what. */
export type ApplierOptions = {
  readonly capability: string;
  readonly direction: Direction;
  readonly mapping: Mapping;
  /** The group of the split. */
  readonly group: string;
  /** The applier's address of the target. */
  readonly url: string;
};

type Open = { readonly session: Session; readonly rows: Rows };

/** Writes one stream into its target. Every method throws the driver's error; asking again opens a new session. */
export class Applier {
  readonly stream: string;
  readonly #options: ApplierOptions;
  readonly #side: Side;
  #open: Open | undefined;
  #checkpoint: Checkpoint | undefined;
  #history: OwnershipHistory | undefined;
  #blocked = new Set<string>();
  /** Outcomes of barriers found out, to be written with the next transaction. */
  #decided: OwnershipRow[] = [];

  constructor(options: ApplierOptions) {
    this.#options = options;
    this.stream = streamName(options.capability, options.direction);
    this.#side = sourceOf(options.direction) === 'monolith' ? 'service' : 'monolith';
  }

  /** The id of the present session in its server; 0 while there is none. */
  get sessionId(): number {
    return this.#open?.session.id ?? 0;
  }

  /** Where the stream stands, as far as this applier knows. */
  get checkpoint(): Checkpoint | undefined {
    return this.#checkpoint;
  }

  /** Opens the session if there is none, and reads where the stream stands. Throws ApplierAheadError. */
  async start(): Promise<Checkpoint> {
    const { session } = await this.#session();
    await this.#load(session, this.#checkpoint!);
    return this.#checkpoint!;
  }

  /** Takes in what the target knows of the source's ownership and of users whose rows are kept back. */
  async #load(session: Session, checkpoint: Checkpoint): Promise<void> {
    const { group, direction } = this.#options;
    const rows = await readOwnership(session, this.stream);
    const blocked = await blockedUsers(session, this.stream);
    this.#history = new OwnershipHistory(group, ownsAtFirst(direction), rows);
    this.#blocked = new Set(blocked);
    this.#decided = [];
    this.#checkpoint = checkpoint;
  }

  /** Finds out whose rows these are and what the source is to them; reads the target only if it must. */
  async prepare(steps: readonly Step[]): Promise<Prepared[]> {
    if (this.#history!.ownsEverybody && !this.#blocked.size) return prepareUnasked(steps);
    const { rows } = await this.#session();
    const users = await usersOf(steps.flatMap(changesOf), rows);
    return prepareSteps(steps, users, this.#history!); // which a new session may have read again
  }

  /**
   * Applies steps and moves the checkpoint, in one transaction. If it was committed before, nothing happens again. False
   * if force has taken users away meanwhile: nothing was applied, and the steps are to be prepared again.
   */
  async commit(prepared: readonly Prepared[], progress: Progress): Promise<boolean> {
    const known = this.#checkpoint!;
    const { version } = known;
    const { session, rows } = await this.#session(progress);
    if (this.#checkpoint!.version !== version) return !stands(this.#checkpoint!, known); // was it committed before?
    const ownership = ownershipAfter(prepared, this.#decided, this.#history!);
    const target = { stream: this.stream, capability: this.#options.capability, session, rows, blocked: this.#blocked };
    let blocked: Set<string>;
    try {
      blocked = await applySteps(target, version, prepared, ownership, progress, false).catch((error: unknown) => {
        if (failureOf(error) !== 'row') throw error;
        return this.#carefully(version, prepared, ownership, progress);
      });
    } catch (error) {
      if (error instanceof ApplierAheadError && (await this.#overtaken(version))) return false;
      throw await this.#failed(error);
    }
    this.#checkpoint = { version: version + 1, ...progress };
    this.#took(ownership, blocked);
    return true;
  }

  /** As `commit`, for a transaction that does not fit into memory. Throws UndecidedError besides. */
  async commitLarge(reading: Reading, large: LargeTransaction, progress: Progress): Promise<boolean> {
    const known = this.#checkpoint!;
    const { version } = known;
    const { session, rows } = await this.#session(progress);
    if (this.#checkpoint!.version !== version) return !stands(this.#checkpoint!, known); // was it committed before?
    const target = { stream: this.stream, capability: this.#options.capability, session, rows, blocked: this.#blocked };
    const options = { reading, history: this.#history!, version, decided: this.#decided, progress };
    try {
      const { ownership, blocked } = await applyLarge(target, large, { ...options, carefully: false }).catch(
        (error) => {
          if (failureOf(error) !== 'row') throw error;
          return applyLarge(target, large, { ...options, carefully: true });
        },
      );
      this.#checkpoint = { version: version + 1, ...progress };
      this.#took(ownership, blocked);
      return true;
    } catch (error) {
      if (error instanceof UndecidedError) throw error;
      if (error instanceof ApplierAheadError && (await this.#overtaken(version))) return false;
      throw await this.#failed(error);
    }
  }

  #took(ownership: readonly OwnershipRow[], blocked: Set<string>): void {
    for (const row of ownership) this.#history!.record(row);
    this.#blocked = blocked;
    this.#decided = [];
  }

  /** The same steps with their users known, so that what follows for a blocked user can be kept back. */
  async #prepareAgain(prepared: readonly Prepared[]): Promise<Prepared[]> {
    const users = await usersOf(
      prepared.flatMap(({ changes }) => changes),
      (await this.#session()).rows,
    );
    let at = 0;
    return prepared.map((one) => ({
      ...one,
      changes: one.changes.map((change) => ({ ...change, user: users[at++] ?? null })),
    }));
  }

  async #carefully(
    version: number,
    prepared: readonly Prepared[],
    ownership: readonly OwnershipRow[],
    progress: Progress,
  ): Promise<Set<string>> {
    const again = await this.#prepareAgain(prepared);
    const { session, rows } = await this.#session();
    const { capability } = this.#options;
    const target = { stream: this.stream, capability, session, rows, blocked: this.#blocked };
    return applySteps(target, version, again, ownership, progress, true);
  }

  /** `granted` once the receiver of a barrier's subject has its grant, which is in this target; `overtaken` as in commit. */
  async outcome(epoch: number): Promise<'granted' | 'overtaken' | 'unknown'> {
    const { version } = this.#checkpoint!;
    try {
      if (await this.#overtaken(version)) return 'overtaken';
      const { session } = await this.#session();
      return (await hasHandoff(session, this.#options.capability, epoch, 'grant')) ? 'granted' : 'unknown';
    } catch (error) {
      throw await this.#failed(error);
    }
  }

  /** True, and everything is read again, if force has moved `version` on but not the place. Throws ApplierAheadError. */
  async #overtaken(version: number): Promise<boolean> {
    const { session } = await this.#session();
    const known = this.#checkpoint!;
    if (known.version !== version) return true; // a new session has found it out
    const found = await readCheckpoint(session, this.stream);
    if (found.version === version) return false;
    if (!stands(found, known)) throw new ApplierAheadError(this.stream);
    await this.#load(session, found);
    return true;
  }

  /** Takes in how the handoff behind a barrier ended. */
  decide(row: OwnershipRow, owns: boolean): void {
    const decided = { ...row, owns, undecided: false };
    this.#history!.record(decided);
    this.#decided.push(decided);
  }

  /** Ends the session. Safe to call twice. */
  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.session.close();
  }

  async #session(progress?: Progress): Promise<Open> {
    if (this.#open) return this.#open;
    const session = await openWriter(this.#options.url, `applier-${this.#options.capability}`);
    try {
      const found = await readCheckpoint(session, this.stream);
      const known = this.#checkpoint;
      if (!known) this.#checkpoint = found;
      else if (found.version !== known.version) {
        const ours = stands(found, known) || (progress && stands(found, progress)); // force, or a COMMIT nobody heard of
        if (!ours) throw new ApplierAheadError(this.stream);
        await this.#load(session, found);
      }
    } catch (error) {
      await session.close();
      throw error;
    }
    this.#open = { session, rows: openRows(session, this.#options.mapping, this.#side) };
    return this.#open;
  }

  async #failed(error: unknown): Promise<unknown> {
    if (!sessionSurvives(error)) await this.close();
    return error;
  }
}

const stands = (checkpoint: Progress, progress: Progress): boolean =>
  checkpoint.position === progress.position &&
  checkpoint.kafkaOffset === progress.kafkaOffset &&
  checkpoint.tick === progress.tick;
