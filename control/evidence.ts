import type { Counts, Side } from '@strangler/plan';
import { AboveTest, BelowTest, WorseTest } from './sequential.ts';
import type { Outage, SideTallies, SideTally } from './tallies.ts';
import {
  Breadth,
  type Broadness,
  type Counted,
  FairShare,
  MostFailing,
  OnceAUser,
  REMEMBERED_MS,
  UsersMet,
} from './users-apart.ts';

/** By hard failures alone, and by all errors. */
export type Outages = Readonly<Record<'hard' | 'errors', Outage>>;

/** What the judge decides on, of requests that count (FairShare). `others`: without the user who fails most at each side (users-apart.ts). */
export type Evidence = {
  /** The last ten minutes. */
  readonly all: SideTallies;
  readonly others: SideTallies;
  /** Share of errors of the service’s newest requests, about a hundred, of the others. */
  readonly lately: number;
  /** How long no request to the service has counted, of the others, ms; infinite if none has. */
  readonly silentFor: number;
  /** Requests to the service since the step began, of all. */
  readonly requests: number;
  readonly outages: Readonly<Record<'all' | 'others', Outages>>;
  /** Users who came since the step began, and those among them who failed, of the last minutes (in `requests`, `failures`). */
  readonly users: Pick<Outage, Side>;
  /** Of the service’s newest failures. */
  readonly broadness: Broadness;
  /** Evidence that the service is worse than the monolith, without who fails most at it for seconds and for minutes, each user’s failures counted once in half a minute: clear from 1 on. */
  readonly worse: number;
  /** The same from the time alone in which its newest requests have had more than half of what is allowed. */
  readonly worseNow: number;
  /** Evidence that the service is above the limit, of the others: clear from 1 on. */
  readonly above: number;
  /** Evidence that the monolith is below the limit, of the others: wrong with a probability of its reciprocal. */
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

/** The requests of a step, and the outages in them. */
class Strand {
  #step: Counter | undefined;
  #recent = new Counter(0);
  #minutes: Counter[] = [];
  readonly #hard = new OutageWatch('hard');
  readonly #errors = new OutageWatch('errors');

  add(side: Side, tally: SideTally, now: number): void {
    this.#remember(side, tally, now);
    this.#hard.add(side, tally, now);
    this.#errors.add(side, tally, now);
    this.#step ??= new Counter(now);
    this.#step.add(side, tally);
  }

  read(now: number) {
    this.#forget(now);
    const step = this.#step ?? new Counter(now);
    return {
      recent: this.#recent.copy(),
      requests: step.service.requests,
      outages: { hard: this.#hard.read(step, now), errors: this.#errors.read(step, now) },
    };
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
}

/** Of the users of one side. */
class UsersApart {
  readonly fair = new FairShare();
  readonly once = new OnceAUser();
  readonly lately = new MostFailing(REMEMBERED_MS.lately);
  readonly always = new MostFailing(REMEMBERED_MS.always);
}

/** Evidence on one capability since the present step began, by a monotonic clock in ms. Memory and time per call are bounded. */
export class EvidenceWindow {
  readonly #limit: number;
  #met!: Readonly<Record<Side, UsersMet>>;
  #all!: Strand;
  #others!: Strand;
  /** Who comes and who fails is the same in every step. */
  readonly #breadth = new Breadth();
  readonly #users = { monolith: new UsersApart(), service: new UsersApart() };
  #lately!: { requests: number; errors: number };
  #newestAt!: number;
  /** The newest requests have more errors than half of what is allowed; so it was at some time of the present block. */
  #isHigh = false;
  #wasHigh = false;
  #compared: Counter | undefined;
  #each: Partial<Record<Side, Counter>> = {};
  #worse!: WorseTest;
  #above!: AboveTest;
  /** What is known of the monolith stays: near 100 % there are too few requests to learn it again. */
  readonly #below: BelowTest;

  /** `limit`: the share of errors, 0…1, that the Plan allows. */
  constructor(limit: number) {
    this.#limit = limit;
    this.#below = new BelowTest(limit);
    this.restart();
  }

  /** Forgets what requests came to, but what is known of the monolith: another step, another mixture of users. */
  restart(): void {
    this.#met = { monolith: new UsersMet(), service: new UsersMet() };
    this.#all = new Strand();
    this.#others = new Strand();
    this.#lately = { requests: 0, errors: 0 };
    this.#newestAt = Number.NEGATIVE_INFINITY;
    this.#isHigh = this.#wasHigh = false;
    this.#compared = undefined;
    this.#each = {};
    this.#worse = new WorseTest();
    this.#above = new AboveTest(this.#limit);
  }

  /** Takes in what a proxy counted since its last message. */
  add({ side, users, ...told }: Counted & Pick<Counts, 'side' | 'clientErrors'>, now: number): void {
    const { fair, once, lately, always } = this.#users[side];
    // What a client did wrong says nothing, whichever side says so.
    const requests = told.requests - told.clientErrors;
    const counted = fair.admit({ ...told, requests, ...(users && { users }) }, now);
    this.#met[side].note(counted, now);
    this.#all.add(side, counted, now);
    if (side === 'service') this.#breadth.note(counted, now);
    const others = lately.leaveOut(counted, now);
    if (!others.requests) return;
    // Where few fail at the monolith they are not left out: the two who fail most could be all of them.
    this.#compare(side, once.count(side === 'service' ? always.leaveOut(others, now) : counted, now), now);
    this.#others.add(side, others, now);
    this.#lookAtEach(side, others, now);
    if (side !== 'service') return;
    this.#lookLately(others);
    this.#newestAt = now;
  }

  /** The evidence now; `alone`: nobody belongs to the monolith. */
  read(now: number, alone: boolean): Evidence {
    const [all, others] = [this.#all.read(now), this.#others.read(now)];
    return {
      users: { monolith: this.#met.monolith.read(), service: this.#met.service.read() },
      all: all.recent,
      others: others.recent,
      lately: this.#lately.errors / Math.max(1, this.#lately.requests),
      silentFor: now - this.#newestAt,
      requests: all.requests,
      outages: { all: all.outages, others: others.outages },
      broadness: this.#breadth.read(now),
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
