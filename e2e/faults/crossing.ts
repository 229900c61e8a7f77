import { type Bought, Witness } from '../witness.ts';

/** The longest wait of an acknowledged purchase for the other database, at a moment. */
type Sample = { readonly at: number; readonly lag: number };

const POLL_MS = 50;
/** A purchase in both databases sooner than this has crossed in time, ms. */
export const IN_TIME_MS = 1_000;

/** How long acknowledged purchases take until both databases hold them, over time: the lag as users would feel it, in ms. */
export class Crossing {
  readonly #witness: Witness;
  readonly #samples: Sample[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(mysql: string, postgres: string) {
    this.#witness = new Witness(mysql, postgres, POLL_MS);
    this.#timer = setInterval(() => this.#samples.push({ at: Date.now(), lag: this.lag }), POLL_MS);
  }

  /** A purchase has been acknowledged. */
  add(purchase: Bought): void {
    this.#witness.add(purchase);
  }

  /** Milliseconds that the oldest purchase still on its way has waited. */
  get lag(): number {
    return this.#witness.lag;
  }

  /** Milliseconds from a moment until no purchase waited longer than a second any more. */
  recovery(since: number): number {
    const last = this.#samples.findLast(({ at, lag }) => at >= since && lag >= IN_TIME_MS);
    return last ? last.at - since : 0;
  }

  /** The longest wait since a moment, ms. */
  worst(since: number): number {
    return this.#samples.reduce((most, { at, lag }) => (at >= since ? Math.max(most, lag) : most), 0);
  }

  /** Ends the following; what hangs in a database is left to its connection. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#witness.stop();
  }
}
