import type { LeaseStore } from './store.ts';
import { SupersededError } from './stored-state.ts';

/** How long a lease lasts from its renewal, by the clock of the store, ms. */
export const LEASE_MS = 5_000;
/** How much earlier its holder stops deciding, by its own clock, ms: nobody else can have the lease by then. */
const MARGIN_MS = 1_000;

/** A term of control’s lease: the right to decide, for as long as it keeps being renewed. */
export class Lease {
  readonly term: number;
  readonly #store: LeaseStore;
  readonly #now: () => number;
  #until: number;

  private constructor(store: LeaseStore, term: number, until: number, now: () => number) {
    this.term = term;
    this.#store = store;
    this.#until = until;
    this.#now = now;
  }

  /** Begins a term; undefined while another holder has the lease. `now`: a monotonic clock, ms. */
  static async acquire(
    store: LeaseStore,
    holder: string,
    now: () => number = performance.now.bind(performance),
  ): Promise<Lease | undefined> {
    const asked = now();
    const term = await store.acquire(holder, LEASE_MS);
    return term === undefined ? undefined : new Lease(store, term, asked + LEASE_MS - MARGIN_MS, now);
  }

  /** Milliseconds for which its holder may still decide; 0 if it may not. Counted from when a renewal was asked for. */
  get left(): number {
    return Math.max(0, this.#until - this.#now());
  }

  /** Throws SupersededError if its holder may decide nothing any more. */
  check(): void {
    if (this.left > 0) return;
    throw new SupersededError('the lease could not be renewed in time; another control may have taken over');
  }

  /** Prolongs the term. Throws SupersededError if it is over, or the store’s error. */
  async renew(): Promise<void> {
    const asked = this.#now();
    if (!(await this.#store.renew(this.term, LEASE_MS))) {
      this.#until = 0;
      throw new SupersededError('another control has taken over the lease');
    }
    this.#until = asked + LEASE_MS - MARGIN_MS;
  }

  /** Gives the lease back; its holder decides nothing from here on. */
  async release(): Promise<void> {
    this.#until = 0;
    await this.#store.release(this.term);
  }
}
