import { afterHandoff, type Side } from '@strangler/plan';
import { settled } from './handoff-state.ts';
import type { RampTransition } from './ramp.ts';
import type { CapabilityState, Desired } from './state.ts';

/*
 * What somebody wants of a capability, as changes of the stored state. Each grows `edit`, the number two operators race
 * for. Nobody is moved by them: that is what the reconciler does about it.
 */

/** What may not happen now, and why. */
export class NotNow extends Error {}

/** Throws Refusal if the asker has `seen` another edit. */
export function checkSeen({ edit }: CapabilityState, seen: number | undefined): void {
  if (seen !== undefined && seen !== edit) throw new NotNow(`somebody else was faster: the version is now "${edit}"`);
}

/** True of where an operator has said a user should be. */
export const isWanted = (where: Desired | undefined): boolean => where === 'monolith' || where === 'service';

/** Where the boundary will be when the handoff under way has ended. */
export function heading(state: CapabilityState): number {
  return state.phase === 'holding' ? afterHandoff(state, state.moving!).boundary : state.boundary;
}

/** The state after a transition of the ramp. A rollback takes the pinned users along. */
export function ramped(state: CapabilityState, { wanted, event, effects }: RampTransition): CapabilityState {
  const written = effects.find((effect) => effect.kind === 'flag');
  const followed =
    event === 'flag' && !written ? { ...state.flag, agreed: wanted.target / 100, pending: null } : state.flag;
  const flag = written ? { ...state.flag, agreed: written.percentage, pending: written.reason } : followed;
  const back = Object.entries(state.desired).map(([user, where]) => [
    ...[user, where === 'service' ? 'monolith' : where === 'behind' ? 'bucket' : where],
  ]);
  const desired = event === 'rollback' ? Object.fromEntries(back) : state.desired;
  return { ...state, ...wanted, desired, flag, edit: state.edit + 1 };
}

/** A user pinned to a side, or not any more (null). Throws Refusal. */
export function pinned(state: CapabilityState, user: string, side: Side | null): CapabilityState {
  if (side === null && !isWanted(state.desired[user])) throw new NotNow(`${user} is not pinned`);
  if (side === 'service' && state.ramp.state === 'rolling-back') throw new NotNow('users are on their way back');
  return { ...state, desired: { ...state.desired, [user]: side ?? 'bucket' }, edit: state.edit + 1 };
}

/** The service’s database given up at `lostAt`: nothing is unproven any more. Throws Refusal. */
export function givenUp(state: CapabilityState, lostAt: string): CapabilityState {
  if (!state.unproven.length) throw new NotNow('nothing is unproven: there is nothing to give up');
  if (state.phase !== 'idle') throw new NotNow('a handoff is under way; try again when it has ended');
  const epochs = state.unproven.map(({ epoch }) => epoch);
  return { ...settled(state, epochs), lostAt, edit: state.edit + 1 };
}
