import { UnfitError } from './enquiries.ts';
import { Reader } from './reader.ts';

/** What checking has found: what the Plan says and a database has not, and which databases could not be looked at. */
export type PlacesChecked = { readonly unfit: readonly string[]; readonly away: readonly string[] };

/** Where the sources of one proxy ask: databases, each known once, and what else must be closed at the end. */
export class Places {
  readonly #readers = new Map<string, Reader>();
  readonly #checks: (() => Promise<unknown>)[] = [];
  readonly #closing: (() => Promise<unknown>)[] = [];

  /** The database at this address; `name`: what people call it. */
  reader(url: string, name: string): Reader {
    const known = this.#readers.get(url);
    if (known) return known;
    const reader = new Reader(url, name);
    this.#readers.set(url, reader);
    return reader;
  }

  /** `check` throws UnfitError if a source cannot work with what is in its database. */
  checkedBy(check: () => Promise<unknown>): void {
    this.#checks.push(check);
  }

  closedBy(close: () => Promise<unknown>): void {
    this.#closing.push(close);
  }

  /** Looks whether every source can work. Never rejects. */
  async check(): Promise<PlacesChecked> {
    const results = await Promise.allSettled(this.#checks.map((check) => check()));
    const reasons = results.flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : []));
    const say = (all: readonly Error[]) => [...new Set(all.map(({ message }) => message))];
    return {
      unfit: say(reasons.filter((error) => error instanceof UnfitError)),
      away: say(reasons.filter((error) => !(error instanceof UnfitError))),
    };
  }

  /** Safe to call twice. */
  async close(): Promise<void> {
    await Promise.all([...this.#readers.values()].map((reader) => reader.close()));
    await Promise.all(this.#closing.splice(0).map((close) => close()));
  }
}
