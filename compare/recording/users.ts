import type { Recorded } from './recording.ts';
import { tokenKey } from './tokens.ts';

/** Requests that say nothing about whose they are. */
export const NOBODY = 'nobody';

/**
 * Whose each request is, by position. A user is told by what the request says or by its credential; credentials that a
 * reply hands out to a user are that user's, and a login, which has none, belongs to whoever uses what it has yielded.
 */
export function usersOf(inOrder: readonly Recorded[]): ReadonlyMap<number, string> {
  const used = new Set(inOrder.flatMap(({ credential }) => (credential === undefined ? [] : [tokenKey(credential)])));
  const userWith = new Map<string, string>();
  for (const { user, credential } of inOrder) {
    if (user !== undefined && credential !== undefined) userWith.set(tokenKey(credential), user);
  }
  const users = new Map<number, string>();
  for (const { position, user, credential, yields } of inOrder) {
    const own = credential === undefined ? undefined : tokenKey(credential);
    const handedOut = yields.map(tokenKey).filter((token) => used.has(token));
    const key = own ?? handedOut[0];
    const whose = user ?? (key === undefined ? undefined : (userWith.get(key) ?? key)) ?? NOBODY;
    users.set(position, whose);
    if (whose === NOBODY) continue;
    for (const token of own === undefined ? handedOut : [own, ...handedOut]) {
      if (!userWith.has(token)) userWith.set(token, whose);
    }
  }
  return users;
}
