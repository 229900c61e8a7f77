import { type CapabilityState, fromRow, toRow } from './state.ts';
import type { InSameTransaction, Store } from './store.ts';

/** Another control has taken over, or may have: this one must not decide anything. */
export class SupersededError extends Error {
  override readonly name = 'SupersededError';
}

const changedByAnother = (capability: string): SupersededError =>
  new SupersededError(
    `another control has changed the state of ${capability}; this one is not the active one any more`,
  );

/** Called once with a state that is known to be stored. Must not throw. */
export type Stored = (state: CapabilityState) => void;

type Attempt = { readonly state: CapabilityState; readonly stored: Stored };

/**
 * The stored state of one capability in memory. Changes happen one after another, each a compare-and-set; after a write
 * whose outcome is not known the row is read back before anything else is decided.
 */
export class StoredState {
  readonly capability: string;
  readonly #store: Store;
  #state: CapabilityState;
  /** Written, and not known to be stored. */
  #attempt: Attempt | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(capability: string, store: Store, state: CapabilityState) {
    this.capability = capability;
    this.#store = store;
    this.#state = state;
  }

  /** The last state known to be stored. */
  get current(): CapabilityState {
    return this.#state;
  }

  /** True while it is not known whether the last write was stored. */
  get unsure(): boolean {
    return this.#attempt !== undefined;
  }

  /**
   * Stores what `change` makes of the present state, and `also` with it; nothing when it gives the same state back.
   * Throws SupersededError, the error of `change`, or the store’s: then it may be stored all the same, and `stored` is
   * called when the row is read back.
   */
  update(
    change: (state: CapabilityState) => CapabilityState,
    also?: InSameTransaction | ((state: CapabilityState) => InSameTransaction),
    stored: Stored = () => {},
  ): Promise<CapabilityState> {
    const turn = this.#queue.then(async () => {
      if (this.#attempt) await this.#readBack();
      const before = this.#state;
      const changed = change(before);
      if (changed === before) return before;
      const next = { ...changed, version: before.version + 1 };
      this.#attempt = { state: next, stored };
      const isStored = await this.#store.write(
        toRow(this.capability, next),
        typeof also === 'function' ? also(next) : also,
      );
      if (!isStored) throw changedByAnother(this.capability);
      this.#attempt = undefined;
      this.#state = next;
      stored(next);
      return next;
    });
    this.#queue = turn.catch(() => {});
    return turn;
  }

  /** Makes sure that `current` is what is stored. */
  settle(): Promise<CapabilityState> {
    return this.update((state) => state);
  }

  /** Stores the present state once more, and `also` with it: what else is on its way to the store is refused from then on. */
  fence(also?: InSameTransaction): Promise<CapabilityState> {
    return this.update((state) => ({ ...state }), also);
  }

  async #readBack(): Promise<void> {
    const row = (await this.#store.read()).find(({ capability }) => capability === this.capability);
    const { state: attempt, stored } = this.#attempt!;
    const isAttempt = row && row.version === attempt.version && row.body === toRow(this.capability, attempt).body;
    if (!isAttempt && (row?.version ?? 0) !== this.#state.version) throw changedByAnother(this.capability);
    this.#attempt = undefined;
    if (!isAttempt) return;
    this.#state = fromRow(row);
    stored(this.#state);
  }
}
