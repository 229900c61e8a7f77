/** Segments that name one thing of many: numbers, UUIDs, long hexadecimal or otherwise random texts. */
const ID = /^(?:\d+|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{16,}|[\w~-]*\d[\w~-]{15,}|.{41,})$/i;
/** Most segments of a route that are told apart. */
const DEEPEST = 8;

/** What requests of one kind have in common: `GET /api/orders/*`. */
export function routeOf(method: string, target: string): string {
  const segments = target
    .replace(/[?#].*$/s, '')
    .split('/')
    .slice(1);
  const shown = segments.slice(0, DEEPEST).map((segment) => (ID.test(segment) ? '*' : segment));
  return `${method} /${[...shown, ...(segments.length > DEEPEST ? ['**'] : [])].join('/')}`;
}
