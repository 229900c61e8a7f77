import { Database } from '@strangler/ledger';

/** The longest wait of an acknowledged purchase for the other database, at a moment. */
export type Sample = { readonly at: number; readonly lag: number };

const LOOK = 50;
/** A purchase in both databases sooner than this has crossed in time, ms. */
export const IN_TIME = 1_000;

/** Follows every acknowledged purchase until both databases hold it: the lag as users would feel it, in ms. */
export class Crossing {
  readonly samples: Sample[] = [];
  readonly #databases: readonly Database[];
  readonly #pending = new Map<number, number>();
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void> | undefined;

  constructor(urls: readonly string[]) {
    this.#databases = urls.map((url) => new Database(url, 'reader'));
    this.#timer = setInterval(() => this.#sample(), LOOK);
  }

  /** An order has been acknowledged. */
  add(id: number): void {
    this.#pending.set(id, Date.now());
  }

  /** Milliseconds that the oldest order still on its way has waited. */
  get lag(): number {
    const [oldest] = this.#pending.values();
    return oldest === undefined ? 0 : Date.now() - oldest;
  }

  /** Milliseconds from a moment until no order waited longer than a second any more. */
  recovery(since: number): number {
    const last = this.samples.findLast(({ at, lag }) => at >= since && lag >= IN_TIME);
    return last ? last.at - since : 0;
  }

  /** The longest wait since a moment, ms. */
  worst(since: number): number {
    return this.samples.reduce((most, { at, lag }) => (at >= since ? Math.max(most, lag) : most), 0);
  }

  /** Ends the following; what hangs in a database is left to its connection. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
    await Promise.all(this.#databases.map((database) => database.close()));
  }

  #sample(): void {
    this.samples.push({ at: Date.now(), lag: this.lag });
    this.#looking ??= this.#look()
      .catch(() => {}) // a database is away: orders wait, and that is what is measured
      .finally(() => {
        this.#looking = undefined;
      });
  }

  async #look(): Promise<void> {
    const ids = [...this.#pending.keys()].slice(0, 500);
    if (!ids.length) return;
    const sql = `SELECT id FROM orders WHERE id IN (${ids.map(() => '?').join(', ')})`;
    const [first, ...others] = await Promise.all(
      this.#databases.map((database) =>
        database.use(async (session) => {
          const { rows } = await session.query<{ id: number }>(sql, ids);
          return new Set(rows.map(({ id }) => Number(id)));
        }),
      ),
    );
    for (const id of first!) if (others.every((found) => found.has(id))) this.#pending.delete(id);
  }
}
