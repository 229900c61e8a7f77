import {
  type Capability,
  groupOf,
  type Plan,
  parametersIn,
  parseRoute,
  type Route,
  routeMatches,
} from '@strangler/plan';
import { compileSource } from './identity/compile.ts';
import { type Identify, identifyBy } from './identity/identify.ts';
import type { Places } from './identity/places.ts';

/** A capability that has routes, compiled for the path of a request. */
export type RoutedCapability = {
  readonly name: string;
  readonly group: string;
  /** Its requests are of different users; else they are all everybody’s. */
  readonly splits: boolean;
  readonly routes: readonly Route[];
  readonly readOnly: readonly Route[];
  readonly identify: Identify;
  /** What becomes of a request that names nobody. */
  readonly anonymous: NonNullable<Capability['anonymous']>;
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

/** The capabilities of the Plan that requests can belong to; `places`: where it is asked whose they are. */
export function routedCapabilities(plan: Plan, places: Places): RoutedCapability[] {
  return Object.entries(plan.capabilities)
    .filter(([, { routes }]) => routes.length > 0)
    .map(
      ([
        name,
        { split, routes, readOnly, user, userType, anonymous, service, handoff, confirmed, compare, tables },
      ]) => ({
        name,
        group: groupOf(plan, name),
        splits: split === 'users',
        routes: routes.map(parseRoute),
        readOnly: readOnly.map(parseRoute),
        identify: identifyBy(
          user!.map((source) => compileSource(source, { capability: name, plan, places })),
          userType,
        ),
        anonymous: anonymous!,
        service: new URL(service.url!),
        rewrite: Object.entries(service.rewrite).map(([from, to]) => [new RegExp(from, 'i'), to] as const),
        handoff,
        confirmed,
        compare,
        afterWrite: Object.entries(compare.afterWrite).map(([route, reads]) => [parseRoute(route), reads] as const),
        synced: Object.keys(tables).length > 0,
      }),
    );
}

/** The route a request takes. */
export type RouteTaken = {
  readonly routed: RoutedCapability;
  readonly route: Route;
  /** Undefined if the readings of the path differ in them. */
  readonly parameters: ReadonlyMap<string, string> | undefined;
};

/** The first route that any reading of a request’s path takes; undefined: none, it is the monolith’s. */
export function routeTaken(
  capabilities: readonly RoutedCapability[],
  method: string,
  readings: readonly string[],
): RouteTaken | undefined {
  for (const routed of capabilities) {
    for (const route of routed.routes) {
      const taking = readings.filter((reading) => routeMatches(route, method, reading));
      if (taking.length) return { routed, route, parameters: agreed(taking.map((path) => parametersIn(route, path))) };
    }
  }
  return undefined;
}

/** A slash that was spelt %2F is within a segment (readingsOf marks it). */
const asSpelt = (value: string): string => value.replaceAll('\0', '/');

function agreed(readings: readonly ReadonlyMap<string, string>[]): ReadonlyMap<string, string> | undefined {
  const [first] = readings;
  const differs = (name: string) => readings.some((other) => other.get(name) !== first!.get(name));
  const names = [...first!.keys()];
  return names.some(differs) ? undefined : new Map(names.map((name) => [name, asSpelt(first!.get(name)!)]));
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
