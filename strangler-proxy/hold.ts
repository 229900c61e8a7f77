/** A write that waits for a handoff to end. */
export type Held = {
  readonly capability: string;
  /** True while the snapshot in force still moves its user. */
  readonly stillMoves: () => boolean;
  /** Goes on, to whom the snapshot in force says. */
  readonly release: () => void;
  /** Waited as long as it may. */
  readonly expire: () => void;
};

/** The held writes in the order they came; each waits at most its time, a capability holds at most its number. */
export class Holds {
  readonly #held = new Map<Held, { since: number; timer: NodeJS.Timeout }>();
  readonly #counts = new Map<string, number>();
  readonly #ended: (capability: string, milliseconds: number) => void;

  constructor(ended: (capability: string, milliseconds: number) => void) {
    this.#ended = ended;
  }

  /** How many writes of a capability are held. */
  count(capability: string): number {
    return this.#counts.get(capability) ?? 0;
  }

  /** Holds a write for at most `hold` milliseconds; false if `queue` writes of its capability wait already. */
  add(held: Held, hold: number, queue: number): boolean {
    const { capability } = held;
    const count = this.count(capability);
    if (count >= queue) return false;
    this.#counts.set(capability, count + 1);
    const timer = setTimeout(() => this.drop(held) && held.expire(), hold);
    this.#held.set(held, { since: performance.now(), timer });
    return true;
  }

  /** Forgets a held write, because its client has gone; false if it was not held. */
  drop(held: Held): boolean {
    const entry = this.#held.get(held);
    if (!entry) return false;
    clearTimeout(entry.timer);
    this.#held.delete(held);
    this.#counts.set(held.capability, this.count(held.capability) - 1);
    this.#ended(held.capability, performance.now() - entry.since);
    return true;
  }

  /** Lets everybody go whom the snapshot in force no longer moves, in the order they came. */
  release(): void {
    for (const held of [...this.#held.keys()]) {
      if (held.stillMoves() || !this.drop(held)) continue;
      held.release();
    }
  }
}
