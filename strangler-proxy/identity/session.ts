import type { SessionSettings } from '@strangler/plan';
import { claimIn } from './claim.ts';
import { Enquiries } from './enquiries.ts';
import { signedCookieSays } from './signed.ts';
import type { IdentitySource, SourceAnswer } from './source.ts';

/** Longest data of a session we look into: characters in a table, bytes in a Redis. */
export const LONGEST_DATA = 65_536;

/** Where an application keeps its sessions. */
export type SessionStore = {
  /** What people call it. */
  readonly name: string;
  /**
   * The data of a session that has not ended, but no more of it than tells that it is too long; undefined: there is none.
   * Throws UnfitError, and what the driver throws.
   */
  readonly find: (id: string) => Promise<string | undefined>;
};

/** The user of a session of express-session; a session that is none any more is nobody’s. */
export function sessionSource({ cookie, secret, claim }: SessionSettings, store: SessionStore): IdentitySource {
  const [secrets, names] = [[secret].flat(), [claim].flat()];
  const enquiries = new Enquiries(store.name);
  const find = async (id: string): Promise<SourceAnswer> => {
    const json = await store.find(id);
    if (json === undefined) return undefined;
    if (json.length > LONGEST_DATA) return { unreadable: 'the data of its session are too long' };
    const found = claimIn(json, names);
    if ('text' in found) return { user: found.text };
    if (found.lacks === 'claim') return undefined;
    const what = found.lacks === 'JSON' ? 'no JSON' : `without a text or whole number as ${names.join('.')}`;
    return { unreadable: `the data of its session are ${what}` };
  };
  return ({ headers, isWrite }) => {
    const said = signedCookieSays(headers, cookie, secrets);
    if (!said || !('user' in said)) return said;
    const { user: id } = said;
    return enquiries.ask([id], isWrite, () => find(id));
  };
}
