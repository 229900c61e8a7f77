import type { Session } from '@strangler/ledger';
import type { Direction } from '@strangler/plan';
import { applySteps } from '../../cdc/apply/apply-steps.ts';
import { OwnershipHistory } from '../../cdc/apply/ownership-history.ts';
import { ownershipAfter, prepareSteps, prepareUnasked, untilUndecided } from '../../cdc/apply/prepare.ts';
import { workOf } from '../../cdc/apply/work.ts';
import type { Rows } from '../../cdc/rows/aggregates.ts';
import { usersOf } from '../../cdc/rows/users.ts';
import { handoff } from '../../control/handoff.ts';
import { following, leftBehind, nextMove } from '../../control/handoff-state.ts';
import { lostProxies, type ProxyView } from '../../control/readiness.ts';
import { recover } from '../../control/recover.ts';
import { settleForced } from '../../control/settlement.ts';
import type { HandoffSides } from '../../control/sides.ts';
import type { Store } from '../../control/store.ts';
import type { StoredState } from '../../control/stored-state.ts';
import { Stragglers } from '../../control/stragglers.ts';
import { decide } from '../../strangler-proxy/decide.ts';
import { moves } from '../../strangler-proxy/flights.ts';
import { mayFollow } from '../../strangler-proxy/snapshot-order.ts';

import { letsWrite } from './fence.ts';

/** Everything that decides: the production code itself. A mutation replaces one of them by a wrong one. */
export type Rules = {
  /** The proxy: where a request goes, which of its writes a handoff waits for, and which snapshot it follows. */
  readonly decide: typeof decide;
  readonly mayFollow: typeof mayFollow;
  readonly moves: typeof moves;
  /** Control: what is next, the steps of a handoff, and what to do after a crash. */
  readonly nextMove: typeof nextMove;
  readonly leftBehind: typeof leftBehind;
  readonly following: typeof following;
  readonly Stragglers: typeof Stragglers;
  readonly handoff: typeof handoff;
  readonly recover: typeof recover;
  readonly settleForced: typeof settleForced;
  readonly lostProxies: typeof lostProxies;
  /** The first thing a control does with the stored state, before it tells anybody of it. */
  readonly takeOver: (cell: StoredState) => Promise<unknown>;
  /** The stream: what an entry of the log asks for, whose it is, and whether its source may. */
  readonly workOf: typeof workOf;
  readonly usersOf: typeof usersOf;
  readonly History: typeof OwnershipHistory;
  readonly prepareUnasked: typeof prepareUnasked;
  readonly prepareSteps: typeof prepareSteps;
  readonly untilUndecided: typeof untilUndecided;
  readonly ownershipAfter: typeof ownershipAfter;
  readonly applySteps: typeof applySteps;
  readonly registry: Registry;
  readonly letsWrite: typeof letsWrite;
  /** What stands between the code and the world: nothing, unless a mutation forges what goes through. */
  readonly between: {
    readonly views: (views: readonly ProxyView[]) => readonly ProxyView[];
    readonly sides: (sides: HandoffSides) => HandoffSides;
    readonly store: (store: Store) => Store;
    readonly session: (session: Session, whose: Direction | 'control') => Session;
    readonly rows: (rows: Rows) => Rows;
  };
};

/** What control/registry.ts, control/lease.ts and the proxy do in their own words, as yes and no. */
export type Registry = {
  /** Whom a control that takes over knows: every proxy that is stored. */
  readonly known: (registered: boolean) => boolean;
  /** Whether a control of this term may change what is stored. */
  readonly mayStore: (term: number, lease: number) => boolean;
  /** Whether a control stops when its lease has run out. */
  readonly stopsInTime: boolean;
  /** Whether a lost proxy is forgotten when `writeFate` has passed. */
  readonly forgets: boolean;
  /** Whether a proxy with so many writes under way says goodbye. */
  readonly saysGoodbye: (underWay: number) => boolean;
  /** Whether control waits after the goodbye of a proxy that may have been too young to know the last one’s writes. */
  readonly inherits: (fresh: boolean) => boolean;
  /** Whether a proxy that is cut off goes on holding whom its last snapshot moves. */
  readonly holdsOn: boolean;
};

const registry: Registry = {
  known: (registered) => registered,
  mayStore: (term, lease) => term === lease,
  stopsInTime: true,
  forgets: false,
  saysGoodbye: (underWay) => !underWay,
  inherits: (fresh) => fresh,
  holdsOn: true,
};

const asIs = <T>(given: T): T => given;

/** The rules as they are. */
export const PRODUCTION: Rules = {
  ...{ decide, mayFollow, moves, nextMove, handoff, recover, settleForced, lostProxies, leftBehind, following },
  ...{ registry, letsWrite, Stragglers },
  takeOver: (cell) => cell.fence(),
  ...{ workOf, usersOf, History: OwnershipHistory, prepareUnasked, prepareSteps, untilUndecided, ownershipAfter },
  applySteps,
  between: { views: asIs, sides: asIs, store: asIs, session: asIs, rows: asIs },
};
