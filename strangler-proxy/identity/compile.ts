import type { Capability, Plan, SessionSettings, Side, UserSource } from '@strangler/plan';
import { askedSource } from './ask.ts';
import { cookieSays } from './cookie.ts';
import { jwtSource } from './jwt.ts';
import { lookedUp } from './lookup.ts';
import type { Places } from './places.ts';
import { redisStore } from './redis-store.ts';
import { rowSource } from './row.ts';
import { sessionSource } from './session.ts';
import { signedCookieSays } from './signed.ts';
import { headerSays, type IdentitySource } from './source.ts';
import { tableStore } from './table-store.ts';

/** Where the sources of one capability look users up. */
export type SourceSetting = {
  readonly capability: string;
  readonly plan: Pick<Plan, 'monolith' | 'capabilities'>;
  readonly places: Places;
};

/** Makes a source of the Plan ready to be asked. */
export function compileSource(source: UserSource, setting: SourceSetting): IdentitySource {
  const says = withoutLookup(source, setting);
  if (!('lookup' in source) || !source.lookup) return says;
  return lookedUp(says, source.lookup, readerOf('monolith', setting), setting.places);
}

function withoutLookup(source: UserSource, setting: SourceSetting): IdentitySource {
  const { places } = setting;
  if ('jwt' in source) return jwtSource(source.jwt);
  if ('header' in source) return fromHeader(source.header.toLowerCase());
  if ('cookie' in source) return fromCookie(source.cookie, source.signed);
  if ('session' in source) return sessionSource(source.session, sessionStore(source.session.store, setting));
  if ('path' in source) return fromPath(source.path);
  if ('ask' in source) return askedSource(source.ask, places);
  if ('constant' in source) return () => ({ user: source.constant });
  const { tables } = capabilityOf(setting);
  const readers = { monolith: readerOf('monolith', setting), service: readerOf('service', setting) };
  return rowSource(source, tables, readers, places);
}

function sessionStore(store: SessionSettings['store'], setting: SourceSetting) {
  const { places } = setting;
  if ('redis' in store) return redisStore(store, places);
  return tableStore(store, readerOf(store.database, setting), places);
}

const capabilityOf = ({ plan, capability }: SourceSetting): Capability => plan.capabilities[capability]!;

/** The Plan has an address wherever a source looks somebody up: that is checked when it is read. */
function readerOf(side: Side, setting: SourceSetting) {
  const { plan, capability, places } = setting;
  if (side === 'monolith') return places.reader(plan.monolith.database!.lookup!, 'the monolith’s database');
  return places.reader(capabilityOf(setting).service.database!.lookup!, `the database of ${capability}`);
}

/** Bytes beyond ASCII are UTF-8 to some applications and Latin-1 to others. */
const fromHeader =
  (name: string): IdentitySource =>
  ({ headers }) => {
    const said = headerSays(headers, name);
    return said && 'user' in said && /[^\x20-\x7e]/.test(said.user)
      ? { unreadable: `the header ${name} is not ASCII` }
      : said;
  };

const fromCookie = (name: string, signed: string | string[] | undefined): IdentitySource => {
  if (signed === undefined) return ({ headers }) => cookieSays(headers, name);
  const secrets = [signed].flat();
  return ({ headers }) => signedCookieSays(headers, name, secrets);
};

const fromPath =
  (name: string): IdentitySource =>
  ({ parameters }) => {
    if (!parameters) return { unreadable: 'the path can be read in two ways' };
    const user = parameters.get(name);
    return user === undefined ? undefined : { user };
  };
