import type { Counts, UserCounts } from '@strangler/plan';
import type { SideTally } from './tallies.ts';

/** What a proxy counted of one side, by user if they are told apart. */
export type Counted = SideTally & Pick<Counts, 'users'>;

/** Users one memory has room for: who comes when it is full is nobody it knows. */
const MOST_USERS = 100_000;

/** Remembers things of users for at least as long as `lasts` ms, and for at most twice as long if they are not set again. */
class UserMemory<T> {
  readonly #lasts: number;
  #young = new Map<number, T>();
  #old = new Map<number, T>();
  #turnedAt = Number.NEGATIVE_INFINITY;
  #users = 0;

  constructor(lasts: number) {
    this.#lasts = lasts;
  }

  /** How many it remembers. */
  get users(): number {
    return this.#users;
  }

  /** How many have been set since it last forgot. */
  get newest(): number {
    return this.#young.size;
  }

  /** Forgets whom it has remembered for long enough; true if it did. */
  turn(now: number): boolean {
    if (now - this.#turnedAt < this.#lasts) return false;
    this.#old = now - this.#turnedAt < 2 * this.#lasts ? this.#young : new Map();
    this.#young = new Map();
    this.#turnedAt = now;
    this.#users = this.#old.size;
    return true;
  }

  /** Of everybody it remembers. */
  *values(): Generator<T> {
    yield* this.#young.values();
    for (const [user, value] of this.#old) if (!this.#young.has(user)) yield value;
  }

  get(user: number): T | undefined {
    return this.#young.get(user) ?? this.#old.get(user);
  }

  set(user: number, value: T): void {
    if (this.get(user) === undefined && ++this.#users > MOST_USERS) this.#users--;
    else this.#young.set(user, value);
  }
}

/** What counts of a user fades over this long, ms. */
const FAIR_OVER_MS = 600_000;
/** So many requests of a user count however few the others make. */
const AT_LEAST = 15;
/** Nor is anybody ever silenced: so many count in so long (ms), fading too. */
const ALWAYS = { requests: 3, over: 30_000 };
/** And so many of what a proxy tells at once: a burst of one user is not seen as theirs before it is over. */
const AT_ONCE = 5;
/** Beyond that no user’s count for more than so many times what the others’ do on average. */
const OF_AVERAGE = 3;

/**
 * The requests to one side of which no user’s count for much more than anybody else’s: so nobody hides what others meet
 * behind good requests, nor makes a side look bad by failing often. How much counts does not depend on how requests
 * ended, so it says nothing about the side.
 */
export class FairShare {
  /** What has counted of each user, and of all of them: sums that fade, and when they were added to. */
  readonly #own = new UserMemory<Fading & { readonly newest: number }>(FAIR_OVER_MS);
  #all = { sum: 0, at: 0 };
  #drawn = 1;

  /** The requests that count, with those of each user. */
  admit(counted: Counted, now: number): Counted {
    if (!counted.users) return counted;
    const sum = this.#own.turn(now) ? this.#ofKnown(now) : faded(this.#all, now);
    this.#all = { sum, at: now };
    // Users beyond those a proxy tells apart are many.
    const total = { ...untold(counted) };
    const users = counted.users.map(([user, requests, errors, hard]): UserCounts => {
      const own = this.#ownOf(user, now);
      const count = Math.min(requests, this.#room(own));
      const part = requests ? count / requests : 0;
      this.#own.set(user, { sum: own.sum + count, newest: own.newest + count, at: now });
      this.#all.sum += count;
      const failed = this.#whole(errors * part);
      const counts = [user, count, failed, failed && this.#whole((failed * hard) / errors)] as const;
      total.requests += counts[1];
      total.errors += counts[2];
      total.hard += counts[3];
      return counts;
    });
    return { ...total, users };
  }

  /** What has counted of a user, as much of it as is left now. */
  #ownOf(user: number, now: number) {
    const known = this.#own.get(user);
    const newest = known ? known.newest * Math.exp((known.at - now) / ALWAYS.over) : 0;
    return { sum: faded(known, now), newest, isKnown: known !== undefined };
  }

  /** How many more requests of this user count now. */
  #room(own: { readonly sum: number; readonly newest: number; readonly isKnown: boolean }): number {
    const others = this.#own.users - Number(own.isKnown);
    if (!others) return AT_ONCE; // there is nobody to hide
    const average = (this.#all.sum - own.sum) / others;
    const fair = Math.max(AT_LEAST, OF_AVERAGE * average) - own.sum;
    return Math.max(0, Math.min(AT_ONCE, Math.ceil(Math.max(fair, ALWAYS.requests - own.newest))));
  }

  #ofKnown(now: number): number {
    let sum = 0;
    for (const own of this.#own.values()) sum += faded(own, now);
    return sum;
  }

  /** A whole number that is as large on average: rounded by a draw, for rounded alike a part of few would be none or all. */
  #whole(part: number): number {
    this.#drawn = (Math.imul(this.#drawn, 1_664_525) + 1_013_904_223) >>> 0; // Numerical Recipes
    return Math.floor(part + this.#drawn / 2 ** 32);
  }
}

type Fading = { readonly sum: number; readonly at: number };
const faded = (of: Fading | undefined, now: number): number =>
  of ? of.sum * Math.exp((of.at - now) / FAIR_OVER_MS) : 0;

/** What a proxy counted of users it does not tell apart. */
function untold({ users = [], requests, errors, hard }: Counted): SideTally {
  const told = { requests: 0, errors: 0, hard: 0 };
  for (const [, ofRequests, ofErrors, ofHard] of users) {
    told.requests += ofRequests;
    told.errors += ofErrors;
    told.hard += ofHard;
  }
  return {
    requests: Math.max(0, requests - told.requests),
    errors: Math.max(0, errors - told.errors),
    hard: Math.max(0, hard - told.hard),
  };
}

/** A user’s failures count once in so long, ms. */
const COUNTS_AGAIN_MS = 30_000;

/** The requests to one side with a user’s failures counted once in half a minute: whoever tries again and again is one user. */
export class OnceAUser {
  readonly #countedAt = new UserMemory<number>(COUNTS_AGAIN_MS);

  count(counted: Counted, now: number): SideTally {
    const { users, requests, errors, hard } = counted;
    if (!users) return { requests, errors, hard };
    this.#countedAt.turn(now);
    let fresh = untold(counted).errors;
    for (const [user, , failures] of users) {
      if (!failures || now - (this.#countedAt.get(user) ?? Number.NEGATIVE_INFINITY) < COUNTS_AGAIN_MS) continue;
      this.#countedAt.set(user, now);
      fresh++;
    }
    return { requests: requests - errors + fresh, errors: fresh, hard: Math.min(hard, fresh) };
  }
}

/**
 * Failures are remembered for at least so long, ms. Lately: who has stopped failing is soon one of many again. Always: who
 * fails now and then is known too.
 */
export const REMEMBERED_MS = { lately: 15_000, always: 300_000 };
/** Who has failed most for so long, ms, while nobody else came, is not left out any more: then it may well be the side. */
const ALONE_FOR_MS = 300_000;

/**
 * The requests to one side without those of the user who has failed most there until now. Who is left out depends on the
 * past alone, so of all the others good and bad requests count alike.
 */
export class MostFailing {
  readonly #failures: UserMemory<number>;
  #user: number | undefined;
  #since = 0;
  #others = 0;

  /** Failures are remembered for at least `lasts` ms. */
  constructor(lasts: number) {
    this.#failures = new UserMemory(lasts);
  }

  leaveOut(counted: Counted, now: number): Counted {
    const { users = [], requests, errors, hard } = counted;
    const out = this.#user;
    const own = users.find(([user]) => user === out);
    this.#others += requests - (own?.[1] ?? 0);
    const isAlone = now - this.#since >= ALONE_FOR_MS && this.#others === 0;
    if (this.#others > 0) [this.#since, this.#others] = [now, 0];
    this.#note(users, now);
    if (!own || isAlone) return counted;
    return {
      ...{ requests: requests - own[1], errors: errors - own[2], hard: hard - own[3] },
      users: users.filter(([user]) => user !== out),
    };
  }

  #note(users: NonNullable<Counted['users']>, now: number): void {
    this.#failures.turn(now);
    for (const [user, , errors] of users) {
      if (!errors) continue;
      this.#failures.set(user, this.#of(user) + errors);
      if (user === this.#user || this.#of(user) <= this.#of(this.#user)) continue;
      this.#user = user;
      this.#since = now;
      this.#others = 0;
    }
  }

  #of(user: number | undefined): number {
    return (user !== undefined && this.#failures.get(user)) || 0;
  }
}

/** Who came to a side, and who failed there, is remembered for at least so long, ms. */
const MET_MS = 600_000;

/** How many users have come to one side in the last minutes, and how many of them have failed. */
export class UsersMet {
  readonly #came = new UserMemory<true>(MET_MS);
  readonly #failed = new UserMemory<true>(MET_MS);

  note({ users = [] }: Counted, now: number): void {
    this.#came.turn(now);
    this.#failed.turn(now);
    for (const [user, requests, errors] of users) {
      if (requests) this.#came.set(user, true);
      if (errors) this.#failed.set(user, true);
    }
  }

  read(): { readonly requests: number; readonly failures: number } {
    return { requests: this.#came.users, failures: Math.min(this.#came.users, this.#failed.users) };
  }
}

/** Users who come are remembered for at least so long, ms. */
const COMING_MS = 300_000;
/** Who comes is known after so long, ms: in the first moments it may be one who comes often. */
const KNOWN_AFTER_MS = 60_000;
/** Failures that are looked at. */
const NEWEST = 20;
/** As many users as these, or half of those who come, must have failed in them. */
const BROAD = 5;

/** Of how many users the newest failures of one side are, and of how many they must be. */
export type Broadness = { readonly users: number; readonly needed: number };

/** Whether the newest failures of one side are of many users, or of half of those there are. */
export class Breadth {
  readonly #coming = new UserMemory<true>(COMING_MS);
  #since: number | undefined;
  #newest: number[] = [];
  #nobody = 0;

  note(counted: Counted, now: number): void {
    this.#since ??= now;
    this.#coming.turn(now);
    for (const [user, requests, failures] of counted.users ?? []) {
      const isKnown = this.#coming.get(user) !== undefined;
      // Those of before must not keep newcomers out: whom they leave behind then are the ones who always come.
      if (requests && (isKnown || this.#coming.newest < 2 * BROAD)) this.#coming.set(user, true);
      this.#add(failures, () => user);
    }
    // Users whom a proxy does not tell apart are many.
    this.#add(untold(counted).errors, () => --this.#nobody);
  }

  read(now: number): Broadness {
    const known = now - (this.#since ?? now);
    const isAlone = this.#coming.users === 1 && known >= ALONE_FOR_MS;
    const half = isAlone ? 1 : Math.max(2, Math.ceil(this.#coming.users / 2));
    return { users: new Set(this.#newest).size, needed: known >= KNOWN_AFTER_MS ? Math.min(BROAD, half) : BROAD };
  }

  #add(failures: number, user: () => number): void {
    if (!failures) return;
    this.#newest.push(...Array.from({ length: Math.min(failures, NEWEST) }, user));
    this.#newest = this.#newest.slice(-NEWEST);
  }
}
