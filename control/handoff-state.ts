import type { HandoffKind, HandoffRow } from '@strangler/ledger';
import { afterHandoff, type Moving, nextSlice, otherSide, type Side, type Subject, sideOf } from '@strangler/plan';
import type { CapabilityState, Debt } from './state.ts';

/*
 * The steps of a handoff (docs/how-it-works.md#a-handoff) as changes of the stored state:
 *   idle → holding → flipped → idle, or holding → idle when it is cancelled.
 * Everything before `flipped` is undone after a crash, everything from there on is completed.
 *   any phase → flipped → idle when an urgent rollback goes by force, without the service’s database.
 */

/** The next handoff of a capability. */
export type Move = { readonly subject: Subject; readonly from: Side; readonly to: Side; readonly urgent: boolean };

/** True if the capability is being rolled back without drain. */
export const isUrgent = ({ ramp }: CapabilityState): boolean => ramp.state === 'rolling-back' && ramp.urgent;

/**
 * The next move on the way to what is wanted: first users to be left behind get a name (urgently: whose handoff waits for
 * the service comes back), then the range, slice by slice (all of it at once when urgent), then named users. Undefined
 * when everybody is where they should be.
 */
export function nextMove(state: CapabilityState, slice: number, bucket: (user: string) => number): Move | undefined {
  return movesOf(state, slice, bucket).next().value;
}

/** Every move that could be next, in that order: one that cannot begin keeps nobody else from moving. */
export function* movesOf(
  state: CapabilityState,
  slice: number,
  bucket: (user: string) => number,
): Generator<Move, undefined> {
  const urgent = isUrgent(state);
  const stuck = urgent ? namedOnService(state) : undefined;
  if (stuck) yield { subject: stuck.subject, from: stuck.from, to: stuck.to, urgent };
  for (const [user, where] of Object.entries(state.desired)) {
    if (urgent || where !== 'behind' || Object.hasOwn(state.pins, user)) continue;
    const at = bucket(user);
    const to = sideOf(state, user, at);
    yield { subject: { lo: at, hi: at + 1, user }, from: otherSide(to), to, urgent };
  }
  const range =
    urgent && state.boundary ? { lo: 0, hi: state.boundary } : nextSlice(state.boundary, state.target, slice);
  if (range) {
    const to: Side = range.lo >= state.boundary ? 'service' : 'monolith';
    yield { subject: range, from: otherSide(to), to, urgent };
  }
  for (const [user, where] of Object.entries(state.desired)) {
    if (where === 'behind' && state.ramp.state !== 'rolling-back') continue; // a rollback ends when everybody is back
    const at = bucket(user);
    const to: Side = where === 'monolith' || where === 'service' ? where : at < state.boundary ? 'service' : 'monolith';
    const named = Object.hasOwn(state.pins, user);
    // A user pinned where they already are is handed over too: from then on both logs know them by name.
    if (named ? state.pins[user] !== to : where !== 'bucket') {
      yield { subject: { lo: at, hi: at + 1, user }, from: otherSide(to), to, urgent };
    }
  }
  return undefined;
}

/**
 * A named user's handoff to the monolith that only the service's log could end. In an urgent rollback force ends it, and
 * first: the barrier may be in that log already, and no move of a range would ever tell how it ended.
 */
function namedOnService({ phase, moving }: CapabilityState): Moving | undefined {
  const isNamed = phase === 'holding' && moving?.from === 'service' && moving.subject.user !== undefined;
  return isNamed ? moving : undefined;
}

/** True of a user whom both logs can hold by name. */
export const mayBeNamed = (user: string): boolean =>
  user.length > 0 && user.length <= 190 && user.isWellFormed() && !user.includes('\0');

/** More users are never named because their writes were in the way: a range then waits for the others. */
const MOST_NAMED_EVER = 1_000;

/** True if whoever has no name yet is not left behind any more: both logs know users for ever whom they know by name. */
export const isFullOfNames = ({ desired }: CapabilityState): boolean => Object.keys(desired).length >= MOST_NAMED_EVER;

/** Leaves these users where they are, so that their range can move without them; nobody if there are too many names. */
export function leftBehind(state: CapabilityState, users: readonly string[]): CapabilityState {
  const isNew = (user: string) => !Object.hasOwn(state.desired, user);
  const fresh = users.filter((user) => mayBeNamed(user) && (isNew(user) || state.desired[user] === 'bucket'));
  const names = Object.keys(state.desired).length + fresh.filter(isNew).length;
  if (isUrgent(state) || !fresh.length || names > MOST_NAMED_EVER) return state;
  return { ...state, desired: { ...state.desired, ...Object.fromEntries(fresh.map((user) => [user, 'behind'])) } };
}

/** Lets these users follow their range. */
export function following(state: CapabilityState, users: readonly string[]): CapabilityState {
  const behind = users.filter((user) => state.desired[user] === 'behind');
  if (!behind.length) return state;
  return { ...state, desired: { ...state.desired, ...Object.fromEntries(behind.map((user) => [user, 'bucket'])) } };
}

/** 1 hold: who moves, under a new epoch. */
export function holding(state: CapabilityState, { subject, from, to }: Move): CapabilityState {
  if (state.phase !== 'idle') throw new Error(`a handoff is under way already: epoch ${state.epoch}`);
  const epoch = state.epoch + 1;
  return { ...state, epoch, phase: 'holding', moving: { epoch, subject, from, to } };
}

/** 5 flip: the one decision point. */
export function flipped(state: CapabilityState, epoch: number): CapabilityState {
  if (state.phase !== 'holding' || state.epoch !== epoch) throw new Error(`handoff ${epoch} is not the one being held`);
  return { ...state, ...afterHandoff(state, state.moving!), phase: 'flipped' };
}

/** Who would be at risk if the service never answered again. */
export type AtRisk = Pick<Debt, 'atRisk' | 'more'>;

/**
 * A forced handoff to the monolith: hold and flip in one, under a new epoch, whatever was under way with the service.
 * A move to the monolith that has flipped already, or has come to rest, is left as it is. A handoff away from the monolith must have been cancelled before: that needs the
 * monolith alone.
 */
export function forced(
  state: CapabilityState,
  { subject, from, to }: Move,
  risk: AtRisk,
  now: string,
): CapabilityState {
  const { phase, moving, unproven } = state;
  if (to !== 'monolith') throw new Error('only a move to the monolith can be forced');
  if (phase === 'flipped' && moving!.to === 'monolith') return state;
  if (phase === 'idle' && isBack(state, subject)) return state;
  if (phase === 'holding' && moving!.from === 'monolith')
    throw new Error(`handoff ${moving!.epoch} is to be cancelled`);
  const owed =
    phase === 'flipped' && moving!.to === 'service' ? { epoch: moving!.epoch, subject: moving!.subject } : null;
  const epoch = state.epoch + 1;
  const forcedMove = { epoch, subject, from, to };
  const debt: Debt = { epoch, subject, since: now, owed, ...risk };
  return {
    ...{ ...state, ...afterHandoff(state, forcedMove) },
    ...{ epoch, phase: 'flipped', moving: forcedMove, unproven: [...unproven, debt] },
  };
}

/** True if these users are on the monolith. */
const isBack = ({ boundary, pins }: CapabilityState, { lo, user }: Subject): boolean =>
  user === undefined ? boundary <= lo : pins[user] === 'monolith';

/** The service’s log has confirmed these forced handoffs, or has been given up: nothing is owed for them any more. */
export function settled(state: CapabilityState, epochs: readonly number[]): CapabilityState {
  const unproven = state.unproven.filter(({ epoch }) => !epochs.includes(epoch));
  return unproven.length < state.unproven.length ? { ...state, unproven } : state;
}

/** 7 release, or cancel: nobody moves any more. */
export const idle = (state: CapabilityState): CapabilityState => ({ ...state, phase: 'idle', moving: null });

/** What must be done before anything else, judged by the stored phase alone. */
export function recovery({ phase }: CapabilityState): 'none' | 'cancel' | 'grant' {
  return phase === 'idle' ? 'none' : phase === 'holding' ? 'cancel' : 'grant';
}

/** True if bringing the phase to rest takes the service’s database; else the monolith’s is enough. */
export const restsOnService = ({ phase, moving }: CapabilityState): boolean =>
  phase !== 'idle' && (phase === 'holding' ? moving!.from : moving!.to) === 'service';

/** The row a step leaves in a side’s log, and which side that is. */
export function rowOf(
  capability: string,
  moving: Moving,
  kind: HandoffKind,
  forced = false,
): HandoffRow & { readonly side: Side } {
  const side = kind === 'grant' ? moving.to : moving.from;
  return { capability, epoch: moving.epoch, kind, subject: moving.subject, forced, side };
}
