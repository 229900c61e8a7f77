import type { HandoffRow, OwnershipRow } from '@strangler/ledger';
import { BUCKETS, bucketOf } from '@strangler/plan';
import { NOBODY } from '../mapping/user-column.ts';

/** What the source of a stream is, to one user, at one point of its own history. */
export type Standing = {
  readonly owns: boolean;
  /** The epoch of a barrier whose outcome is not known yet; undefined if it is settled. */
  readonly undecided: OwnershipRow | undefined;
  /** The handoff that made it so; null if none did: a write of a source that does not own is then rogue, else late. */
  readonly epoch: number | null;
};

/**
 * The source's ownership as its own log tells it, a cancelled epoch left out. Per user the row with the highest epoch holds; a user once moved by
 * name moves only by name.
 */
export class OwnershipHistory {
  readonly #group: string;
  readonly #atFirst: boolean;
  readonly #rows = new Map<number, OwnershipRow>();
  #byBucket: (OwnershipRow | undefined)[] = [];
  #byUser = new Map<string, OwnershipRow>();
  #ownsEverybody: boolean | undefined;

  constructor(group: string, ownsAtFirst: boolean, rows: readonly OwnershipRow[]) {
    this.#group = group;
    this.#atFirst = ownsAtFirst;
    for (const row of rows) this.#rows.set(row.epoch, row);
    this.#rebuild();
  }

  /** True if the source owns everybody, without a doubt: also users whose name nobody knows. */
  get ownsEverybody(): boolean {
    this.#ownsEverybody ??= this.#hasEverybody();
    return this.#ownsEverybody;
  }

  /** True if the source owns everybody, and nobody’s rows: then nothing depends on whose a row is. */
  get needsNoUsers(): boolean {
    return this.ownsEverybody && this.#atFirst;
  }

  /**
   * True if the source is the same to everybody: no users were moved by themselves, or all are together again since. A user
   * once moved by name is not taken along by a range: where the name was last is where they are.
   */
  get isUndivided(): boolean {
    const of = (row: OwnershipRow | undefined) => (row ? `${row.owns} ${row.undecided}` : `${this.#atFirst} false`);
    const first = this.#byBucket[0];
    for (let bucket = 1; bucket < BUCKETS; bucket++) if (of(this.#byBucket[bucket]) !== of(first)) return false;
    return [...this.#byUser.values()].every((row) => of(row) === of(first));
  }

  /** What the source is to this user; nobody’s rows are of the side that had everybody at first, the monolith. */
  standing(user: string): Standing {
    if (user === NOBODY) return { owns: this.#atFirst, undecided: undefined, epoch: null };
    const row = this.#byUser.get(user) ?? this.#byBucket[bucketOf(this.#group, user)];
    if (!row) return { owns: this.#atFirst, undecided: undefined, epoch: null };
    return { owns: row.owns, undecided: row.undecided ? row : undefined, epoch: row.epoch };
  }

  /** The row of an epoch, if there is one. */
  at(epoch: number): OwnershipRow | undefined {
    return this.#rows.get(epoch);
  }

  /** Takes a row in; the same epoch is overwritten, and older epochs change nothing for users who have a newer one. */
  record(row: OwnershipRow): void {
    this.#rows.set(row.epoch, row);
    this.#rebuild();
  }

  #rebuild(): void {
    this.#ownsEverybody = undefined;
    this.#byBucket = new Array(BUCKETS);
    this.#byUser = new Map();
    for (const row of [...this.#rows.values()].sort((a, b) => a.epoch - b.epoch)) {
      const { lo, hi, user } = row.subject;
      if (user === undefined) this.#byBucket.fill(row, lo, hi);
      else this.#byUser.set(user, row);
    }
  }

  #hasEverybody(): boolean {
    if (!this.#rows.size) return this.#atFirst;
    const owns = (row: OwnershipRow | undefined) => (row ? row.owns && !row.undecided : this.#atFirst);
    if (![...this.#byUser.values()].every(owns)) return false;
    for (let bucket = 0; bucket < BUCKETS; bucket++) if (!owns(this.#byBucket[bucket])) return false;
    return true;
  }
}

/** What a handoff row in the source's log says about the source's ownership. */
export function afterHandoffRow(row: HandoffRow, known: OwnershipRow | undefined): OwnershipRow {
  const { epoch, subject, kind } = row;
  if (kind === 'cancel') return cancelled(epoch);
  if (kind === 'grant') return { epoch, subject, owns: true, undecided: false, unproven: false };
  if (known && !known.owns) return { ...known, unproven: false }; // a repeat, or the proof of what force has taken
  return { epoch, subject, owns: false, undecided: true, unproven: false };
}

/** What the outcome of an undecided barrier says about the source's ownership. */
export const afterOutcome = (barrier: OwnershipRow, granted: boolean): OwnershipRow =>
  granted ? { ...barrier, owns: false, undecided: false } : cancelled(barrier.epoch);

/**
 * A cancelled handoff is about nobody: what was so before it holds. It need not have been the owner who gave away, as a
 * user who is named where they already are has the barrier on the other side.
 */
const cancelled = (epoch: number): OwnershipRow => ({
  ...{ epoch, subject: { lo: 0, hi: 0 } },
  ...{ owns: true, undecided: false, unproven: false },
});
