import type { Counts } from '@strangler/plan';
import type { SideTally } from './tallies.ts';

/** What a proxy counted of one side, by user if they are told apart. */
export type Counted = SideTally & Pick<Counts, 'users'>;

/** Remembers things of users for once to twice as long as `lasts` ms, and forgets them all at once. */
class UserMemory {
  readonly #lasts: number;
  #young = new Map<number, number>();
  #old = new Map<number, number>();
  #turnedAt = Number.NEGATIVE_INFINITY;

  constructor(lasts: number) {
    this.#lasts = lasts;
  }

  get users(): number {
    return this.#young.size + [...this.#old.keys()].filter((user) => !this.#young.has(user)).length;
  }

  turn(now: number): void {
    if (now - this.#turnedAt < this.#lasts) return;
    this.#old = now - this.#turnedAt < 2 * this.#lasts ? this.#young : new Map();
    this.#young = new Map();
    this.#turnedAt = now;
  }

  sum(user: number): number {
    return (this.#young.get(user) ?? 0) + (this.#old.get(user) ?? 0);
  }

  latest(user: number): number | undefined {
    return this.#young.get(user) ?? this.#old.get(user);
  }

  set(user: number, value: number): void {
    this.#young.set(user, value);
  }

  add(user: number, value: number): void {
    this.#young.set(user, (this.#young.get(user) ?? 0) + value);
  }
}

/** A user’s failures count once in so long, ms. */
const COUNTS_AGAIN_MS = 30_000;

/** The requests to one side with a user’s failures counted once in half a minute: whoever tries again and again is one user. */
export class OnceAUser {
  readonly #countedAt = new UserMemory(COUNTS_AGAIN_MS);

  count({ users, requests, errors, hard }: Counted, now: number): SideTally {
    if (!users) return { requests, errors, hard };
    this.#countedAt.turn(now);
    let fresh = 0;
    for (const [user, , failures] of users) {
      if (!failures || now - (this.#countedAt.latest(user) ?? Number.NEGATIVE_INFINITY) < COUNTS_AGAIN_MS) continue;
      this.#countedAt.set(user, now);
      fresh++;
    }
    return { requests: requests - errors + fresh, errors: fresh, hard: Math.min(hard, fresh) };
  }
}

/** Failures are remembered for once to twice as long, ms: who has stopped failing is soon one of many again. */
const REMEMBERED_MS = 15_000;
/** Who has failed most for so long, ms, while nobody else came, is not left out any more: then it may well be the side. */
const ALONE_FOR_MS = 300_000;
/** Requests of others since then that are somebody else coming. */
const OTHERS = 50;

/**
 * The requests to one side without those of the user who has failed most there until now. Who is left out depends on the
 * past alone, so of all the others good and bad requests count alike.
 */
export class MostFailing {
  readonly #failures = new UserMemory(REMEMBERED_MS);
  #user: number | undefined;
  #since = 0;
  #others = 0;

  leaveOut({ users = [], requests, errors, hard }: Counted, now: number): SideTally {
    const own = users.find(([user]) => user === this.#user);
    this.#others += requests - (own?.[1] ?? 0);
    const isAlone = now - this.#since >= ALONE_FOR_MS && this.#others < OTHERS;
    this.#note(users, now);
    if (!own || isAlone) return { requests, errors, hard };
    return { requests: requests - own[1], errors: errors - own[2], hard: hard - own[3] };
  }

  #note(users: NonNullable<Counted['users']>, now: number): void {
    this.#failures.turn(now);
    for (const [user, , errors] of users) {
      if (!errors) continue;
      this.#failures.add(user, errors);
      if (user === this.#user || this.#failures.sum(user) <= this.#failures.sum(this.#user ?? Number.NaN)) continue;
      this.#user = user;
      this.#since = now;
      this.#others = 0;
    }
  }
}

/** Users who come are remembered for once to twice as long, ms. */
const COMING_MS = 300_000;
/** Failures that are looked at. */
const NEWEST = 20;
/** As many users as these, or half of those who come, must have failed in them. */
const BROAD = 5;

/** Whether the newest failures of one side are of many users, or of half of those there are. */
export class Breadth {
  readonly #coming = new UserMemory(COMING_MS);
  #newest: number[] = [];
  #nobody = 0;

  note({ users, errors }: Counted, now: number): void {
    this.#coming.turn(now);
    for (const [user, , failures] of users ?? []) {
      if (this.#coming.sum(user) === 0 && this.#coming.users < 2 * BROAD) this.#coming.add(user, 1);
      if (failures) this.#newest.push(...Array.from({ length: Math.min(failures, NEWEST) }, () => user));
    }
    // Users whom a proxy does not tell apart are many.
    if (!users) this.#newest.push(...Array.from({ length: Math.min(errors, NEWEST) }, () => --this.#nobody));
    this.#newest = this.#newest.slice(-NEWEST);
  }

  get isBroad(): boolean {
    return new Set(this.#newest).size >= Math.min(BROAD, Math.ceil(this.#coming.users / 2));
  }
}
