import type { Counts, Side } from '@strangler/plan';

/** What requests to one side came to. */
export type Tally = { readonly requests: number; readonly errors: number; readonly hard: number };

/** Both sides over the same time. */
export type Sample = Readonly<Record<Side, Tally>>;

/** What the judge decides on: all evidence of the step, the last half minute of it, and the newest burst of hard failures. */
export type Evidence = { readonly all: Sample; readonly recent: Sample; readonly burst: Sample };

const NOTHING: Tally = { requests: 0, errors: 0, hard: 0 };
const EMPTY: Sample = { monolith: NOTHING, service: NOTHING };

/** Evidence older than this says nothing about now, ms. */
const MEMORY = 600_000;
const RECENT = 30_000;
/** Counts are kept in bins of this width, ms. */
const BIN = 100;

type Bin = { readonly at: number; sample: Sample };

const addTally = (a: Tally, b: Tally): Tally => ({
  requests: a.requests + b.requests,
  errors: a.errors + b.errors,
  hard: a.hard + b.hard,
});
const add = (a: Sample, b: Sample): Sample => ({
  monolith: addTally(a.monolith, b.monolith),
  service: addTally(a.service, b.service),
});

/** Counts of one capability since the present step began, by a monotonic clock in ms. */
export class EvidenceWindow {
  #bins: Bin[] = [];

  /** Takes in what a proxy counted since its last message. */
  add(counts: Counts, now: number): void {
    const sample = { ...EMPTY, [counts.side]: { requests: counts.requests, errors: counts.errors, hard: counts.hard } };
    const last = this.#bins.at(-1);
    if (last && now - last.at < BIN) last.sample = add(last.sample, sample);
    else this.#bins.push({ at: now, sample });
    while (this.#bins[0] && now - this.#bins[0].at > MEMORY) this.#bins.shift();
  }

  /** Forgets everything: another step, another mixture of users. */
  restart(): void {
    this.#bins = [];
  }

  /** The evidence now; the burst is the shortest newest stretch with `hardFailures` hard failures of the service. */
  read(now: number, hardFailures: number): Evidence {
    let all = EMPTY;
    let recent = EMPTY;
    let burst: Sample | undefined;
    for (let at = this.#bins.length - 1; at >= 0; at--) {
      const bin = this.#bins[at]!;
      all = add(all, bin.sample);
      if (now - bin.at <= RECENT) recent = all;
      if (!burst && all.service.hard >= hardFailures) burst = all;
    }
    return { all, recent, burst: burst ?? EMPTY };
  }
}
