import { isMoving, type Side, type Snapshot, sideOf } from '@strangler/plan';

/** What to do with a request of a capability: the side that gets it, wait for a handoff, or nobody knows the owner. */
export type Decision = Side | 'hold' | 'unknown';

/** Decides on one immutable snapshot. A request that names no user is the monolith’s. */
export function decide(
  snapshot: Snapshot | undefined,
  capability: string,
  user: string | undefined,
  bucket: number,
  write: boolean,
): Decision {
  const ownership = snapshot?.capabilities[capability];
  if (ownership === undefined) return 'unknown';
  if (user === undefined) return 'monolith';
  if (write && isMoving(ownership, ownership.moving, user, bucket)) return 'hold';
  return sideOf(ownership, user, bucket);
}
