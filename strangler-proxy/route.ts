import { type Capability, groupOf, type Plan, parseRoute, type Route, routeMatches } from '@strangler/plan';
import { type ReadUser, readUserFrom } from './user.ts';

/** A capability that has routes, compiled for the path of a request. */
export type RoutedCapability = {
  readonly name: string;
  readonly group: string;
  readonly routes: readonly Route[];
  readonly readOnly: readonly Route[];
  readonly userOf: ReadUser;
  readonly service: URL;
  readonly rewrite: readonly (readonly [RegExp, string])[];
  readonly handoff: Capability['handoff'];
  readonly confirmed: boolean;
  readonly compare: Capability['compare'];
  /** After a write of such a route, these reads are compared. */
  readonly afterWrite: readonly (readonly [Route, readonly string[]])[];
  /** Tables move with it: what was written takes a while to be on the other side. */
  readonly synced: boolean;
};

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

const meets = (routes: readonly Route[], method: string, readings: readonly string[]): boolean => {
  for (const route of routes) {
    for (const reading of readings) if (routeMatches(route, method, reading)) return true;
  }
  return false;
};

/** The capabilities of the Plan that requests can belong to. */
export function routedCapabilities(plan: Plan): RoutedCapability[] {
  return Object.entries(plan.capabilities)
    .filter(([, { routes }]) => routes.length > 0)
    .map(([name, { routes, readOnly, user, service, handoff, confirmed, compare, tables }]) => ({
      name,
      group: groupOf(plan, name),
      routes: routes.map(parseRoute),
      readOnly: readOnly.map(parseRoute),
      userOf: readUserFrom(user!),
      service: new URL(service.url!),
      rewrite: Object.entries(service.rewrite).map(([from, to]) => [new RegExp(from, 'i'), to] as const),
      handoff,
      confirmed,
      compare,
      afterWrite: Object.entries(compare.afterWrite).map(([route, reads]) => [parseRoute(route), reads] as const),
      synced: Object.keys(tables).length > 0,
    }));
}

/** The capability a request belongs to; undefined: none, it is the monolith’s. */
export function capabilityOf(
  capabilities: readonly RoutedCapability[],
  method: string,
  readings: readonly string[],
): RoutedCapability | undefined {
  for (const one of capabilities) if (meets(one.routes, method, readings)) return one;
  return undefined;
}

/** The reads to compare after a write. */
export const readsAfter = ({ afterWrite }: RoutedCapability, method: string, readings: readonly string[]) =>
  afterWrite.filter(([route]) => meets([route], method, readings)).flatMap(([, reads]) => reads);

/** True if the Plan says that this request writes nothing although it could. */
export const isDeclaredReadOnly = (
  { readOnly }: RoutedCapability,
  method: string,
  readings: readonly string[],
): boolean => readOnly.length > 0 && meets(readOnly, method, readings);

/** True if the request may write. */
export const isWrite = (
  capability: RoutedCapability | undefined,
  method: string,
  readings: readonly string[],
): boolean => !SAFE.has(method) && !(capability && isDeclaredReadOnly(capability, method, readings));

/** The target as the service knows it: its path rewritten, its query untouched. */
export function rewritten(rewrite: RoutedCapability['rewrite'], target: string): string {
  if (rewrite.length === 0) return target;
  const mark = target.indexOf('?');
  let path = mark < 0 ? target : target.slice(0, mark);
  for (const [from, to] of rewrite) path = path.replace(from, to);
  if (!path.startsWith('/')) path = `/${path}`;
  return mark < 0 ? path : path + target.slice(mark);
}
