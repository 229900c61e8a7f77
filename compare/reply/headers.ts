import type { JsonObject } from './json.ts';
import type { Reply } from './reply.ts';

type Read = (values: readonly string[]) => string;

const asIs: Read = (values) => values.join(', ');
const lowerCaseList: Read = (values) =>
  asIs(values)
    .toLowerCase()
    .split(',')
    .map((part) => part.trim())
    .sort()
    .join(', ');
/** Of a cookie its name and what guards it; value, path and lifetime are each side's own. */
const cookieContract = (value: string) => {
  const [pair = '', ...attributes] = value.split(';').map((part) => part.trim());
  const guards = attributes
    .map((attribute) => attribute.toLowerCase())
    .filter((one) => /^(httponly|secure|samesite=)/.test(one));
  return [pair.split('=')[0]!.trim(), ...guards.sort()].join('; ');
};
/** Differs from reply to reply, but clients rely on its being there. */
const presence: Read = () => 'present';

/**
 * The headers clients rely on, and what of each counts. Everything else is compared only if one asks for it: what
 * changes from reply to reply (date, x-request-id …), what belongs to one connection, and what follows from the body
 * (content-length).
 */
const CONTRACTUAL: Readonly<Record<string, Read>> = {
  'content-type': (values) => (values[0] ?? '').split(';')[0]!.trim().toLowerCase(), // the body is decoded by its charset
  'content-language': lowerCaseList,
  'content-disposition': asIs,
  'content-range': asIs,
  location: asIs,
  link: asIs,
  allow: lowerCaseList,
  'cache-control': lowerCaseList,
  etag: presence,
  'last-modified': presence,
  'www-authenticate': asIs,
  'retry-after': asIs,
  'set-cookie': (values) => values.map(cookieContract).sort().join(', '),
  'access-control-allow-origin': asIs,
  'access-control-allow-credentials': asIs,
  'idempotent-replayed': asIs,
  'x-total-count': asIs,
};

const CONTRACTUAL_NAMES = Object.keys(CONTRACTUAL);

/** The part of a reply's headers that is compared, by lower-case name; `more` names others whose whole value counts. */
export function contractualHeaders(headers: Reply['headers'], more: readonly string[] = []): JsonObject {
  const compared: Record<string, string> = {};
  for (const name of CONTRACTUAL_NAMES) {
    const values = headers[name];
    if (values) compared[name] = CONTRACTUAL[name]!(values);
  }
  for (const name of more.map((one) => one.toLowerCase())) {
    const values = headers[name];
    if (values) compared[name] ??= asIs(values);
  }
  return compared;
}
