import { MOST_TOLD_APART, type Side, type UserCounts } from '@strangler/plan';
import type { Chance } from '../../e2e/chance.ts';

/** How errors come. */
export const KINDS = ['single', 'retries', 'stubborn', 'spells', 'common'] as const;
/** Or: a share of the regulars can do nothing, the others everything. */
export type Kind = (typeof KINDS)[number] | 'users';

/** One stretch of time with the same traffic. */
export type Load = {
  /** Requests a second to both sides together. */
  readonly speed: number;
  /** Share of them that goes to the service, 0…1. */
  readonly share: number;
  /** Share that fails, 0…1. */
  readonly rates: Readonly<Record<Side, number>>;
  readonly kind: Kind;
  /** The failures are hard. */
  readonly hard: boolean;
  /** It is so for `lasts` of every `every` ms only; in between nothing fails. */
  readonly pulse?: { readonly lasts: number; readonly every: number };
  /** Users of the service and of the monolith, who come again and again; without it, every request is of somebody new. */
  readonly regulars?: Readonly<Record<Side, number>>;
};

/** What both sides counted in one look of the judge. */
export type Counted = Record<Side, { requests: number; errors: number; hard: number; users: UserCounts[] }>;

/** How often control looks, ms. */
export const POLL_MS = 100;
/** A user tries again after each failure with this probability, at most so often, after so long on average (ms). */
const AGAIN = 2 / 3;
const TRIES = 6;
const PAUSE_MS = 300;
const RUN = (1 - AGAIN ** TRIES) / (1 - AGAIN);
/** A stubborn one, or the tab somebody left open, tries so often, about every so many ms: on average a minute long. */
const STUBBORN = { tries: 120, pause: 1_000 };
/** Spells last so long on average (ms), of one side or of both; this share of the requests fails meanwhile. */
const SPELL = { one: 1_000, both: 2_000 };
const FAILING = 0.8;

/** A user who tries again after `pause` ms on average, and fails `left` times more. */
type Retry = {
  readonly at: number;
  readonly side: Side;
  readonly user: number;
  readonly left: number;
  readonly pause: number;
};
type Spell = { until: number; bad: boolean };

/** Requests at random moments, request by request; a look without any is skipped. */
export class Traffic {
  readonly #chance: Chance;
  readonly #spells: Record<Side, Spell>;
  /** Failures still to come of users who try again. */
  #retries: Retry[] = [];
  #users = 0;
  now = 0;

  constructor(chance: Chance) {
    this.#chance = chance;
    this.#spells = { monolith: { until: 0, bad: true }, service: { until: 0, bad: true } };
  }

  /** Counts of the next look with a request, not after `end` (ms); then undefined. */
  next(load: Load, end: number): Counted | undefined {
    const mean = (load.speed * POLL_MS) / 1_000;
    const skipped = mean < 1 ? Math.floor(this.#waits() / mean) : 0;
    const retry = this.#retries.reduce((soonest, { at }) => Math.min(soonest, at), Number.POSITIVE_INFINITY);
    const looks = Math.min(1 + skipped, Math.max(1, Math.ceil((retry - this.now) / POLL_MS)));
    this.now += looks * POLL_MS;
    if (this.now > end) return undefined;
    const counted = {
      monolith: { requests: 0, errors: 0, hard: 0, users: [] },
      service: { requests: 0, errors: 0, hard: 0, users: [] },
    } satisfies Counted;
    for (let left = this.#arrivals(mean, looks === 1 + skipped); left > 0; left--) {
      const side = this.#chance.happens(load.share) ? 'service' : 'monolith';
      const user = this.#userOf(side, load);
      this.#count(counted, side, user, this.#fails(side, user, load), load.hard);
    }
    if (this.#retries.length) this.#again(counted, load);
    return counted;
  }

  #userOf(side: Side, { regulars }: Load): number {
    if (!regulars) return ++this.#users;
    return this.#chance.below(regulars[side]);
  }

  #again(counted: Counted, load: Load): void {
    const due = this.#retries.filter(({ at }) => at <= this.now);
    if (!due.length) return;
    this.#retries = this.#retries.filter(({ at }) => at > this.now);
    for (const { left, ...again } of due) {
      this.#count(counted, again.side, again.user, left > 0, load.hard);
      if (left > 0) this.#retry({ ...again, left: left - 1 });
    }
  }

  #count(counted: Counted, side: Side, user: number, fails: boolean, hard: boolean): void {
    const tally = counted[side];
    tally.requests++;
    if (fails) tally.errors++;
    if (fails && hard) tally.hard++;
    const at = tally.users.findIndex(([other]) => other === user);
    const [, requests, errors, hards] = tally.users[at] ?? [user, 0, 0, 0];
    const counts = [user, requests + 1, errors + Number(fails), hards + Number(fails && hard)] as const;
    if (at >= 0) tally.users[at] = counts;
    else if (tally.users.length < MOST_TOLD_APART) tally.users.push(counts);
  }

  #fails(side: Side, user: number, { kind, rates, pulse, regulars }: Load): boolean {
    const rate = rates[side];
    if (pulse && this.now % pulse.every >= pulse.lasts) return false;
    if (kind === 'users') return user < rate * regulars![side];
    if (kind === 'single') return this.#chance.happens(rate);
    if (kind === 'retries') {
      if (!this.#chance.happens(rate / (1 - rate) / RUN)) return false;
      let left = 0;
      while (left < TRIES - 1 && this.#chance.happens(AGAIN)) left++;
      this.#retry({ side, user, left, pause: PAUSE_MS });
      return true;
    }
    if (kind === 'stubborn') {
      if (!this.#chance.happens(rate / (1 - rate) / (STUBBORN.tries / 2))) return false;
      const left = Math.floor(this.#chance.between(1, STUBBORN.tries));
      this.#retry({ side, user, left, pause: STUBBORN.pause });
      return true;
    }
    const whose = kind === 'common' ? 'monolith' : side;
    return this.#inSpell(whose, rate, kind) && this.#chance.happens(FAILING);
  }

  #inSpell(side: Side, rate: number, kind: Kind): boolean {
    const spell = this.#spells[side];
    const lasts = kind === 'common' ? SPELL.both : SPELL.one;
    while (spell.until < this.now) {
      spell.bad = !spell.bad;
      spell.until += this.#waits() * (spell.bad ? lasts : lasts * (FAILING / rate - 1));
    }
    return spell.bad;
  }

  #retry(one: Omit<Retry, 'at'>): void {
    this.#retries.push({ ...one, at: this.now + this.#waits() * one.pause });
  }

  /** Exponential, mean 1. */
  #waits(): number {
    return -Math.log(1 - this.#chance.between(0, 1));
  }

  /** Poisson; of a look that was skipped to, at least one. */
  #arrivals(mean: number, reached: boolean): number {
    if (!reached) return 0;
    let [count, sum] = [mean < 1 ? 1 : 0, mean < 1 ? 0 : this.#waits()];
    if (mean < 1) {
      // The rest of the look after its first request, which is anywhere in it.
      sum = this.#chance.between(0, mean) + this.#waits();
    }
    while (sum <= mean) {
      count++;
      sum += this.#waits();
    }
    return count;
  }
}
