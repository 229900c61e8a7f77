import type { CapabilityState } from './state.ts';

/** Longest time until a user who was left behind again and again is tried once more, in times of writeFate. */
const LONGEST = 32;

/** When users who were left behind may follow: after writeFate, and twice as long each time they are left again. */
export class Stragglers {
  readonly #writeFate: number;
  readonly #waits = new Map<string, { readonly wait: number; readonly until: number }>();

  /** `writeFate` of the Plan, ms; times below are ms of a monotonic clock. */
  constructor(writeFate: number) {
    this.#writeFate = writeFate;
  }

  /** These users were in the way just now. */
  left(users: readonly string[], now: number): void {
    for (const user of users) {
      const wait = Math.min(LONGEST * this.#writeFate, (this.#waits.get(user)?.wait ?? this.#writeFate / 2) * 2);
      this.#waits.set(user, { wait, until: now + wait });
    }
  }

  /** Who is left behind and may follow; after a restart of control, everybody. */
  due(state: CapabilityState, now: number): readonly string[] {
    const behind = behindIn(state);
    for (const user of this.#waits.keys()) if (!Object.hasOwn(state.desired, user)) this.#waits.delete(user);
    return behind.filter((user) => now >= (this.#waits.get(user)?.until ?? now));
  }

  /** Milliseconds until somebody may follow, at most `most`. */
  rest(state: CapabilityState, most: number, now: number): number {
    return Math.max(1, Math.min(most, ...behindIn(state).map((user) => (this.#waits.get(user)?.until ?? now) - now)));
  }
}

/** Named already, and waiting for their writes to end. */
const behindIn = ({ desired, pins }: CapabilityState): readonly string[] =>
  Object.keys(desired).filter((user) => desired[user] === 'behind' && Object.hasOwn(pins, user));
