import { createHmac, timingSafeEqual } from 'node:crypto';
import { cookieSays } from './cookie.ts';
import type { SourceAnswer } from './source.ts';

/**
 * The value of a signed cookie, `s:VALUE.SIGNATURE`, as express-session and cookie-parser write it (HMAC-SHA256 in base64
 * without its =). A signature that none of the secrets makes is unreadable.
 */
export function signedCookieSays(headers: readonly string[], name: string, secrets: readonly string[]): SourceAnswer {
  const said = cookieSays(headers, name);
  if (!said || !('user' in said)) return said;
  const unreadable = { unreadable: `the signature of the cookie ${name} is not good` };
  const dot = said.user.lastIndexOf('.');
  if (!said.user.startsWith('s:') || dot < 0) return unreadable;
  const value = said.user.slice(2, dot);
  const given = Buffer.from(said.user.slice(dot + 1));
  const good = secrets.some((secret) => {
    const made = Buffer.from(createHmac('sha256', secret).update(value).digest('base64').replace(/=+$/, ''));
    return made.length === given.length && timingSafeEqual(made, given);
  });
  return good ? { user: value } : unreadable;
}
