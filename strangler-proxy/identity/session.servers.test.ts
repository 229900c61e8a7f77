import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { SessionSettings } from '@strangler/plan';
import express, { type RequestHandler } from 'express';
import fc from 'fast-check';
import pg from 'pg';
import { Sequelize } from 'sequelize';
import { type ScratchDatabases, scratchDatabases } from '../testing/databases.ts';
import { compileSource } from './compile.ts';
import { Places } from './places.ts';
import type { SourceAnswer } from './source.ts';

// The applications’ own packages: what they write is what we must be able to read.
const require = createRequire(import.meta.url);
const session = require('express-session');

let databases: ScratchDatabases;
const places = new Places();

beforeAll(async () => {
  databases = await scratchDatabases('sessions');
});
afterAll(async () => {
  await places.close();
  await databases.drop();
});

const SECRETS = ['new secret', 'old secret'];

/** An application whose visitors have sessions in this store; POST /login?id=… signs them in. */
async function startApplication(store: unknown, secret: string[], cookie: object) {
  const options = { name: 'app.sid', secret, store, cookie, resave: false, saveUninitialized: true };
  const app = express().use(session(options) as RequestHandler);
  type Signed = { session: { staff?: { id: unknown }; destroy(done: () => void): void } };
  app.post('/login', (request, response) => {
    (request as unknown as Signed).session.staff = { id: JSON.parse(String(request.query.id)) };
    response.end();
  });
  app.post('/logout', (request, response) => {
    (request as unknown as Signed).session.destroy(() => response.end());
  });
  app.get('/', (_, response) => void response.end());
  const server = createServer(app);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

type Stored = SessionSettings['store'];

const systems = {
  'connect-session-sequelize on MySQL': {
    stored: { table: 'Sessions', id: 'sid', data: 'data', expires: 'expires', database: 'monolith' } as Stored,
    open: async () => {
      const sequelize = new Sequelize(databases.urls.monolith, { logging: false });
      const SequelizeStore = require('connect-session-sequelize')(session.Store);
      const store = new SequelizeStore({ db: sequelize });
      await store.sync();
      return { store, close: () => sequelize.close() };
    },
    end: (cookie: string) =>
      databases.monolith.query('UPDATE Sessions SET expires = UTC_TIMESTAMP() - INTERVAL 1 SECOND WHERE sid = ?', [
        cookie,
      ]),
  },
  'connect-pg-simple on Postgres': {
    stored: { table: 'session', id: 'sid', data: 'sess', expires: 'expire', database: 'service' } as Stored,
    open: async () => {
      const pool = new pg.Pool({ connectionString: databases.urls.service });
      const PgStore = require('connect-pg-simple')(session);
      const store = new PgStore({ pool, createTableIfMissing: true, pruneSessionInterval: false });
      return { store, close: () => pool.end() };
    },
    end: (cookie: string) =>
      databases.service.query(`UPDATE session SET expire = now() - interval '1 second' WHERE sid = ?`, [cookie]),
  },
};

const planWith = (stored: Stored) => ({
  source: { session: { cookie: 'app.sid', secret: SECRETS, claim: ['staff', 'id'], store: stored } },
  setting: {
    ...{ capability: 'articles', places },
    plan: {
      monolith: { database: { lookup: databases.urls.monolith } },
      capabilities: { articles: { tables: {}, service: { database: { lookup: databases.urls.service } } } },
    } as never,
  },
});

const reading = (stored: Stored) => {
  const { source, setting } = planWith(stored);
  const says = compileSource(source, setting);
  return async (cookie: string): Promise<SourceAnswer> =>
    says({ method: 'POST', isWrite: true, target: '/', parameters: new Map(), headers: ['Cookie', cookie] });
};

describe.each(Object.keys(systems) as (keyof typeof systems)[])('sessions of express-session in %s', (name) => {
  const { stored, open, end } = systems[name];
  let opened: Awaited<ReturnType<typeof open>>;
  let server: Server;
  let url: string;

  beforeAll(async () => {
    opened = await open();
    ({ server, url } = await startApplication(opened.store, SECRETS, { maxAge: 60_000 }));
  });
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await opened.close();
  });

  const visit = async (method: string, path: string, cookie?: string): Promise<string> => {
    const answer = await fetch(`${url}${path}`, { method, headers: cookie ? { cookie } : {} });
    expect(answer.status).toBe(200);
    return answer.headers.get('set-cookie')?.split(';')[0] ?? cookie!;
  };
  const idOf = (cookie: string) => /s:(.*)\./.exec(decodeURIComponent(cookie))![1]!;

  test('name who has signed in, every digit of them; a visitor who has not is nobody, nor is one who has left', async () => {
    const userOf = reading(stored);
    const visitor = await visit('GET', '/');
    expect(await userOf(visitor)).toBeUndefined();
    const cookie = await visit('POST', '/login?id=42', visitor);
    expect(await userOf(`theme=dark; ${cookie}`)).toEqual({ user: '42' });
    expect(await userOf(await visit('POST', '/login?id="ada"'))).toEqual({ user: 'ada' });
    await visit('POST', '/logout', cookie);
    expect(await userOf(cookie)).toBeUndefined();
    expect(await userOf('theme=dark')).toBeUndefined();
  });

  test('that have ended are nobody’s, though their row is still there', async () => {
    const userOf = reading(stored);
    const cookie = await visit('POST', '/login?id=42');
    expect(await userOf(cookie)).toEqual({ user: '42' });
    await end(idOf(cookie));
    expect(await userOf(cookie)).toBeUndefined();
  });

  test('whose cookie is forged are unreadable, whether their row is there or not', async () => {
    const userOf = reading(stored);
    const cookie = await visit('POST', '/login?id=42');
    const id = idOf(cookie);
    const unreadable = { unreadable: 'the signature of the cookie app.sid is not good' };
    for (const forged of [id, `s:${id}`, `s:${id}.forged`, `s:x${decodeURIComponent(cookie).slice(10)}`])
      expect(await userOf(`app.sid=${encodeURIComponent(forged)}`)).toEqual(unreadable);
  });

  test('signed by a secret that is on its way out are good', async () => {
    const old = await startApplication(opened.store, ['old secret'], { maxAge: 60_000 });
    const answer = await fetch(`${old.url}/login?id=43`, { method: 'POST' });
    expect(await reading(stored)(answer.headers.get('set-cookie')!.split(';')[0]!)).toEqual({ user: '43' });
    old.server.closeAllConnections();
    old.server.close();
  });

  test('whose user is no text and no whole number are unreadable', async () => {
    const userOf = reading(stored);
    for (const id of ['{}', '1.5', 'true'])
      expect(await userOf(await visit('POST', `/login?id=${id}`))).toEqual({
        unreadable: 'the data of its session are without a text or whole number as staff.id',
      });
  });
});

describe('sessions of other layouts', () => {
  const signed = (id: string) => {
    const signature = createHmac('sha256', 'new secret').update(id).digest('base64').replace(/=+$/, '');
    return `app.sid=${encodeURIComponent(`s:${id}.${signature}`)}`;
  };
  const stored: Stored = { table: 'theirs', id: 'session_id', data: 'data', expires: 'expires', database: 'monolith' };

  beforeEach(() => databases.monolith.query('DROP TABLE IF EXISTS theirs'));

  test('end at a whole number of seconds, as express-mysql-session has it, or of milliseconds', async () => {
    await databases.monolith.query(
      `CREATE TABLE theirs (session_id varchar(128) COLLATE utf8mb4_bin NOT NULL, expires bigint unsigned,
         data mediumtext COLLATE utf8mb4_bin, PRIMARY KEY (session_id))`,
    );
    const seconds = Math.round(Date.now() / 1_000);
    const rows: [string, number | null, unknown][] = [
      ['in seconds', seconds + 60, { user: '42' }],
      ['in seconds, ended', seconds - 60, undefined],
      ['in milliseconds', (seconds + 60) * 1_000, { user: '42' }],
      ['in milliseconds, ended', (seconds - 60) * 1_000, undefined],
      ['never', null, { user: '42' }],
    ];
    const userOf = reading(stored);
    for (const [id, expires, answer] of rows) {
      await databases.monolith.query('INSERT INTO theirs VALUES (?, ?, ?)', [id, expires, '{"staff":{"id":42}}']);
      expect([id, await userOf(signed(id))]).toEqual([id, answer]);
    }
  });

  test('with data in a JSON or BLOB column are read as text is; too much of it, or none, is told from nobody', async () => {
    const data: [string, unknown][] = [
      ['{"staff":{"id":281674916028284930}}', { user: '281674916028284930' }],
      ['{"staff":null}', undefined],
      [`{"staff":{"id":"${'x'.repeat(70_000)}"}}`, { unreadable: 'the data of its session are too long' }],
    ];
    for (const type of ['JSON', 'LONGBLOB', 'LONGTEXT']) {
      await databases.monolith.query('DROP TABLE IF EXISTS theirs');
      await databases.monolith.query(
        `CREATE TABLE theirs (session_id varchar(64) PRIMARY KEY, data ${type}, expires DATETIME)`,
      );
      const userOf = reading(stored);
      for (const [at, [json, answer]] of data.entries()) {
        await databases.monolith.query('INSERT INTO theirs VALUES (?, ?, NULL)', [`x${at}`, json]);
        expect([type, await userOf(signed(`x${at}`))]).toEqual([type, answer]);
      }
    }
    await databases.monolith.query("INSERT INTO theirs VALUES ('bad', '{\"staff\":', NULL), ('none', NULL, NULL)");
    const userOf = reading(stored);
    expect(await userOf(signed('bad'))).toEqual({ unreadable: 'the data of its session are no JSON' });
    expect(await userOf(signed('none'))).toBeUndefined();
  });

  test('faults 25 whatever stands in the cookie or the data, it is a user, nobody or unreadable', async () => {
    await databases.monolith.query(
      'CREATE TABLE theirs (session_id varchar(64) PRIMARY KEY, data LONGTEXT, expires DATETIME)',
    );
    const userOf = reading(stored);
    const any = fc.string({ unit: 'binary', maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(any, fc.oneof(any, fc.json()), async (id, data) => {
        await databases.monolith.query("REPLACE INTO theirs VALUES ('one', ?, NULL)", [data.toWellFormed()]);
        for (const cookie of [signed('one'), signed(id.toWellFormed()), `app.sid=${id}`]) {
          const said = await userOf(cookie);
          expect(said === undefined || 'user' in said || 'unreadable' in said).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('whose end is no time and no number are refused by name', async () => {
    await databases.monolith.query('CREATE TABLE theirs (session_id varchar(64) PRIMARY KEY, data TEXT, expires TEXT)');
    const own = new Places();
    const { source, setting } = planWith(stored);
    compileSource(source, { ...setting, places: own });
    expect(await own.check()).toEqual({
      unfit: ['theirs.expires is text: when a session ends is a time or a whole number'],
      away: [],
    });
    await own.close();
  });
});
