import type { Counts, Side } from '@strangler/plan';
import { AboveTest, BelowTest, WorseTest } from './sequential.ts';
import type { Outage, SideTallies, SideTally } from './tallies.ts';
import { UserSample } from './user-sample.ts';

/** By hard failures alone, and by all errors. */
export type Outages = Readonly<Record<'hard' | 'errors', Outage>>;

/** What the judge decides on. But for `all` and the outages in all requests, it is of a sample (user-sample.ts). */
export type Evidence = {
  /** The last ten minutes. */
  readonly all: SideTallies;
  /** Share of errors of the service’s newest requests, about a hundred. */
  readonly lately: number;
  /** Requests to the service since the step began. */
  readonly requests: number;
  /** Among all requests, and among those that are looked at so that no user alone decides. */
  readonly outages: Readonly<Record<'all' | 'sample', Outages>>;
  /** Evidence that the service is worse than the monolith, and that it is above the limit: clear from 1 on. */
  readonly worse: number;
  readonly above: number;
  /** Evidence that it is worse from the time alone in which its newest requests have had more than half of what is allowed. */
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
/** Good requests before the first, so that a few hard failures at the very beginning are not called usual. */
const CREDIT = 1_000;

/** Users of an outage who are told apart. */
const MOST_REMEMBERED = 100;

/** What is taken in of some requests, by user if they are told apart. */
type Taken = SideTally & Pick<Counts, 'users'>;

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
  readonly #users = new Set<number>();
  #others = 0;
  lastAt = this.from;
  #momentAt = Number.NEGATIVE_INFINITY;

  /** Users who have failed; those who were not told apart count as one each, and no more than some are remembered. */
  get users(): number {
    return this.#users.size + this.#others;
  }

  fail(way: 'errors' | 'hard', { users, ...all }: Taken, now: number): void {
    if (!users) this.#others += all[way];
    for (const [user, , errors, hard] of users ?? []) {
      if ((way === 'hard' ? hard : errors) > 0 && this.#users.size < MOST_REMEMBERED) this.#users.add(user);
    }
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

  add(side: Side, tally: Taken, now: number): void {
    const fails = side === 'service' && tally[this.#way] > 0;
    if (!this.#outage && !fails) return;
    this.#outage ??= new Failures(now);
    this.#outage.add(side, tally);
    if (fails) this.#outage.fail(this.#way, tally, now);
    const { service } = this.#outage;
    if (service[this.#way] * 2 <= service.requests) this.#outage = undefined;
  }

  /** `step`: everything counted since the step began. */
  read(step: SideTallies, now: number): Outage {
    const outage = this.#outage ?? new Failures(now);
    const { service, monolith, from, lastAt, moments, users } = outage;
    const failures = (sample: SideTallies) => sample.service[this.#way] + sample.monolith[this.#way];
    return {
      service: { requests: service.requests, failures: service[this.#way] },
      monolith: { requests: monolith.requests, failures: monolith[this.#way] },
      ...{ lasting: lastAt - from, moments, users },
      usual: (failures(step) - failures(outage)) / (step.service.requests + step.monolith.requests + CREDIT),
    };
  }
}

/** Everything counted since a step began, and the outages in it. */
class Watched {
  #step: Counter | undefined;
  readonly #hard = new OutageWatch('hard');
  readonly #errors = new OutageWatch('errors');

  add(side: Side, tally: Taken, now: number): void {
    this.#hard.add(side, tally, now);
    this.#errors.add(side, tally, now);
    this.#step ??= new Counter(now);
    this.#step.add(side, tally);
  }

  /** Requests to the service. */
  get requests(): number {
    return this.#step?.service.requests ?? 0;
  }

  read(now: number): Outages {
    const step = this.#step ?? new Counter(now);
    return { hard: this.#hard.read(step, now), errors: this.#errors.read(step, now) };
  }
}

/** Evidence on one capability since the present step began, by a monotonic clock in ms. Memory and time per call are bounded. */
export class EvidenceWindow {
  readonly #limit: number;
  readonly #samples: Readonly<Record<Side, UserSample>>;
  #all!: Watched;
  #sample!: Watched;
  #recent!: Counter;
  #minutes!: Counter[];
  #lately!: { requests: number; errors: number };
  /** The newest requests have had more errors than half of what is allowed, now or in the present block. */
  #isHigh = false;
  #wasHigh = false;
  #compared: Counter | undefined;
  #each: Partial<Record<Side, Counter>> = {};
  #worse!: WorseTest;
  #above!: AboveTest;
  #below!: BelowTest;

  /** `limit`: the share of errors, 0…1, that the Plan allows. */
  constructor(limit: number, random: () => number = Math.random) {
    this.#limit = limit;
    this.#samples = { monolith: new UserSample(random), service: new UserSample(random) };
    this.restart();
  }

  /** Forgets everything: another step, another mixture of users. */
  restart(): void {
    for (const sample of Object.values(this.#samples)) sample.clear();
    this.#all = new Watched();
    this.#sample = new Watched();
    this.#recent = new Counter(0);
    this.#minutes = [];
    this.#lately = { requests: 0, errors: 0 };
    this.#isHigh = this.#wasHigh = false;
    this.#compared = undefined;
    this.#each = {};
    this.#worse = new WorseTest();
    this.#above = new AboveTest(this.#limit);
    this.#below = new BelowTest(this.#limit);
  }

  /** Takes in what a proxy counted since its last message. */
  add(counts: Taken & Pick<Counts, 'side'>, now: number): void {
    const { side } = counts;
    const sample = this.#samples[side].draw(counts, now);
    this.#remember(side, counts, now);
    this.#all.add(side, counts, now);
    if (!sample.requests) return;
    this.#sample.add(side, sample, now);
    this.#compare(side, sample, now);
    this.#lookAtEach(side, sample, now);
    if (side === 'service') this.#lookLately(sample);
  }

  /** The evidence now; `alone`: nobody belongs to the monolith. */
  read(now: number, alone: boolean): Evidence {
    this.#forget(now);
    return {
      all: this.#recent.copy(),
      lately: this.#lately.errors / Math.max(1, this.#lately.requests),
      requests: this.#all.requests,
      outages: { all: this.#all.read(now), sample: this.#sample.read(now) },
      worse: this.#worse.evidence,
      worseNow: this.#worse.lately,
      above: this.#above.evidence,
      monolithBelow: this.#below.evidence,
      alone,
    };
  }

  #lookLately({ requests, errors }: SideTally): void {
    const kept = (1 - 1 / LATELY) ** requests;
    this.#lately.requests = this.#lately.requests * kept + requests;
    this.#lately.errors = this.#lately.errors * kept + errors;
    this.#isHigh = this.#lately.errors * 2 > this.#limit * this.#lately.requests;
    this.#wasHigh ||= this.#isHigh;
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
    this.#worse.take(block, lasted, this.#wasHigh);
    this.#wasHigh = this.#isHigh;
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
