import { blockedUsers, disputedAggregates, type Session } from '@strangler/ledger';
import type { OwnedChange } from './prepare.ts';

/** What of a stream waits for a person. */
export type Blocked = {
  /** Users whose rows are kept because an earlier one could not be applied. */
  readonly users: ReadonlySet<string>;
  /** Aggregates that a source gave to a user of its own although they were not its to give: what it writes to them is late. */
  readonly disputed: ReadonlySet<string>;
};

/** Nothing waits. */
export const NOTHING_BLOCKED: Blocked = { users: new Set(), disputed: new Set() };

export const isAnythingBlocked = ({ users, disputed }: Blocked): boolean => users.size > 0 || disputed.size > 0;

/** What waits of a stream, as its target has it. */
export async function readBlocked(session: Session, stream: string): Promise<Blocked> {
  return {
    users: new Set(await blockedUsers(session, stream)),
    disputed: new Set(await disputedAggregates(session, stream)),
  };
}

/**
 * Tells those of these changes apart that must wait because their users are blocked, in their order: whoever gets a row that
 * waits, waits from then on, too: `users` are these.
 */
export function tellBehind<T extends { readonly change: OwnedChange }>(
  all: readonly T[],
  blocked: ReadonlySet<string>,
): { readonly behind: readonly T[]; readonly free: readonly T[]; readonly users: readonly string[] } {
  const users = new Set<string>();
  const waits = (one: string) => blocked.has(one) || users.has(one);
  const [behind, free]: [T[], T[]] = [[], []];
  for (const one of all) {
    const { user, beside } = one.change;
    const isBehind = (user !== null && waits(user)) || (beside !== undefined && waits(beside));
    (isBehind ? behind : free).push(one);
    if (isBehind && user) users.add(user);
  }
  return { behind, free, users: [...users] };
}
