import { afterHandoff, type Side } from '@strangler/plan';
import { settled } from './handoff-state.ts';
import type { RampTransition } from './ramp.ts';
import type { CapabilityState, Wish } from './state.ts';

/*
 * What somebody wants of a capability, as changes of the stored state. Each grows `edit`, the number two operators race
 * for. Nobody is moved by them: that is what the reconciler does about it.
 */

/** What may not happen now, and why. */
export class Refusal extends Error {}

/** Throws Refusal if the asker has `seen` another edit. */
export function checkSeen({ edit }: CapabilityState, seen: number | undefined): void {
  if (seen !== undefined && seen !== edit) throw new Refusal(`somebody else was faster: the version is now "${edit}"`);
}

/** True of a wish that an operator has expressed. */
export const isWanted = (wish: Wish | undefined): boolean => wish === 'monolith' || wish === 'service';

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
  const back = Object.entries(state.wishes).map(([user, wish]) => [
    ...[user, wish === 'service' ? 'monolith' : wish === 'behind' ? 'bucket' : wish],
  ]);
  const wishes = event === 'rollback' ? Object.fromEntries(back) : state.wishes;
  return { ...state, ...wanted, wishes, flag, edit: state.edit + 1 };
}

/** A user pinned to a side, or not any more (null). Throws Refusal. */
export function pinned(state: CapabilityState, user: string, side: Side | null): CapabilityState {
  if (side === null && !isWanted(state.wishes[user])) throw new Refusal(`${user} is not pinned`);
  if (side === 'service' && state.ramp.state === 'rolling-back') throw new Refusal('users are on their way back');
  return { ...state, wishes: { ...state.wishes, [user]: side ?? 'bucket' }, edit: state.edit + 1 };
}

/** The service’s database given up at `lostAt`: nothing is unproven any more. Throws Refusal. */
export function givenUp(state: CapabilityState, lostAt: string): CapabilityState {
  if (!state.unproven.length) throw new Refusal('nothing is unproven: there is nothing to give up');
  if (state.phase !== 'idle') throw new Refusal('a handoff is under way; try again when it has ended');
  const epochs = state.unproven.map(({ epoch }) => epoch);
  return { ...settled(state, epochs), lostAt, edit: state.edit + 1 };
}
