import { canonicalUser, type Lack, LONGEST_USER, type UserType } from '@strangler/plan';
import type { Identifiable, IdentitySource, SourceAnswer } from './source.ts';

/** Whose request it is: a user, in the one text for them; nobody; or why that cannot be read, or not just now. */
export type Identity = { readonly user: string } | { readonly lack: Lack; readonly why: string };

/** Says whose a request is; at once if nobody must be asked. Never rejects. */
export type Identify = (asked: Identifiable) => Identity | Promise<Identity>;

export const ABSENT: Identity = { lack: 'absent', why: 'it names no user' };

/** Asks the sources in their order; `type` is what users are. */
export function identifyBy(all: readonly IdentitySource[], type: UserType): Identify {
  const from = (first: number, asked: Identifiable): Identity | Promise<Identity> => {
    for (let at = first; at < all.length; at++) {
      const said = all[at]!(asked);
      if (said instanceof Promise) return said.then((known) => (known ? meant(known, type) : from(at + 1, asked)));
      if (said) return meant(said, type);
    }
    return ABSENT;
  };
  return (asked) => from(0, asked);
}

function meant(said: Exclude<SourceAnswer, undefined>, type: UserType): Identity {
  if ('unreadable' in said) return { lack: 'unreadable', why: said.unreadable };
  if ('unknown' in said) return { lack: 'unknown', why: said.unknown };
  const user = canonicalUser(type, said.user);
  if (user === undefined) return { lack: 'unreadable', why: `what names the user is no ${type}` };
  if (user.length > LONGEST_USER)
    return { lack: 'unreadable', why: `what names the user is longer than ${LONGEST_USER} characters` };
  return { user };
}
