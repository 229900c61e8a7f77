/** One route of a capability: `METHOD /path`, where `*` is one path segment and a final `**` any number, none included. */
export type Route = { readonly method: string; readonly segments: readonly string[]; readonly rest: boolean };

const METHODS = ['ANY', 'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Reads `ANY /api/orders/**`. Throws an Error saying what is wrong with the pattern. */
export function parseRoute(pattern: string): Route {
  const [method, path, ...more] = pattern.split(' ');
  if (!method || !METHODS.includes(method)) throw new Error(`starts with one of ${METHODS.join(', ')}`);
  if (!path?.startsWith('/') || more.length) throw new Error('has one path that begins with / after the method');
  const segments = path.slice(1).split('/');
  const rest = segments.at(-1) === '**';
  if (rest) segments.pop();
  if (segments.some((segment) => segment.includes('*') && segment !== '*')) {
    throw new Error('uses * only for a whole segment and ** only at the end');
  }
  if (/[?#]/.test(path)) throw new Error('is about the path alone, without ? and #');
  if (/%[0-9a-f]{2}/i.test(path)) throw new Error('has its path decoded, without %');
  if (
    segments.some((segment) => segment === '.' || segment === '..') ||
    (segments.length > 1 && segments.includes(''))
  ) {
    throw new Error('has neither empty segments nor . or .. in its path, nor a slash at its end');
  }
  return { method, segments: segments.map((segment) => segment.toLowerCase()), rest };
}

/** True if every request that takes `narrow` takes `wide`, too. */
export function covers(wide: Route, narrow: Route): boolean {
  if (wide.method !== 'ANY' && wide.method !== narrow.method && !(wide.method === 'GET' && narrow.method === 'HEAD')) {
    return false;
  }
  const [own, theirs] = [wide.segments.length, narrow.segments.length];
  if (wide.rest ? theirs < own : narrow.rest || theirs !== own) return false;
  return wide.segments.every((segment, at) => segment === '*' || segment === narrow.segments[at]);
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
  return route.segments.every((segment, at) => segment === '*' || segment === segments[at]);
}
