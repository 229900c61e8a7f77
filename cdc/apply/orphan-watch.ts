import { isLost } from '@strangler/ledger';
import type { Rows } from '../rows/aggregates.ts';
import type { RootImage } from '../rows/change.ts';
import type { Isolation } from './isolate.ts';
import { takeOrphans } from './orphans.ts';
import type { Overwriting, Provenance } from './quarantine-rows.ts';
import type { Target } from './target.ts';
import { type Orphan, Touched } from './touched.ts';

/** Sees to it that one target transaction leaves no row without the other user's row that it refers to. */
export class OrphanWatch {
  readonly #target: Target;
  readonly #isolation: Isolation | undefined;
  /** Undefined where no row of one user refers to another one's. */
  readonly #touched: Touched | undefined;
  #provenance: Provenance | undefined;

  /** `isolation`: what the target does not let go stays, instead of everything. */
  constructor(target: Target, isolation: Isolation | undefined) {
    this.#target = target;
    this.#isolation = isolation;
    this.#touched = target.rows.crossReferences.length ? new Touched(target.rows) : undefined;
  }

  /** What is taken from now on comes from there. */
  since(provenance: Provenance): void {
    this.#provenance = provenance;
  }

  /**
   * The rows that something is written to for this reason. A source that owns everybody has seen to its own references.
   * Copies, and what operators correct, are whole only when all of it is there: verify tells of those.
   */
  rowsFor({ cause, operation }: Overwriting): Rows {
    const { rows, history } = this.#target;
    if (operation !== null || cause === 'copied' || (cause === 'overwritten' && history.ownsEverybody)) return rows;
    return this.watched(cause !== 'corrected');
  }

  /** The rows of the target; what is done to them is looked at when all of it is done. */
  watched(tell: boolean): Rows {
    return this.#touched?.watching(tell) ?? this.#target.rows;
  }

  /** Has rows looked at that are here as if they had just been written. */
  doubt(images: readonly RootImage[]): void {
    this.#touched?.doubt(images);
  }

  /** Finds out which rows have no parent by now; a later part of their source transaction may bring it. */
  async look(): Promise<void> {
    await this.#touched?.look();
  }

  /** Takes away what has no parent now that all of it is done, and what has none because of that. */
  async settle(): Promise<void> {
    if (!this.#touched) return;
    const { session, capability, stream } = this.#target;
    const rows = this.watched(true);
    const take = (some: readonly Orphan[]) => takeOrphans(session, capability, rows, some, this.#provenance!);
    for (let all = await this.#touched.orphans(); all.length; all = await this.#touched.orphans()) {
      if (await isLost(session, stream)) return; // what they refer to may be in the lost piece, and is copied again
      // What the target does not let go stays, and verify counts it.
      await (this.#isolation ? this.#isolation.each(all, take, async () => {}) : take(all));
      await this.#touched.look();
    }
  }
}
