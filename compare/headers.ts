import type { JsonObject } from './json.ts';
import type { Reply } from './reply.ts';

const asIs = (values: readonly string[]) => values.join(', ');
const lowerCaseList = (values: readonly string[]) =>
  asIs(values)
    .toLowerCase()
    .split(',')
    .map((part) => part.trim())
    .sort()
    .join(', ');

/**
 * The headers clients rely on, and what of each counts. Everything else is never compared: what changes from reply to
 * reply (date, etag, x-request-id …), what belongs to one connection, and what follows from the body (content-length).
 */
const CONTRACTUAL: Readonly<Record<string, (values: readonly string[]) => string>> = {
  'content-type': (values) => (values[0] ?? '').split(';')[0]!.trim().toLowerCase(), // the body is decoded by its charset
  'content-language': lowerCaseList,
  'content-disposition': asIs,
  'content-range': asIs,
  location: asIs,
  link: asIs,
  allow: lowerCaseList,
  'cache-control': lowerCaseList,
  'www-authenticate': asIs,
  'retry-after': asIs,
  'set-cookie': (values) =>
    values
      .map((value) => value.split('=')[0]!.trim())
      .sort()
      .join(', '), // names only
  'access-control-allow-origin': asIs,
  'access-control-allow-credentials': asIs,
  'idempotent-replayed': asIs,
  'x-total-count': asIs,
};

/** The part of a reply's headers that is compared, by lower-case name. */
export function contractualHeaders(headers: Reply['headers']): JsonObject {
  const compared: Record<string, string> = {};
  for (const [name, read] of Object.entries(CONTRACTUAL)) {
    const values = headers[name];
    if (values) compared[name] = read(values);
  }
  return compared;
}
