import { bucketOf } from '@strangler/plan';
import { capabilityOf, type RoutedCapability } from './route.ts';
import type { Clean } from './sanitize.ts';

/** Whose request it is: of which capability, if of any, and of which user. */
export type RequestSubject = {
  readonly routed: RoutedCapability | undefined;
  /** Undefined if the request belongs to no capability, or names nobody. */
  readonly user: string | undefined;
  /** The user’s; 0 without one. */
  readonly bucket: number;
};

/** Says whose a request is, by its route and by what names its user. */
export function subjectOf(
  capabilities: readonly RoutedCapability[],
  { method, readings, headers }: Clean,
): RequestSubject {
  const routed = capabilityOf(capabilities, method, readings);
  const user = routed?.userOf(headers);
  return { routed, user, bucket: routed && user !== undefined ? bucketOf(routed.group, user) : 0 };
}
