import { Allowance } from './allowance.ts';
import type { Write } from './flights.ts';

/** A write that waits for a handoff to end. */
export type Held = {
  readonly capability: string;
  /** Whose it is, and of which client address. */
  readonly holder: Pick<Write, 'capability' | 'user'> & { readonly address: string };
  /** True while the snapshot in force still moves its user. */
  readonly stillMoves: () => boolean;
  /** Goes on, to whom the snapshot in force says. */
  readonly release: () => void;
  /** Waited as long as it may. */
  readonly expire: () => void;
};

/** One client address may hold a quarter of what a capability may, but so many in any case: names can be forged. */
const OF_ONE_ADDRESS = 25;
/** One user there may hold a tenth of it, but so many in any case. */
const OF_ONE_USER = 10;

/**
 * The held writes in the order they came; each waits at most its time, a capability holds at most its number, and nobody
 * alone takes the place of others.
 */
export class Holds {
  readonly #held = new Map<Held, { since: number; timer: NodeJS.Timeout; free: () => void }>();
  readonly #counts = new Map<string, number>();
  readonly #allowances = new Map<string, Allowance>();
  readonly #onEnd: (capability: string, milliseconds: number) => void;

  constructor(onEnd: (capability: string, milliseconds: number) => void) {
    this.#onEnd = onEnd;
  }

  /** How many writes of a capability are held. */
  count(capability: string): number {
    return this.#counts.get(capability) ?? 0;
  }

  /** Holds a write for at most `hold` milliseconds; false if `queue` writes of its capability, or too many of its address or user, wait already. */
  add(held: Held, hold: number, queue: number): boolean {
    const { capability, holder } = held;
    const count = this.count(capability);
    const allowance = this.#allowanceOf(capability, queue);
    if (count >= queue || allowance.isUsedUp(holder, holder.address)) return false;
    const free = allowance.take(holder, holder.address);
    this.#counts.set(capability, count + 1);
    const timer = setTimeout(() => this.drop(held) && held.expire(), hold);
    this.#held.set(held, { since: performance.now(), timer, free });
    return true;
  }

  /** Forgets a held write, because its client has gone; false if it was not held. */
  drop(held: Held): boolean {
    const entry = this.#held.get(held);
    if (!entry) return false;
    clearTimeout(entry.timer);
    entry.free();
    this.#held.delete(held);
    this.#counts.set(held.capability, this.count(held.capability) - 1);
    this.#onEnd(held.capability, performance.now() - entry.since);
    return true;
  }

  #allowanceOf(capability: string, queue: number): Allowance {
    const ofOneAddress = Math.max(OF_ONE_ADDRESS, Math.floor(queue / 4));
    const ofOneUser = Math.max(OF_ONE_USER, Math.floor(queue / 10));
    const allowance = this.#allowances.get(capability) ?? new Allowance(ofOneAddress, ofOneUser);
    this.#allowances.set(capability, allowance);
    return allowance;
  }

  /** Lets everybody go whom the snapshot in force no longer moves, in the order they came. */
  release(): void {
    for (const held of [...this.#held.keys()]) {
      if (held.stillMoves() || !this.drop(held)) continue;
      held.release();
    }
  }
}
