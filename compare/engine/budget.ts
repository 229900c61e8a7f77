/** How far a comparison goes before it gives up as truncated. */
export interface Budget {
  /** Levels of nesting. */
  readonly depth: number;
  /** Places looked at. */
  readonly nodes: number;
  /** From the beginning of a comparison to its end. */
  readonly milliseconds: number;
}

/** For comparisons beside live traffic. */
export const BUDGET: Budget = { depth: 100_000, nodes: 200_000, milliseconds: 50 };

/** For tests and suites, where a result must not depend on how busy the machine is. */
export const PATIENT: Budget = { depth: 100_000, nodes: 5_000_000, milliseconds: Number.POSITIVE_INFINITY };

/** Places between two looks at the clock. */
const LOOK_EVERY = 1024;

/** What is left of a budget. */
export class Meter {
  readonly depth: number;
  readonly #clock: () => number;
  readonly #deadline: number;
  #left: number;
  #nextLook: number;

  /** `clock` gives milliseconds. */
  constructor(budget: Budget, clock: () => number = () => performance.now()) {
    this.depth = budget.depth;
    this.#clock = clock;
    this.#deadline =
      budget.milliseconds === Number.POSITIVE_INFINITY ? budget.milliseconds : clock() + budget.milliseconds;
    this.#left = budget.nodes;
    this.#nextLook = budget.nodes - LOOK_EVERY;
  }

  /** Takes up to so many places off the budget, and says how many there were; 0 once the time is up. */
  take(nodes: number): number {
    const taken = Math.min(nodes, this.#left);
    this.#left -= taken;
    if (this.#left < this.#nextLook) {
      this.#nextLook = this.#left - LOOK_EVERY;
      if (this.#clock() > this.#deadline) {
        this.#left = 0;
        return 0;
      }
    }
    return taken;
  }
}
