import type { Capability } from '@strangler/plan';

/** Reads whose request this is from its headers (names and values in turn); undefined if it does not say. */
export type ReadUser = (headers: readonly string[]) => string | undefined;

/** Longest token or cookie we look into, in characters. */
const LONGEST = 8_192;
/** Longest user, in characters. */
const LONGEST_USER = 256;

const present = (user: string | undefined): string | undefined =>
  user !== undefined && user.length > 0 && user.length <= LONGEST_USER ? user : undefined;

/** The value of a header that stands there exactly once and is not oversized; `name` is lower case. */
function only(headers: readonly string[], name: string): string | undefined {
  let found: string | undefined;
  for (let at = 0; at < headers.length; at += 2) {
    const one = headers[at]!;
    if (one.length !== name.length || one.toLowerCase() !== name) continue;
    if (found !== undefined) return undefined;
    found = headers[at + 1]!;
  }
  return found !== undefined && found.length <= LONGEST ? found : undefined;
}

/** A claim of the bearer token. It is not verified: the upstream does, and a forged one only picks who refuses it. */
function fromJwt(claim: string): ReadUser {
  return (headers) => {
    const token = only(headers, 'authorization');
    if (token === undefined || !/^bearer /i.test(token)) return undefined;
    const [, payload, signature] = token.slice(7).trim().split('.');
    if (!payload || signature === undefined) return undefined;
    try {
      const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString());
      if (claims === null || typeof claims !== 'object' || !Object.hasOwn(claims, claim)) return undefined;
      const user = (claims as Record<string, unknown>)[claim];
      return typeof user === 'string' || Number.isSafeInteger(user) ? present(String(user)) : undefined;
    } catch {
      return undefined;
    }
  };
}

function fromHeader(name: string): ReadUser {
  const lower = name.toLowerCase();
  return (headers) => present(only(headers, lower)?.trim());
}

function fromCookie(name: string): ReadUser {
  return (headers) => {
    let found: string | undefined;
    for (const pair of only(headers, 'cookie')?.split(';') ?? []) {
      const equals = pair.indexOf('=');
      if (equals < 0 || pair.slice(0, equals).trim() !== name) continue;
      if (found !== undefined) return undefined;
      found = pair.slice(equals + 1).trim();
    }
    try {
      return present(found === undefined ? undefined : decodeURIComponent(found.replace(/^"(.*)"$/, '$1')));
    } catch {
      return undefined;
    }
  };
}

/** Compiles where the Plan says a request names its user. */
export function readUserFrom(user: NonNullable<Capability['user']>): ReadUser {
  if ('jwt' in user) return fromJwt(user.jwt);
  return 'header' in user ? fromHeader(user.header) : fromCookie(user.cookie);
}
