import type { Side } from '@strangler/plan';

/** What requests to one side came to. */
export type SideTally = { readonly requests: number; readonly errors: number; readonly hard: number };

/** Both sides over the same time. */
export type SideTallies = Readonly<Record<Side, SideTally>>;

/** A stretch of time in which more than half of the service’s requests have been failing, until now. */
export type Outage = {
  readonly service: Failing;
  readonly monolith: Failing;
  /** From the first failure to the last, ms. */
  readonly lasting: number;
  /** Failures of the service a second or more apart: of a user who tries again and again at once, few. */
  readonly moments: number;
  /** Share of failures of both sides before it. */
  readonly usual: number;
};
type Failing = { readonly requests: number; readonly failures: number };
