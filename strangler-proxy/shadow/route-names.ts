import { OTHER_ROUTES, routeName } from '@strangler/compare';
import { readingsOf } from '../path.ts';
import { type RoutedCapability, routeTaken } from '../route.ts';

/** Names of one capability: a label of metrics, and a line of a gate, for each. */
const MOST_NAMES = 100;

/**
 * The endpoint a request is counted under: `GET /articles/{slug}/comments` by the Plan’s `/articles/:slug/comments`, and by
 * what looks like an id where the Plan names nothing. No capability has more than 100; the rest is one.
 */
export class RouteNames {
  readonly #known = new Map<string, Set<string>>();

  /** Of a request that takes a route of this capability, or of none. */
  nameOf(routed: RoutedCapability | undefined, target: string, method = 'GET'): string {
    const capability = routed?.name ?? '';
    const known = this.#known.get(capability) ?? new Set();
    this.#known.set(capability, known);
    const path = target.replace(/[?#].*$/s, '');
    const name = routeName(method, routed ? patternOf(routed, method, path) : path);
    if (!known.has(name) && known.size >= MOST_NAMES) return OTHER_ROUTES;
    known.add(name);
    return name;
  }
}

/** A read after a write may have been filled in with something that is no path. */
function readings(path: string): readonly string[] {
  try {
    return readingsOf(path);
  } catch {
    return [];
  }
}

/** The path with the Plan’s parameters in place of what they are. */
function patternOf(routed: RoutedCapability, method: string, path: string): string {
  const taken = routeTaken([routed], method, readings(path));
  if (!taken) return path;
  const segments = path.split('/');
  for (const [at, segment] of taken.route.segments.entries()) {
    if (segment.startsWith(':')) segments[at + 1] = `{${segment.slice(1)}}`;
  }
  return segments.join('/');
}
