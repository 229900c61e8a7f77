import { createHash, timingSafeEqual } from 'node:crypto';
import type { Plan } from '@strangler/plan';

/** Who may do what: admin everything, operate also reads; `proxy` only opens its stream. */
export type Role = 'read' | 'operate' | 'admin' | 'proxy';

const RANK = { proxy: -1, read: 0, operate: 1, admin: 2 };

/** True if a role may do what `needed` may. */
export const mayAct = (role: Role, needed: 'read' | 'operate' | 'admin'): boolean => RANK[role] >= RANK[needed];

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Tells the role of an Authorization header; undefined if it carries none of the Plan’s tokens. Takes the same time for every token. */
export function roleOf(tokens: Plan['control']['tokens']): (authorization: string | undefined) => Role | undefined {
  const known = (['read', 'operate', 'admin', 'proxy'] as const).flatMap((role) => {
    const token = tokens[role];
    return token === undefined ? [] : [{ role, digest: digest(token) }];
  });
  return (authorization) => {
    const given = digest(/^Bearer ([^\s]+)$/i.exec(authorization ?? '')?.[1] ?? '');
    let found: Role | undefined;
    for (const { role, digest } of known) if (timingSafeEqual(digest, given)) found = role;
    return found;
  };
}
