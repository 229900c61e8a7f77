import { createPublicKey, type KeyObject } from 'node:crypto';
import type { UserSource } from '@strangler/plan';
import { compactVerify, createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import { claimIn } from './claim.ts';
import { cookieSays } from './cookie.ts';
import { headerSays, type Identifiable, type IdentitySource, LONGEST, type SourceAnswer } from './source.ts';

type Settings = Extract<UserSource, { jwt: unknown }>['jwt'];

const HMAC = ['HS256', 'HS384', 'HS512'];

/** A claim of a token. Whether it has expired is for the sides to say: a user whose token has is still that user. */
export function jwtSource({ claim, verify, ...place }: Settings): IdentitySource {
  const [keys, names] = [keysOf(verify), [claim].flat()];
  return (asked) => {
    const token = tokenOf(asked, place);
    if (!token || !('user' in token)) return token;
    const [, payload, signature] = token.user.split('.');
    if (!payload || signature === undefined) return { unreadable: 'the token is no JSON Web Token' };
    if (!keys) return said(Buffer.from(payload, 'base64url').toString(), names);
    return verified(token.user, keys).then((good) => (good && 'user' in good ? said(good.user, names) : good));
  };
}

/** The token where it is said to be; of Authorization only one of the scheme that is meant. */
function tokenOf(
  { headers, target }: Identifiable,
  { header, cookie, query, scheme = 'Bearer' }: Partial<Settings>,
): SourceAnswer {
  if (cookie !== undefined) return cookieSays(headers, cookie);
  if (query !== undefined) return inQuery(target, query);
  if (header !== undefined) return headerSays(headers, header.toLowerCase());
  const said = headerSays(headers, 'authorization');
  if (!said || !('user' in said)) return said;
  const [word, ...rest] = said.user.split(/\s+/); // as monoliths do: a tab is one, too
  return word!.toLowerCase() === scheme.toLowerCase() ? { user: rest.join(' ').trim() } : undefined;
}

function inQuery(target: string, name: string): SourceAnswer {
  const mark = target.indexOf('?');
  const values = mark < 0 ? [] : new URLSearchParams(target.slice(mark + 1)).getAll(name);
  if (values.length > 1) return { unreadable: `the query parameter ${name} is there ${values.length} times` };
  const [value] = values;
  if (value !== undefined && value.length > LONGEST) return { unreadable: `the query parameter ${name} is too long` };
  return value === undefined ? undefined : { user: value };
}

/** What a claim says. */
function said(claims: string, names: readonly string[]): SourceAnswer {
  const found = claimIn(claims, names);
  if ('text' in found) return { user: found.text };
  if (found.lacks === 'JSON') return { unreadable: 'the token’s claims are no JSON' };
  return { unreadable: `the token has no claim ${names.join('.')} that is a text or a whole number` };
}

type Keys = { readonly key: KeyObject | Uint8Array | JWTVerifyGetKey; readonly algorithms?: string[] };

/** The issuer’s keys could not be had: nothing is known of the token. */
class KeysAwayError extends Error {}

function keysOf(verify: Settings['verify']): Keys | undefined {
  if (verify === 'none') return undefined;
  if ('secret' in verify) return { key: new TextEncoder().encode(verify.secret), algorithms: HMAC };
  if ('pem' in verify) return { key: createPublicKey(verify.pem) };
  const keyFor = createRemoteJWKSet(new URL(verify.jwks));
  return {
    key: async (header, token) => {
      try {
        return await keyFor(header, token);
      } catch (error) {
        if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error;
        throw new KeysAwayError((error as Error).message);
      }
    },
  };
}

/** The claims of a token whose signature is good, as text. */
async function verified(token: string, { key, algorithms }: Keys): Promise<SourceAnswer> {
  try {
    const { payload } = await compactVerify(token, key as JWTVerifyGetKey, algorithms && { algorithms });
    return { user: new TextDecoder().decode(payload) };
  } catch (error) {
    if (error instanceof KeysAwayError) return { unknown: `the keys of its issuer cannot be had: ${error.message}` };
    return { unreadable: 'the token’s signature is not good' };
  }
}
