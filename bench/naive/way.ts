import type { ShoppingTally } from '../../e2e/rehearsal/tally.ts';

/** One way to move orders out of the monolith, set up: who answers the customers, and how it is ramped. */
export type Way = {
  readonly name: string;
  /** Where customers go. */
  readonly bases: readonly string[];
  /** Brings this percentage to the service. */
  readonly ramp: (percent: number) => Promise<void>;
  /** Resolves when the dead service is asked nothing any more; `died` is when it was killed (Unix milliseconds). */
  readonly broughtBack: (tally: ShoppingTally, died: number) => Promise<void>;
  /** What it says of its sync at the end. */
  readonly sync: () => Promise<string>;
};
