import type { Session } from '@strangler/ledger';
import type { Direction } from '@strangler/plan';
import type { Rows } from '../../cdc/aggregates.ts';
import { OwnershipHistory } from '../../cdc/ownership-history.ts';
import { ownershipAfter, prepareSteps, prepareUnasked, untilUndecided } from '../../cdc/prepare.ts';
import { workOf } from '../../cdc/steps.ts';
import { applySteps } from '../../cdc/target-transaction.ts';
import { usersOf } from '../../cdc/users.ts';
import { handoff } from '../../control/handoff.ts';
import { type ProxyView, unknownFor } from '../../control/readiness.ts';
import { recover } from '../../control/recover.ts';
import { settleForced } from '../../control/settlement.ts';
import type { Sides } from '../../control/sides.ts';
import type { Store } from '../../control/store.ts';
import { nextMove } from '../../control/transitions.ts';
import { decide } from '../../strangler-proxy/decide.ts';
import { moves } from '../../strangler-proxy/flights.ts';

/** Everything that decides: the production code itself. A mutation replaces one of them by a wrong one. */
export type Rules = {
  /** The proxy: where a request goes, and which of its writes a handoff waits for. */
  readonly decide: typeof decide;
  readonly moves: typeof moves;
  /** Control: what is next, the steps of a handoff, and what to do after a crash. */
  readonly nextMove: typeof nextMove;
  readonly handoff: typeof handoff;
  readonly recover: typeof recover;
  readonly settleForced: typeof settleForced;
  readonly unknownFor: typeof unknownFor;
  /** The stream: what an entry of the log asks for, whose it is, and whether its source may. */
  readonly workOf: typeof workOf;
  readonly usersOf: typeof usersOf;
  readonly History: typeof OwnershipHistory;
  readonly prepareUnasked: typeof prepareUnasked;
  readonly prepareSteps: typeof prepareSteps;
  readonly untilUndecided: typeof untilUndecided;
  readonly ownershipAfter: typeof ownershipAfter;
  readonly applySteps: typeof applySteps;
  /** What stands between the code and the world: nothing, unless a mutation forges what goes through. */
  readonly between: {
    readonly views: (views: readonly ProxyView[]) => readonly ProxyView[];
    readonly sides: (sides: Sides) => Sides;
    readonly store: (store: Store) => Store;
    readonly session: (session: Session, whose: Direction | 'control') => Session;
    readonly rows: (rows: Rows) => Rows;
  };
};

const asIs = <T>(given: T): T => given;

/** The rules as they are. */
export const PRODUCTION: Rules = {
  ...{ decide, moves, nextMove, handoff, recover, settleForced, unknownFor },
  ...{ workOf, usersOf, History: OwnershipHistory, prepareUnasked, prepareSteps, untilUndecided, ownershipAfter },
  applySteps,
  between: { views: asIs, sides: asIs, store: asIs, session: asIs, rows: asIs },
};
