import { bucketOf } from '@strangler/plan';
import { ABSENT, type Identity } from './identity/identify.ts';
import { isDeclaredReadOnly, isWrite, type RoutedCapability, routeTaken } from './route.ts';
import type { Clean } from './sanitize.ts';

/** Whose request it is: of which capability, if of any, and of which user. */
export type RequestSubject = {
  readonly routed: RoutedCapability | undefined;
  /** Undefined if the request belongs to no capability, or names nobody. */
  readonly user: string | undefined;
  /** The user’s; 0 without one. */
  readonly bucket: number;
  /** Of a request of a capability: the user, or why there is none. */
  readonly identity: Identity;
};

const NOBODYS: RequestSubject = { routed: undefined, user: undefined, bucket: 0, identity: ABSENT };

/**
 * Says whose a request is, by its route and by what names its user; at once if nobody must be asked. Never rejects.
 * `isUpgrade`: it may write whatever its method says, unless its route is declared read-only.
 */
export function subjectOf(
  capabilities: readonly RoutedCapability[],
  { method, readings, headers, target }: Clean,
  isUpgrade: boolean,
): RequestSubject | Promise<RequestSubject> {
  const taken = routeTaken(capabilities, method, readings);
  if (!taken) return NOBODYS;
  const { routed, parameters } = taken;
  const writes = isUpgrade ? !isDeclaredReadOnly(routed, method, readings) : isWrite(routed, method, readings);
  const identity = routed.identify({ method, isWrite: writes, headers, target, parameters });
  const subject = (known: Identity): RequestSubject => {
    const user = 'user' in known ? known.user : undefined;
    return { routed, user, bucket: user === undefined ? 0 : bucketOf(routed.group, user), identity: known };
  };
  return identity instanceof Promise ? identity.then(subject) : subject(identity);
}
