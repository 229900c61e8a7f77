import type { Counts } from '@strangler/plan';
import type { SideTally } from './tallies.ts';

/** How long a request of a user makes it less likely that their next ones are looked at, ms: it fades that fast. */
const FADES_OVER_MS = 60_000;
/** As many users as these who came last are remembered, at most twice as many; of others the next request is looked at again. */
const REMEMBERED = 25_000;
/** Requests of one user in one message that are drawn one by one; of more, so many stand for all. */
const MOST_DRAWN = 1_000;

type Known = { requests: number; at: number };

/**
 * The requests to one side that are looked at, so that no user alone decides about all: of a user who has made n requests
 * within the last minute or so, the next one with a probability of 1 in n + 1, whether it fails or not. Somebody who tries
 * a broken request again every second for an hour is then looked at some sixty times, as is everybody who is as busy and
 * whom nothing fails; and half of the requests looked at fail where half of all requests do.
 */
export class UserSample {
  /** Those who came last, and those who came before them: forgotten all at once, for a map is slow in losing its oldest. */
  #users = new Map<number, Known>();
  #before = new Map<number, Known>();
  readonly #random: () => number;

  /** `random` gives numbers from 0 to less than 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  clear(): void {
    this.#users.clear();
    this.#before.clear();
  }

  /** Draws from what a proxy counted; from users it does not tell apart, everything. */
  draw({ users, requests, errors, hard }: Pick<Counts, 'users' | keyof SideTally>, now: number): SideTally {
    if (!users) return { requests, errors, hard };
    const drawn = { requests: 0, errors: 0, hard: 0 };
    for (const [user, ...counts] of users) {
      const [requests, errors, hard] = counts;
      this.#drawOf(this.#recall(user, now), { requests, errors, hard }, drawn);
    }
    return drawn;
  }

  #drawOf(known: Known, { requests, errors, hard }: SideTally, drawn: Record<keyof SideTally, number>): void {
    const scale = Math.min(1, MOST_DRAWN / requests);
    const left = { requests: requests * scale, errors: errors * scale, hard: hard * scale };
    for (; left.requests >= 1; left.requests--) {
      const place = this.#random() * left.requests; // in which order they came is not known
      const isError = place < left.errors;
      const isHard = place < left.hard;
      if (isError) left.errors--;
      if (isHard) left.hard--;
      const isLookedAt = this.#random() * (known.requests + 1) < 1;
      known.requests++;
      if (!isLookedAt) continue;
      drawn.requests++;
      if (isError) drawn.errors++;
      if (isHard) drawn.hard++;
    }
  }

  #recall(user: number, now: number): Known {
    const known = this.#users.get(user) ?? this.#before.get(user) ?? { requests: 0, at: now };
    known.requests *= Math.exp((known.at - now) / FADES_OVER_MS);
    known.at = now;
    this.#users.set(user, known);
    if (this.#users.size >= REMEMBERED) [this.#before, this.#users] = [this.#users, new Map()];
    return known;
  }
}
