import type { Chance } from '../chance.ts';
import type { Ledger } from './ledger.ts';
import type { Stack } from './stack.ts';

/**
 * What the operator does meanwhile. `nobody moved`: everybody is on the monolith; `ramping`: from 10 to 50 %; `steady`:
 * at 50 %; `rolling back`: from 50 to 0 %; `everybody moved`: at 100 %; `copying`: the backfill has just begun.
 */
export type Chapter = 'nobody moved' | 'ramping' | 'steady' | 'rolling back' | 'everybody moved' | 'copying';

/** What a fault may lay hands on. */
export type Scene = {
  readonly stack: Stack;
  readonly chance: Chance;
  readonly ledger: Ledger;
  /** The run's own users. */
  readonly users: readonly number[];
  /** Waits a seeded time between two limits, ms. */
  readonly pause: (from: number, to: number) => Promise<void>;
  /** The plug is back in: recovery is timed from here instead of from the beginning of the fault. */
  readonly over: () => void;
  /** Something worth a place in the report: a time in milliseconds, or a text. */
  readonly note: (what: string, value: number | string) => void;
};

/** One way to break things, and what must be seen after it. */
export type Fault = {
  readonly name: string;
  /** Lines of faults.md it covers. */
  readonly lines: readonly number[];
  readonly chapter: Chapter;
  /** Breaks it, and puts the plug back in; throws if it could not, or did not see what must be seen. */
  readonly strike: (scene: Scene) => Promise<void>;
  /** Until it is over, what a user was told is done may be missing to them; afterwards nothing may be. */
  readonly behind?: boolean;
  /** What its Plan has otherwise than the example’s (see Prepared); a stack of its own. */
  readonly inPlan?: { readonly confirmed?: true; readonly unleash?: true; readonly fence?: true };
  /** The judge may rightly take everybody back meanwhile. */
  readonly mayRollBack?: boolean;
  /** The stack is not fit for another fault after it. */
  readonly spends?: boolean;
  /** Nobody buys until it has struck: no request and no row makes anybody notice. */
  readonly idle?: true;
  /** Purchases per second, if not the usual few. */
  readonly rate?: number;
  /** Orders in the monolith before the copying; of `copying` only. */
  readonly history?: number;
};
