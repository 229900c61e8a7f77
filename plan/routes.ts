/**
 * One route of a capability: `METHOD /path`, in which `:name` and `*` are one path segment and a final `**` any number,
 * none included. `segments`: literal ones in lower case, the others as they are written.
 */
export type Route = {
  readonly method: string;
  readonly segments: readonly string[];
  readonly rest: boolean;
  /** As the Plan says it, without the method. */
  readonly path: string;
};

const METHODS = ['ANY', 'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const PARAMETER = /^:[A-Za-z_]\w*$/;

const isVariable = (segment: string): boolean => segment === '*' || segment.startsWith(':');

/** Reads `ANY /api/orders/:id/**`. Throws an Error saying what is wrong with the pattern. */
export function parseRoute(pattern: string): Route {
  const [method, path, ...more] = pattern.split(' ');
  if (!method || !METHODS.includes(method)) throw new Error(`starts with one of ${METHODS.join(', ')}`);
  if (!path?.startsWith('/') || more.length) throw new Error('has one path that begins with / after the method');
  const segments = path.slice(1).split('/');
  const rest = segments.at(-1) === '**';
  if (rest) segments.pop();
  for (const segment of segments) checkSegment(segment);
  if (/[?#]/.test(path)) throw new Error('is about the path alone, without ? and #');
  if (/%[0-9a-f]{2}/i.test(path)) throw new Error('has its path decoded, without %');
  if (
    segments.some((segment) => segment === '.' || segment === '..') ||
    (segments.length > 1 && segments.includes(''))
  ) {
    throw new Error('has neither empty segments nor . or .. in its path, nor a slash at its end');
  }
  const names = segments.filter((segment) => segment.startsWith(':'));
  if (new Set(names).size < names.length) throw new Error('names each parameter once');
  return {
    method,
    segments: segments.map((segment) => (isVariable(segment) ? segment : segment.toLowerCase())),
    rest,
    path,
  };
}

/** What of Express’s patterns is one whole segment is understood; what else they can say must be said otherwise. */
function checkSegment(segment: string): void {
  if (segment === '*' || PARAMETER.test(segment)) return;
  if (segment.includes('*')) throw new Error('uses * only for a whole segment and ** only at the end');
  const name = /^[{:]+(\w+)/.exec(segment)?.[1];
  if (/[:{}()\\]/.test(segment)) {
    throw new Error(
      `has a parameter as one whole segment, :${name ?? 'name'}, without conditions: ${segment} would match nothing. ` +
        'What may be missing is a second route, or ** at the end',
    );
  }
}

/** True if every request that takes `narrow` takes `wide`, too. */
export function covers(wide: Route, narrow: Route): boolean {
  if (wide.method !== 'ANY' && wide.method !== narrow.method && !(wide.method === 'GET' && narrow.method === 'HEAD')) {
    return false;
  }
  const [own, theirs] = [wide.segments.length, narrow.segments.length];
  if (wide.rest ? theirs < own : narrow.rest || theirs !== own) return false;
  return wide.segments.every((segment, at) => isVariable(segment) || segment === narrow.segments[at]);
}

/**
 * True if a request of this method to this decoded path (no query) takes the route. HEAD takes the routes of GET;
 * case and one final slash do not matter, as in Express.
 */
export function routeMatches(route: Route, method: string, path: string): boolean {
  if (route.method !== 'ANY' && route.method !== method && !(route.method === 'GET' && method === 'HEAD')) return false;
  const segments = path.slice(1).toLowerCase().split('/');
  if (segments.at(-1) === '' && segments.length > 1) segments.pop();
  if (route.rest ? segments.length < route.segments.length : segments.length !== route.segments.length) return false;
  return route.segments.every((segment, at) => isVariable(segment) || segment === segments[at]);
}

/** What the parameters of a route are in a decoded path that takes it: name → value, as it is spelt there. */
export function parametersIn({ segments }: Route, path: string): ReadonlyMap<string, string> {
  const given = path.slice(1).split('/');
  return new Map(
    segments.flatMap((segment, at) => (segment.startsWith(':') ? [[segment.slice(1), given[at]!] as const] : [])),
  );
}
