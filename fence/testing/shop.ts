import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import {
  createTables,
  type HandoffKind,
  openSession,
  prepareFence,
  type Session,
  writeHandoff,
} from '@strangler/ledger';
import { bucketOf, parsePlan, type Side, type Subject } from '@strangler/plan';
import type { Servers } from '@strangler/servers';
import express, { type ErrorRequestHandler, type RequestHandler } from 'express';
import { grantsOf } from '../../cdc/setup/grants.ts';
import { answerGivenAway, type Fence } from '../index.cjs';

export const GROUP = 'shop';

/** The database of one side with a table of the application's, and its user with the rights that are documented. */
export type Shop = {
  readonly admin: Session;
  /** The application's address; `other` is a user without the rights of a fence. */
  readonly url: string;
  readonly other: string;
  /** Writes a handoff row as control does, in a transaction; everybody unless a subject is given. */
  handoff(kind: HandoffKind, epoch: number, subject?: Subject, forced?: boolean): Promise<void>;
  /** What is in the application's table. */
  notes(): Promise<string[]>;
  /** Forgets every note and handoff, as `strangler remove` and `init` would: epochs begin again. */
  clear(): Promise<void>;
  drop(): Promise<void>;
};

/** Everybody. */
export const ALL: Subject = { lo: 0, hi: 10_000 };

/** One user, by name, as control names them. */
export const named = (user: string): Subject => {
  const lo = bucketOf(GROUP, user);
  return { lo, hi: lo + 1, user };
};

/** Makes the database of a side; its name must be new. */
export async function makeShop(side: Side, servers: Servers, name: string): Promise<Shop> {
  const system = side === 'monolith' ? 'mysql' : 'postgres';
  const { user, password, host, port } = servers[system];
  const address = (who: string, database: string) => `${system}://${who}@${host}:${port}/${database}`;
  const root = await openSession(address(`${user}:${password}`, system), 'reader');
  const [app, other] = [`${name}_app`, `${name}_other`];
  await root.query(`CREATE DATABASE ${name}`);
  const adminUrl = address(`${user}:${password}`, name);
  const admin = await openSession(adminUrl, 'reader');
  await admin.query(
    'CREATE TABLE notes (id SERIAL PRIMARY KEY, user_id VARCHAR(40) NOT NULL, words VARCHAR(40) NOT NULL)',
  );
  await createTables(admin);
  await prepareFence(admin, 'notes');
  await prepareFence(admin, 'letters');
  for (const one of [app, other]) {
    await admin.query(
      system === 'mysql' ? `CREATE USER ${one} IDENTIFIED BY 'pw'` : `CREATE ROLE ${one} LOGIN PASSWORD 'pw'`,
    );
    await admin.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO ${one}`);
    if (system === 'postgres') await admin.query(`GRANT USAGE ON SEQUENCE notes_id_seq TO ${one}`);
  }
  for (const grant of fenceGrants(side, adminUrl, app)) await admin.query(grant);
  return {
    admin,
    url: address(`${app}:pw`, name),
    other: address(`${other}:pw`, name),
    handoff: (kind, epoch, subject = ALL, forced = false) =>
      inControl(adminUrl, (session) => writeHandoff(session, { capability: 'notes', epoch, kind, subject, forced })),
    notes: async () =>
      (await admin.query<{ words: string }>('SELECT words FROM notes ORDER BY id')).rows.map(({ words }) => words),
    clear: async () => {
      await admin.query('DELETE FROM notes');
      await admin.query('DELETE FROM strangler_handoff');
      await admin.query('UPDATE strangler_fence SET epoch = 0, made = ?', [randomUUID()]);
    },
    drop: async () => {
      await admin.close();
      await root.query(`DROP DATABASE ${name}${system === 'postgres' ? ' WITH (FORCE)' : ''}`);
      for (const one of [app, other]) await root.query(`DROP ${system === 'mysql' ? 'USER' : 'ROLE'} ${one}`);
      await root.close();
    },
  };
}

/** What `strangler init` grants the application for a Plan that names it. */
function fenceGrants(side: Side, admin: string, application: string): readonly string[] {
  const database = (of: Side, scheme: string) => {
    const url = of === side ? admin : `${scheme}://any@host/name`;
    return { admin: url, control: url, applier: url, capture: url, application };
  };
  const plan = parsePlan(
    JSON.stringify({
      ...{ version: 1, name: GROUP, kafka: { brokers: ['host:1'], connect: 'http://host' } },
      monolith: { database: database('monolith', 'mysql') },
      control: { tokens: { admin: 'not-a-secret', proxy: 'not-one-either' } },
      capabilities: {
        notes: { service: { database: database('service', 'postgres') }, tables: { notes: { user: 'user_id' } } },
      },
    }),
    {},
  );
  const mine = grantsOf(plan).filter(({ where }) => (where === 'monolith') === (side === 'monolith'));
  return mine.flatMap(({ role, grants }) => (role === 'application' ? grants : []));
}

/** Runs work in one transaction of a session of its own. */
export async function inControl<T>(url: string, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await openSession(url, 'reader');
  try {
    return await session.transaction(() => work(session));
  } finally {
    await session.close();
  }
}

/** An Express app on a port of its own whose requests, of the user in the header `user`, go through a fence. */
export async function serve(fence: Fence, handler: RequestHandler) {
  const app = express();
  app.use(fence.middleware, handler);
  app.use(answerGivenAway);
  const otherwise: ErrorRequestHandler = ({ message }, _request, response, _next) =>
    response.status(500).json({ message });
  app.use(otherwise);
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    async ask(user: string, method = 'POST', sent: ReadableStream | null = null) {
      const answer = await fetch(url, { method, headers: { user }, body: sent, duplex: 'half' });
      const body = (await answer.text()) || '{}';
      return {
        status: answer.status,
        fence: answer.headers.get('strangler-fence'),
        headers: answer.headers,
        body: JSON.parse(body),
      };
    },
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}
