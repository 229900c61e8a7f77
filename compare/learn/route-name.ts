/** Segments that name one thing of many: numbers, UUIDs, long hexadecimal or mixed ids, slugs that end in a number. */
const IDS =
  /^(\d+|[a-z0-9]+(?:-[a-z0-9]+)*-\d+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{16,}|(?=.*\d)[\w-]{20,})$/i;

/** The endpoint a request is counted under: `GET /orders/{id}` for `/orders/17?page=2`. */
export function routeName(method: string, path: string): string {
  const segments = path.replace(/[?#].*$/s, '').split('/');
  return `${method} ${segments.map((segment) => (IDS.test(segment) ? '{id}' : segment)).join('/')}`;
}
