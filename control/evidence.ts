import { type Counts, MOST_NAMED_FAILING, type Side } from '@strangler/plan';
import { AboveTest, BelowTest, WorseTest } from './sequential.ts';
import type { Outage, SideTallies, SideTally } from './tallies.ts';

/** What the judge decides on. */
export type Evidence = {
  /** The last ten minutes. */
  readonly all: SideTallies;
  /** Share of errors of the service’s newest requests, about a hundred. */
  readonly lately: number;
  /** Requests to the service since the step began. */
  readonly requests: number;
  /** By hard failures alone, and by all errors. */
  readonly outages: Readonly<Record<'hard' | 'errors', Outage>>;
  /** Evidence that the service is worse than the monolith, and that it is above the limit: clear from 1 on. */
  readonly worse: number;
  readonly above: number;
  /** Evidence that it is worse from the time alone in which its newest requests have had more than half the limit. */
  readonly worseNow: number;
  /** Evidence that the monolith is below the limit: wrong with a probability of its reciprocal. */
  readonly monolithBelow: number;
  /** Nobody belongs to the monolith. */
  readonly alone: boolean;
};

/** Requests and errors older than this say nothing about now, ms; they are kept by the minute. */
const MEMORY_MS = 600_000;
const MINUTE_MS = 60_000;
/** How many of the newest requests `lately` is about. */
const LATELY = 100;

/**
 * A block in which the sides are compared lasts this long, ms, and longer the more errors the monolith has, for then a
 * burst is often followed by another: twice as long at `NOISY`, but never longer than `LONGEST`. One quiet step needs
 * eight blocks with errors of the service alone at the very least, mostly fifteen: half a minute.
 */
const SHORTEST_MS = 1_500;
const LONGEST_MS = 10_000;
const NOISY = 0.01;
/** A block of one side alone, ms. Six that are all errors, at a limit of 5 %, make a rollback. */
const BLOCK_MS = 5_000;
/** No block has fewer requests to a side: at a request a minute, a user who tries again should be one burst. */
const FEWEST = 5;
/**
 * Nor has a block of one side alone: of the monolith more, for a burst in a block of few requests looks like one in many
 * good ones.
 */
const LEAST = { service: FEWEST, monolith: 20 };
/** Failures that are less than this apart are one moment, ms. */
const MOMENT_MS = 1_000;
/**
 * A user’s failures count once in so long, ms: whoever tries the same broken request again and again is one user, however
 * long that goes on. Of both sides’ users together so many are remembered.
 */
const COUNTS_AGAIN_MS = 30_000;
const MOST_FAILING = 20_000;
/** Good requests before the first, so that a few hard failures at the very beginning are not called usual. */
const CREDIT = 1_000;

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Counts of both sides from a moment on. */
class Counter implements SideTallies {
  readonly from: number;
  readonly monolith: Mutable<SideTally> = { requests: 0, errors: 0, hard: 0 };
  readonly service: Mutable<SideTally> = { requests: 0, errors: 0, hard: 0 };

  constructor(from: number) {
    this.from = from;
  }

  add(side: Side, { requests, errors, hard }: SideTally, times = 1): void {
    const tally = this[side];
    tally.requests += requests * times;
    tally.errors += errors * times;
    tally.hard += hard * times;
  }

  copy(): SideTallies {
    return { monolith: { ...this.monolith }, service: { ...this.service } };
  }
}

/** Counts since a first failure of the service, and when it failed since. */
class Failures extends Counter {
  moments = 0;
  lastAt = this.from;
  #momentAt = Number.NEGATIVE_INFINITY;

  fail(now: number): void {
    this.lastAt = now;
    if (now - this.#momentAt < MOMENT_MS) return;
    this.moments++;
    this.#momentAt = now;
  }
}

/** Since when the service mostly fails, by one way of failing. */
class OutageWatch {
  readonly #way: 'errors' | 'hard';
  #outage: Failures | undefined;

  constructor(way: 'errors' | 'hard') {
    this.#way = way;
  }

  add(side: Side, tally: SideTally, now: number): void {
    const fails = side === 'service' && tally[this.#way] > 0;
    if (!this.#outage && !fails) return;
    this.#outage ??= new Failures(now);
    this.#outage.add(side, tally);
    if (fails) this.#outage.fail(now);
    const { service } = this.#outage;
    if (service[this.#way] * 2 <= service.requests) this.#outage = undefined;
  }

  /** `step`: everything counted since the step began. */
  read(step: SideTallies, now: number): Outage {
    const outage = this.#outage ?? new Failures(now);
    const { service, monolith, from, lastAt, moments } = outage;
    const failures = (sample: SideTallies) => sample.service[this.#way] + sample.monolith[this.#way];
    return {
      service: { requests: service.requests, failures: service[this.#way] },
      monolith: { requests: monolith.requests, failures: monolith[this.#way] },
      ...{ lasting: lastAt - from, moments },
      usual: (failures(step) - failures(outage)) / (step.service.requests + step.monolith.requests + CREDIT),
    };
  }
}

/** Evidence on one capability since the present step began, by a monotonic clock in ms. Memory and time per call are bounded. */
export class EvidenceWindow {
  readonly #limit: number;
  #step: Counter | undefined;
  #recent!: Counter;
  /** When a failure of a user at a side was last counted: the oldest first. */
  readonly #failing = new Map<string, number>();
  #minutes!: Counter[];
  #lately!: { requests: number; errors: number };
  /** The newest requests have more errors than half of what the Plan allows. */
  #isHigh = false;
  #hard!: OutageWatch;
  #errors!: OutageWatch;
  #compared: Counter | undefined;
  #each: Partial<Record<Side, Counter>> = {};
  #worse!: WorseTest;
  #above!: AboveTest;
  #below!: BelowTest;

  /** `limit`: the share of errors, 0…1, that the Plan allows. */
  constructor(limit: number) {
    this.#limit = limit;
    this.restart();
  }

  /** Forgets everything: another step, another mixture of users. */
  restart(): void {
    this.#recent = new Counter(0);
    this.#minutes = [];
    this.#lately = { requests: 0, errors: 0 };
    this.#isHigh = false;
    this.#failing.clear();
    this.#step = this.#compared = undefined;
    this.#each = {};
    this.#hard = new OutageWatch('hard');
    this.#errors = new OutageWatch('errors');
    this.#worse = new WorseTest();
    this.#above = new AboveTest(this.#limit);
    this.#below = new BelowTest(this.#limit);
  }

  /** Takes in what a proxy counted since its last message. */
  add(counts: Pick<Counts, 'side' | 'failing' | keyof SideTally>, now: number): void {
    const { side } = counts;
    this.#remember(side, counts, now);
    const once = this.#onceAUser(counts, now);
    const { requests, errors } = once;
    this.#hard.add(side, once, now);
    this.#errors.add(side, once, now);
    this.#step ??= new Counter(now);
    this.#step.add(side, once);
    this.#compare(side, once, now);
    this.#lookAtEach(side, once, now);
    if (side === 'monolith') return;
    const kept = (1 - 1 / LATELY) ** requests;
    this.#lately.requests = this.#lately.requests * kept + requests;
    this.#lately.errors = this.#lately.errors * kept + errors;
    const isHigh = this.#lately.errors * 2 > this.#limit * this.#lately.requests;
    if (isHigh && !this.#isHigh) this.#worse.beginStretch();
    this.#isHigh = isHigh;
  }

  /** The evidence now; `alone`: nobody belongs to the monolith. */
  read(now: number, alone: boolean): Evidence {
    this.#forget(now);
    const step = this.#step ?? new Counter(now);
    return {
      all: this.#recent.copy(),
      lately: this.#lately.errors / Math.max(1, this.#lately.requests),
      requests: step.service.requests,
      outages: { hard: this.#hard.read(step, now), errors: this.#errors.read(step, now) },
      worse: this.#worse.evidence,
      worseNow: this.#worse.ofStretch,
      above: this.#above.evidence,
      monolithBelow: this.#below.evidence,
      alone,
    };
  }

  /** The same without the failures of users of whom one has just been counted. */
  #onceAUser({ side, requests, errors, hard, failing }: Parameters<EvidenceWindow['add']>[0], now: number): SideTally {
    if (!failing || failing.length >= MOST_NAMED_FAILING) return { requests, errors, hard };
    let fresh = 0;
    for (const user of failing) {
      const key = `${side} ${user}`;
      if (now - (this.#failing.get(key) ?? Number.NEGATIVE_INFINITY) < COUNTS_AGAIN_MS) continue;
      fresh++;
      this.#failing.delete(key);
      this.#failing.set(key, now);
    }
    for (const [key, at] of this.#failing) {
      if (this.#failing.size <= MOST_FAILING && now - at < COUNTS_AGAIN_MS) break;
      this.#failing.delete(key);
    }
    return { requests: requests - errors + fresh, errors: fresh, hard: Math.min(hard, fresh) };
  }

  #remember(side: Side, tally: SideTally, now: number): void {
    this.#forget(now);
    const last = this.#minutes.at(-1);
    const minute = last && now - last.from < MINUTE_MS ? last : new Counter(now);
    if (minute !== last) this.#minutes.push(minute);
    minute.add(side, tally);
    this.#recent.add(side, tally);
  }

  #forget(now: number): void {
    while (this.#minutes[0] && now - this.#minutes[0].from > MEMORY_MS) {
      const old = this.#minutes.shift()!;
      for (const side of ['monolith', 'service'] as const) this.#recent.add(side, old[side], -1);
    }
  }

  #compare(side: Side, tally: SideTally, now: number): void {
    this.#compared ??= new Counter(now);
    const block = this.#compared;
    block.add(side, tally);
    if (Math.min(block.service.requests, block.monolith.requests) < FEWEST) return;
    const lasted = now - block.from;
    if (lasted < Math.min(LONGEST_MS, SHORTEST_MS * (1 + this.#worse.usual / NOISY))) return;
    this.#worse.take(block, lasted);
    this.#compared = new Counter(now);
  }

  #lookAtEach(side: Side, tally: SideTally, now: number): void {
    this.#each[side] ??= new Counter(now);
    const block = this.#each[side];
    block.add(side, tally);
    const lasted = now - block.from;
    if (block[side].requests < LEAST[side] || lasted < BLOCK_MS) return;
    if (side === 'service') this.#above.take(block.service, lasted);
    else this.#below.take(block.monolith);
    delete this.#each[side];
  }
}
