import type { HandoffRow, OwnershipRow, StateRow } from '@strangler/ledger';
import {
  type CapabilitySnapshot,
  type Direction,
  directionInto,
  type Flight,
  type Side,
  sourceOf,
} from '@strangler/plan';
import type { Work } from '../../cdc/apply/work.ts';
import type { Move } from '../../control/handoff-state.ts';
import type { HandoffSides } from '../../control/sides.ts';
import type { CapabilityState } from '../../control/state.ts';
import type { InSameTransaction } from '../../control/store.ts';
import type { Database, LogEntry } from './database.ts';
import type { Request, User } from './shop.ts';

/*
 * A small world: two databases with their logs, the two streams between them, proxies, control, and users. It is plain
 * data that never changes; every step of an actor makes another one.
 */

export const SIDES = ['monolith', 'service'] as const;
export const DIRECTIONS = ['forward', 'reverse'] as const;

export type World = {
  readonly monolith: Database;
  readonly service: Database;
  readonly forward: readonly Applier[];
  readonly reverse: readonly Applier[];
  readonly proxies: readonly ProxyProcess[];
  /** The one with the lease; null while none is running. */
  readonly control: Control | null;
  /** One whose lease another has taken, and that has not noticed; null if there is none. */
  readonly former: Control | null;
  /** Of the lease: grows with each take-over. */
  readonly term: number;
  /** Stored: which proxies may be sending writes, by their place. */
  readonly registered: readonly boolean[];
  /** Whether the service's database answers; what is `gone` never comes back. */
  readonly serviceIs: 'up' | 'away' | 'gone';
  /** Statements of a control that has died; they may still arrive. */
  readonly floating: readonly Ask[];
  /** What became of each request of the scenario. */
  readonly requests: readonly Status[];
  /** How many of the operator's orders have been heard. */
  readonly heard: number;
  /** How often each kind of trouble may still happen. */
  readonly left: Troubles;
};

/** Trouble, by kind; a scenario says how much of it there is. */
export type Troubles = {
  /** A handoff is given up although nothing is wrong. */
  readonly cancels: number;
  /** Control dies. */
  readonly crashes: number;
  /** Control dies, or loses the answer, while a statement is on its way; that arrives at any time later. */
  readonly floats: number;
  /** A statement of control fails: before it was done, or after. */
  readonly errors: number;
  /** A proxy dies. */
  readonly kills: number;
  /** An applier dies and starts again. */
  readonly restarts: number;
  /** The answer to a write is lost, or the write on its way. */
  readonly losses: number;
  /** A write whose fate nobody knows arrives although `writeFate` has passed. */
  readonly late: number;
  /** A proxy is cut off from control: packets vanish, both live on. */
  readonly cuts: number;
  /** A proxy that was cut off is reached again. */
  readonly heals: number;
  /** A proxy stops in order, and another starts under its name. */
  readonly goodbyes: number;
  /** The operator says that a lost proxy does not run any more; it may live all the same. */
  readonly dismissals: number;
  /** Another control takes the lease, while the one before still decides. */
  readonly takeovers: number;
  /** A proxy that has linked to the new control links to the former one once more. */
  readonly returns: number;
  /** The service's database goes away, and comes back. */
  readonly outages: number;
  /** The service's database goes away for good, with all of its log that nobody has read. */
  readonly disasters: number;
};

/** What an applier process has in memory. */
export type Applier = {
  readonly version: number;
  /** The number of the log entry to be read next, and how many pieces of its work are done. */
  readonly next: number;
  readonly skip: number;
  /** The last tick seen. */
  readonly tick: number;
  readonly history: readonly OwnershipRow[];
  readonly decided: readonly OwnershipRow[];
  readonly blocked: { readonly users: readonly string[]; readonly disputed: readonly string[] };
  /** Work of so many entries whose users have been looked up (false: nobody can say), but which has not been committed. */
  readonly asked: { readonly entries: number; readonly users: readonly (readonly string[] | false)[] } | null;
};

/** Of the two controls that may believe to be the active one: who is, and who was. */
export type Seat = 'control' | 'former';

/** What a control has told, and in which term of the lease. */
export type Picture = CapabilitySnapshot & { readonly term: number };

/** A proxy process. */
export type ProxyProcess = {
  /** What it decides with; null before the first. */
  readonly snapshot: Picture | null;
  /** Sent to it, not yet in force. */
  readonly inbox: Picture | null;
  /** Whom its stream is open to, as that control believes. */
  readonly link: Seat | null;
  /** True while no packet comes through between it and any control. */
  readonly cut: boolean;
  /** What it had last said of its writes when it was cut off; null while it can say more. */
  readonly told: readonly Flight[] | null;
  /** True if what is in force is the newest that the control it is linked to has published, and that control knows. */
  readonly current: boolean;
  /** True until `writeFate` has passed since its start: nobody knows what the process before it had sent. */
  readonly fresh: boolean;
  /** Places of writes it has sent and lost sight of, younger than `writeFate`. */
  readonly young: readonly number[];
};

/** A control process: what it knows, and how far its program has come. */
export type Control = {
  readonly state: CapabilityState;
  readonly released: number;
  /** Of its lease. */
  readonly term: number;
  /** Which proxies it knows to be registered, by their place. */
  readonly knows: readonly boolean[];
  /** What it told the proxies last. */
  readonly published: Picture;
  /** True until `writeFate` has passed since it took over from another. */
  readonly young: boolean;
  readonly program: Program | null;
  /** True until `writeFate` has passed since a handoff met a write of unknown fate. */
  readonly waits: boolean;
  /** True until `writeFate` has passed since users were left behind because of such a write. */
  readonly behind: boolean;
  /** True until `writeFate` has passed since a proxy was dismissed, or said goodbye too young to know the last one’s writes. */
  readonly parted: boolean;
};

/** What control is doing: a function of its own code, and the answers it has got so far. */
export type Program = {
  /** Taking over, moving somebody, bringing the stored phase to rest, or settling what force has done. */
  readonly does: 'take-over' | 'move' | 'leave' | 'follow' | 'recover' | 'settle';
  readonly move: Move | null;
  /** Whose writes are in the way. */
  readonly users?: readonly string[];
  readonly journal: readonly Answer[];
};

/** What control's code asks of the world around it. */
export type Ask =
  | { readonly is: 'store'; readonly row: StateRow; readonly also: InSameTransaction }
  | { readonly is: 'read' }
  /** One of the two databases, through the methods of Sides. */
  | { readonly is: 'sides'; readonly call: keyof HandoffSides; readonly given: readonly unknown[] }
  | { readonly is: 'publish'; readonly snapshot: CapabilitySnapshot }
  /** What the proxies say; `until`: it waits for something in it. */
  | { readonly is: 'views'; readonly until: boolean };

/** What it got. */
export type Answer =
  | { readonly value: unknown }
  | { readonly error: string }
  /** None: it has waited until its time was up. */
  | { readonly late: true };

/** What became of a request. */
export type Status =
  | { readonly is: 'new' }
  | { readonly is: 'held'; readonly by: number }
  | { readonly is: 'sent'; readonly by: number; readonly to: Side }
  /** Done by the side, not yet answered. */
  | { readonly is: 'done'; readonly by: number; readonly to: Side; readonly effect: boolean }
  /** The user has the answer; without `effect` it was that there is nothing to do. */
  | { readonly is: 'acknowledged'; readonly effect: boolean; readonly on: Side }
  /** Sent, and nobody knows whether it will still arrive. */
  | { readonly is: 'lost'; readonly to: Side }
  /** Over without an answer. */
  | { readonly is: 'unanswered'; readonly effect: boolean };

/** What happened, and the world after it. */
export type Step = {
  readonly label: string;
  readonly next: World;
  /** True if nobody may count on it: a world in which only such things can happen may stay as it is. */
  readonly hope?: boolean;
  /** Why a stream stops here, for a person to look at. */
  readonly stops?: string;
  /** What a stream has applied, if that is what happened. */
  readonly applied?: {
    readonly direction: Direction;
    readonly works: readonly Work[];
    readonly ahead: readonly LogEntry[];
  };
};

/** A boundary, or a user pinned to a side; `urgent`: by an urgent rollback. */
export type Want =
  | { readonly target: number; readonly urgent?: boolean }
  | { readonly pin: User; readonly to: Side | 'bucket'; readonly urgent?: never };

/** What is tried: who writes what, who wants what, and how much trouble there is. */
export type Scenario = {
  readonly name: string;
  readonly requests: readonly Request[];
  /** Where the boundary stands before anything happens; 0, unless said otherwise. */
  readonly moved?: number;
  /** What the operator wants, one after the other. */
  readonly wants: readonly Want[];
  readonly proxies?: number;
  /** Proxies more, that have not started yet. */
  readonly later?: number;
  readonly troubles?: Partial<Troubles>;
  /** Appliers of each stream; one, unless said otherwise. */
  readonly appliers?: number;
  /** True if an applier may take several transactions at once. */
  readonly batches?: boolean;
  /** True if what happens between the look at the users and the commit is explored too. */
  readonly gaps?: boolean;
  /** True if the applications ask a fence at their databases before they write. */
  readonly fence?: boolean;
  /** True if a write may turn up where its user no longer is: then copies in quarantine are right. */
  readonly late?: boolean;
};

/** The side a stream reads from, and the one it feeds. */
export const endsOf = (direction: Direction): { readonly source: Side; readonly target: Side } => ({
  source: sourceOf(direction),
  target: sourceOf(direction) === 'monolith' ? 'service' : 'monolith',
});

export const into = (side: Side): Direction => directionInto(side);

/** The handoff rows of a side's own log. */
export const handoffsOn = (world: World, side: Side): HandoffRow[] =>
  (world[side].tables.strangler_handoff ?? []).map((row) => ({
    ...{ capability: String(row.capability), epoch: Number(row.epoch), kind: row.kind as HandoffRow['kind'] },
    subject: { lo: Number(row.lo), hi: Number(row.hi), ...(row.user_id !== null && { user: String(row.user_id) }) },
    forced: Boolean(row.forced),
  }));
