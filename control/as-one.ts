import { BUCKETS, type Capability, type Side, whyNotAt } from '@strangler/plan';
import type { CapabilityState } from './state.ts';
import { isWanted } from './wanted.ts';

/*
 * What of a stored state is about users where the Plan says by now that it splits none (docs/how-it-works.md#what-splits-no-users),
 * and how it is undone where the Plan says again that it does.
 */

/**
 * The state to go on from under this Plan. Throws if it says `split: none` while somebody is, or is to be, elsewhere than
 * everybody: who only has a name, or steps that are over, is no reason.
 */
export function underPlan(name: string, capability: Capability, state: CapabilityState): CapabilityState {
  if (capability.split === 'users') return asUsers(state);
  const why = whyDivided(capability, state);
  if (why === undefined) return asOne(capability, state);
  const next =
    'say split: users again, bring everybody to one side, users moved by name too, and wait until nobody moves';
  throw new Error(`the Plan of ${name} says split: none, but its users were moved by themselves: ${why}; ${next}`);
}

/** Who is, or is to be, elsewhere than everybody; undefined if nobody is. */
function whyDivided(capability: Capability, state: CapabilityState): string | undefined {
  const { boundary, target, ramp, pins, desired, moving } = state;
  const isBetween = (at: number) => whyNotAt(capability, at) !== undefined;
  if (isBetween(boundary / 100)) return `${boundary / 100} % of them are on the service`;
  if (isBetween(target / 100)) return `they are to be at ${target / 100} %`;
  if (ramp.state === 'ramping' && ramp.steps.some(isBetween))
    return `a ramp to ${ramp.steps.join(', ')} % is under way`;
  const side: Side = boundary === BUCKETS ? 'service' : 'monolith';
  const isElsewhere = (user: string) =>
    desired[user] !== 'together' &&
    ((Object.hasOwn(pins, user) && pins[user] !== side) || (isWanted(desired[user]) && desired[user] !== side));
  const elsewhere = [...new Set([...Object.keys(pins), ...Object.keys(desired)])].filter(isElsewhere);
  if (elsewhere.length) return `${named(elsewhere)} not where all others are, on the ${side}, or not to be there`;
  if (!moving || isOfAll(state)) return undefined;
  return 'a handoff of some of them is under way';
}

/** True if the handoff under way is of everybody, or brings a name along. */
function isOfAll({ moving, desired }: CapabilityState): boolean {
  const { lo, hi, user } = moving!.subject;
  return user === undefined ? lo === 0 && hi === BUCKETS : desired[user] === 'together';
}

function named(users: readonly string[]): string {
  if (users.length === 1) return `user ${users[0]} is`;
  const more = users.length - 3;
  return `users ${users.slice(0, 3).join(', ')}${more > 0 ? ` and ${more} more` : ''} are`;
}

/** Names follow all others, because both logs know them for ever; and steps that were paused are over. */
function asOne(capability: Capability, state: CapabilityState): CapabilityState {
  const { ramp, pins } = state;
  const isOver = ramp.state === 'paused' && ramp.steps.some((step) => whyNotAt(capability, step) !== undefined);
  return {
    ...state,
    ramp: isOver ? { state: 'idle' } : ramp,
    desired: Object.fromEntries(Object.keys(pins).map((user) => [user, 'together'])),
  };
}

/** Names are those of users again. */
function asUsers(state: CapabilityState): CapabilityState {
  const where = Object.entries(state.desired).map(([user, one]) => [user, one === 'together' ? 'bucket' : one]);
  return { ...state, desired: Object.fromEntries(where) };
}
