import { join } from 'node:path';
import { type Home, homeOf, readJson, writeJson } from './home.ts';
import type { Ports } from './ports.ts';
import { Problem } from './problem.ts';
import { credentials } from './settings.ts';

interface Login {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** Where the servers of a set answer, and as whom to speak to them (superusers). */
export interface Servers {
  readonly mysql: Login;
  readonly postgres: Login & { readonly database: string };
  readonly kafka: { readonly brokers: readonly string[] };
  readonly connect: { readonly url: string };
  readonly unleash: {
    readonly url: string;
    readonly adminToken: string;
    readonly clientToken: string;
    readonly frontendToken: string;
  };
}

const host = '127.0.0.1';
/** Where the addresses stand once the servers have come up. */
export const serversFile = (home: Home): string => join(home.root, 'servers.json');

/** The addresses and credentials that go with these ports. */
export const serversAt = (ports: Ports): Servers => ({
  mysql: { host, port: ports.mysql, ...credentials.mysql },
  postgres: { host, port: ports.postgres, ...credentials.postgres, database: 'postgres' },
  kafka: { brokers: [`${host}:${ports.kafka}`] },
  connect: { url: `http://${host}:${ports.connect}` },
  unleash: { url: `http://${host}:${ports.unleash}`, ...credentials.unleash },
});

export const writeServers = (home: Home, ports: Ports): void => writeJson(serversFile(home), serversAt(ports));

/** The servers of this repository as `npm run servers -- up` left them. Throws a Problem if they have not been started. */
export async function servers(home: Home = homeOf()): Promise<Servers> {
  const found = readJson<Servers>(serversFile(home));
  if (!found) throw new Problem(`There is no ${serversFile(home)}: the servers are not up.`, 'npm run servers -- up');
  return found;
}
