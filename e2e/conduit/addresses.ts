import { join } from 'node:path';
import type { Servers } from '@strangler/servers';
import { at, type DatabaseUsers, HOME, PORTS, ROOT, SECRETS } from '../rehearsal/addresses.ts';
import type { Slate } from '../rehearsal/clean-slate.ts';

/** The Plan that a stranger ends with. */
export const PLAN_FILE = join(ROOT, 'examples/conduit/strangler.yaml');

/** The one capability of it. */
export const CAPABILITY = 'articles';

/** Where the applications listen: where the shop’s would. */
export const APPLICATIONS = { monolith: at(PORTS.monolith), articles: at(PORTS.orders) } as const;

/** Where users reach them. */
export const FRONTS = PORTS.proxies.map(at);

/** The payment provider’s secret, and the password of everybody the seed makes. */
export const CONDUIT_SECRETS = { webhook: 'conduit-webhook-secret', password: 'password' } as const;

const ROLES = ['admin', 'control', 'applier', 'capture', 'lookup'] as const;

type Conduit = Readonly<Record<'monolith' | 'articles', DatabaseUsers>>;

/** Addresses of every database user: the applications’ own, and one for each role of the toolkit. */
export function conduitDatabases({ mysql, postgres }: Servers): Conduit {
  const users = (
    scheme: 'mysql' | 'postgres',
    { host, port, user, password }: Servers['mysql'],
    database: string,
  ): DatabaseUsers => {
    const url = (name: string, secret: string) =>
      `${scheme}://${name}:${encodeURIComponent(secret)}@${host}:${port}/${database}`;
    const roles = ROLES.slice(1).map((role) => [role, url(`${database}_${role}`, `${role}-pw`)]);
    return { app: url(`${database}_app`, 'app-pw'), admin: url(user, password), ...Object.fromEntries(roles) };
  };
  return { monolith: users('mysql', mysql, 'conduit'), articles: users('postgres', postgres, 'conduit_articles') };
}

/** The environment that fills in the Plan. */
export function conduitEnvironment(servers: Servers): Record<string, string> {
  const env: Record<string, string> = {
    MONOLITH_URL: APPLICATIONS.monolith,
    ARTICLES_URL: APPLICATIONS.articles,
    KAFKA_BROKER: servers.kafka.brokers[0]!,
    CONNECT_URL: servers.connect.url,
    FLAGS_FILE: join(HOME, 'conduit-flags.json'),
    CONTROL_LISTEN: `127.0.0.1:${PORTS.control}`,
    STRANGLER_TOKEN: SECRETS.admin,
    STRANGLER_PROXY_TOKEN: SECRETS.proxy,
    JWT_SECRET: SECRETS.jwt,
  };
  for (const [name, users] of Object.entries(conduitDatabases(servers))) {
    for (const role of ROLES) env[`${name.toUpperCase()}_DATABASE_${role.toUpperCase()}`] = users[role]!;
  }
  return env;
}

/** What a run leaves on the servers. */
export function conduitSlate(servers: Servers): Slate {
  const { monolith, articles } = conduitDatabases(servers);
  return { name: 'conduit', flagsFile: conduitEnvironment(servers).FLAGS_FILE!, monolith, services: [articles] };
}
