import { type Counts, MOST_TOLD_APART, murmur3, type Side, type UserCounts } from '@strangler/plan';

/** What became of one request to one side. */
export type RequestOutcome = {
  /** Status of the answer’s head; 0 if there was none. */
  readonly status: number;
  /** The side is to blame although the head was fine, or there was none. */
  readonly failed: boolean;
  /** The side could not be talked to. */
  readonly hard: boolean;
  /** Milliseconds from sending to the answer’s head; 0 if there was none. */
  readonly latency: number;
};

/** Counts older than this say nothing about the side as it is now, in milliseconds. */
const STALE_MS = 10_000;
/** Writers kept for control while there is no link, by capability and side. */
const MOST_WRITERS = 10_000;
/** Writers of one message: as long as users may be, and whatever is in them, it is smaller than control takes (1 MiB). */
const WRITERS_A_MESSAGE = 500;

type Numbers = Omit<Counts, 'capability' | 'side' | 'writers' | 'users'>;
type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
/** Whose request it was, if known, whether it was a write, and whether its user is one of many. */
export type Whose = { readonly user: string | undefined; readonly isWrite: boolean; readonly splits: boolean };

type Running = {
  readonly capability: string;
  readonly side: Side;
  numbers: Mutable<Numbers>;
  readonly writers: Set<string>;
  /** Undefined where everybody is one user: then they are not told apart, and every request counts. */
  readonly users: Map<number, Mutable<UserCounts>> | undefined;
};
const none = (): Mutable<Numbers> => ({ requests: 0, errors: 0, hard: 0, clientErrors: 0, latency: 0 });

/** Counts outcomes by capability and side, until control takes them. */
export class OutcomeTally {
  readonly #now: () => number;
  readonly #counts = new Map<string, Running>();
  /** When the first of the outcomes in the numbers was counted. */
  #since = Number.POSITIVE_INFINITY;
  #more = 0;

  constructor(now: () => number = performance.now.bind(performance)) {
    this.#now = now;
  }

  /**
   * Counts one outcome. A request without a user always goes to the monolith: it says nothing that could be compared, and
   * whoever sends it could hide what the service does to users.
   */
  add(
    capability: string,
    side: Side,
    { status, failed, hard, latency }: RequestOutcome,
    { user, isWrite, splits }: Whose,
  ): void {
    if (user === undefined) return;
    const key = `${side} ${capability}`;
    const running = this.#counts.get(key) ?? {
      capability,
      side,
      numbers: none(),
      writers: new Set(),
      users: splits ? new Map() : undefined,
    };
    this.#counts.set(key, running);
    this.#since = Math.min(this.#since, this.#now());
    const { numbers, writers } = running;
    const isError = failed || hard || status >= 500;
    numbers.requests++;
    numbers.latency += latency;
    if (isError) numbers.errors++;
    else if (status >= 400) numbers.clientErrors++;
    if (hard) numbers.hard++;
    if (running.users && (isError || status < 400)) countByUser(running.users, murmur3(user), isError, hard);
    if (!isWrite || side !== 'service' || status < 200 || status >= 400) return;
    if (writers.size < MOST_WRITERS) writers.add(user);
    else if (!writers.has(user)) this.#more++;
  }

  /** Drops numbers that are too old to be judged as what happens now; who has written stays to be told. */
  dropStale(): void {
    if (this.#now() - this.#since < STALE_MS) return;
    this.#since = Number.POSITIVE_INFINITY;
    for (const running of this.#counts.values()) {
      running.numbers = none();
      running.users?.clear();
    }
  }

  /**
   * Everything counted since the last time, in parts of which each fits one message, and begins again. `more`: writes of
   * users there was no room to remember.
   */
  take(): { readonly counts: readonly Counts[]; readonly more: number } {
    const counts = [...this.#counts.values()].flatMap(partsOf);
    const more = this.#more;
    this.#counts.clear();
    this.#since = Number.POSITIVE_INFINITY;
    this.#more = 0;
    return { counts, more };
  }
}

/** Of more users than can be told, those who have failed are. */
function countByUser(users: NonNullable<Running['users']>, user: number, isError: boolean, hard: boolean): void {
  const counts = users.get(user) ?? [user, 0, 0, 0];
  counts[1]++;
  if (isError) counts[2]++;
  if (hard) counts[3]++;
  if (!users.has(user) && users.size >= MOST_TOLD_APART) {
    const good = isError && [...users.values()].find(([, , errors]) => errors === 0);
    if (!good) return;
    users.delete(good[0]);
  }
  users.set(user, counts);
}

function partsOf({ capability, side, numbers, writers, users }: Running): Counts[] {
  const all = [...writers];
  const first = { capability, side, ...numbers, ...(users && { users: [...users.values()] }) };
  const parts: Counts[] = [{ ...first, writers: all.splice(0, WRITERS_A_MESSAGE) }];
  while (all.length)
    parts.push({ capability, side, ...none(), ...(users && { users: [] }), writers: all.splice(0, WRITERS_A_MESSAGE) });
  return parts;
}
