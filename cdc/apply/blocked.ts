import { blockedUsers, disputedAggregates, type Session } from '@strangler/ledger';

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
