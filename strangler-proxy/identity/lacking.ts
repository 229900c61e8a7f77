import { RefusedRequest } from '../answer.ts';
import type { RequestSubject } from '../subject.ts';

/** True if a request is somebody’s, whether it is known whose or not. */
export const isSomebodys = ({ identity }: RequestSubject): boolean => 'user' in identity || identity.lack !== 'absent';

/**
 * Why a request of a capability that has no user is refused; undefined: it goes to the monolith. Nothing is while
 * everybody is there (`isSplit` says no): then it is the monolith’s, whoever’s it is, and answers as it always has.
 */
export function refusalOf(
  { routed, identity }: RequestSubject,
  isWrite: boolean,
  isSplit: () => boolean,
): RefusedRequest | undefined {
  if (!routed || 'user' in identity || !isSplit()) return undefined;
  const { lack, why } = identity;
  if (lack === 'unknown') return new RefusedRequest('user-unknown', `whose it is cannot be found out just now: ${why}`);
  if (lack === 'unreadable' && isWrite)
    return new RefusedRequest('user-unreadable', `whose write it is cannot be read: ${why}`);
  if (lack === 'absent' && routed.anonymous === 'refuse') return new RefusedRequest('user-missing', why);
  return undefined;
}
