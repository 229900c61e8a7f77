/** Where a request says whose it is. */
export type UserFrom = { readonly jwt: string } | { readonly header: string } | { readonly cookie: string };

type RequestHeaders = Readonly<Record<string, readonly string[]>>;

/** Reads `jwt:sub`, `header:x-user-id` or `cookie:sid`; undefined for anything else. */
export function readUserFrom(text: string): UserFrom | undefined {
  const [, kind, name] = /^(jwt|header|cookie):(.+)$/.exec(text) ?? [];
  if (kind === 'jwt') return { jwt: name! };
  if (kind === 'header') return { header: name!.toLowerCase() };
  return kind === 'cookie' ? { cookie: name! } : undefined;
}

/** The user a request names by itself; by default the `sub` of its JWT. Nothing is verified: this is for telling apart. */
export function userOf(headers: RequestHeaders, from: UserFrom = { jwt: 'sub' }): string | undefined {
  if ('header' in from) return headers[from.header]?.[0];
  if ('cookie' in from) return cookiesOf(headers).find(([name]) => name === from.cookie)?.[1];
  const claim = claimsOf(credentialIn(headers.authorization?.[0]) ?? '')?.[from.jwt];
  return typeof claim === 'string' || typeof claim === 'number' ? String(claim) : undefined;
}

/** What the request proves its user by: a token, or the cookie of a session. */
export function credentialOf(headers: RequestHeaders): string | undefined {
  const given = credentialIn(headers.authorization?.[0]) ?? headers['x-api-key']?.[0] ?? headers['x-auth-token']?.[0];
  return given ?? cookiesOf(headers).find(([name]) => isSessionCookie(name))?.[1];
}

/** `Bearer abc` without its scheme. */
export const credentialIn = (authorization: string | undefined): string | undefined =>
  authorization?.replace(/^[A-Za-z][\w-]*\s+/, '');

export const isSessionCookie = (name: string) => /sess|sid$|auth|token|jwt|login|remember/i.test(name);

/** Names and values of the cookies a request sends. */
export const cookiesOf = (headers: RequestHeaders): readonly (readonly [name: string, value: string])[] =>
  (headers.cookie ?? []).flatMap((line) =>
    line
      .split(';')
      .map((pair) => pair.trim())
      .filter(Boolean)
      .map(cookiePair),
  );

/** `sid=1` or `sid=1; Path=/` as name and value. */
export function cookiePair(text: string): readonly [name: string, value: string] {
  const [pair = ''] = text.split(';');
  const at = pair.indexOf('=');
  return at < 0 ? ['', pair.trim()] : [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
}

function claimsOf(token: string): Record<string, unknown> | undefined {
  const [, payload] = token.split('.');
  if (payload === undefined) return undefined;
  try {
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
    return typeof claims === 'object' && claims !== null ? claims : undefined;
  } catch {
    return undefined;
  }
}
