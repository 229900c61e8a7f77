import type { Counts, Side } from '@strangler/plan';

/** What became of one request to one side. */
export type Outcome = {
  /** Status of the answer’s head; 0 if there was none. */
  readonly status: number;
  /** The side is to blame although the head was fine, or there was none. */
  readonly failed: boolean;
  /** The side could not be talked to. */
  readonly hard: boolean;
  /** Milliseconds from sending to the answer’s head; 0 if there was none. */
  readonly latency: number;
};

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
type Running = Omit<Mutable<Counts>, 'writers'> & { readonly writers: Set<string> };
const empty = (capability: string, side: Side): Running => ({
  ...{ capability, side, requests: 0, errors: 0, hard: 0, clientErrors: 0, latency: 0, writers: new Set() },
});

/** Counts outcomes by capability and side, until control takes them. */
export class Tally {
  readonly #counts = new Map<string, Running>();

  /** `writer`: whose write it was, if it was one. */
  add(capability: string, side: Side, { status, failed, hard, latency }: Outcome, writer?: string): void {
    const key = `${side} ${capability}`;
    const counts = this.#counts.get(key) ?? empty(capability, side);
    this.#counts.set(key, counts);
    counts.requests++;
    counts.latency += latency;
    if (failed || hard || status >= 500) counts.errors++;
    else if (status >= 400) counts.clientErrors++;
    if (hard) counts.hard++;
    if (writer !== undefined && side === 'service' && status >= 200 && status < 400) counts.writers.add(writer);
  }

  /** Everything counted since the last time, and begins again. */
  take(): Counts[] {
    const taken = [...this.#counts.values()].map((counts) => ({ ...counts, writers: [...counts.writers] }));
    this.#counts.clear();
    return taken;
  }
}
