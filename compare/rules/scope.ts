/** Where a rule counts; everywhere if it says nothing. */
export interface ScopedTo {
  /** `GET /orders/*`: a method or ANY, and a path in which `*` is one segment and a final `**` any number. */
  readonly routes?: readonly string[];
  /** Statuses of the old reply: `404`, or `"4xx"` for the whole class. */
  readonly statuses?: readonly (number | string)[];
}

/** What was asked, as far as it is known; a rule with a scope excuses nothing where it is not. */
export interface Asked {
  readonly method?: string;
  /** Decoded; a query is not looked at. */
  readonly path?: string;
}

const ROUTE = /^(ANY|GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (\/\S*)$/;
const STATUS = /^[1-5]xx$/;

/** True if the scope takes in this request and the old side's status. */
export function inScope({ routes, statuses }: ScopedTo, { method, path }: Asked, status: number): boolean {
  if (statuses && !statuses.some((wanted) => wanted === status || wanted === `${Math.floor(status / 100)}xx`))
    return false;
  if (!routes) return true;
  return method !== undefined && path !== undefined && routes.some((route) => routeTakes(route, method, path));
}

/** HEAD takes the routes of GET; case and one final slash do not matter, as in Express. */
function routeTakes(route: string, method: string, path: string): boolean {
  const [, wanted, pattern] = ROUTE.exec(route)!;
  if (wanted !== 'ANY' && wanted !== method && !(wanted === 'GET' && method === 'HEAD')) return false;
  const [expected, given] = [segmentsOf(pattern!), segmentsOf(path.replace(/[?#].*$/s, ''))];
  const rest = expected.at(-1) === '**';
  if (rest) expected.pop();
  if (rest ? given.length < expected.length : given.length !== expected.length) return false;
  return expected.every((segment, at) => segment === '*' || segment === given[at]);
}

const segmentsOf = (path: string) => path.toLowerCase().replace(/\/$/, '').split('/').slice(1);

/** What is wrong with a rule's `routes` and `statuses`. */
export function scopeMistakes({ routes, statuses }: Readonly<Record<string, unknown>>): string[] {
  const mistakes: string[] = [];
  if (routes !== undefined && !isListOf(routes, isRoute))
    mistakes.push('routes must be a list such as ["GET /orders/*"]');
  if (statuses !== undefined && !isListOf(statuses, isStatus))
    mistakes.push('statuses must be a list such as [404, "5xx"]');
  return mistakes;
}

const isListOf = (value: unknown, isOne: (one: unknown) => boolean) =>
  Array.isArray(value) && value.length > 0 && value.every(isOne);
const isStatus = (value: unknown) =>
  typeof value === 'string'
    ? STATUS.test(value)
    : Number.isInteger(value) && (value as number) >= 100 && (value as number) < 600;

/** True for what may stand in `routes`. */
export function isRoute(value: unknown): boolean {
  const path = typeof value === 'string' ? ROUTE.exec(value)?.[2] : undefined;
  if (path === undefined) return false;
  const segments = segmentsOf(path);
  return segments.every(
    (segment, at) => !segment.includes('*') || segment === '*' || (segment === '**' && at === segments.length - 1),
  );
}
