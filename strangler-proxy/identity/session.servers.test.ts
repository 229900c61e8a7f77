import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { SessionSettings } from '@strangler/plan';
import express, { type RequestHandler } from 'express';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import pg from 'pg';
import { Sequelize } from 'sequelize';
import { type ScratchDatabases, scratchDatabases } from '../testing/databases.ts';
import { startValkey, type Valkey } from '../testing/valkey.ts';
import { compileSource } from './compile.ts';
import { Places } from './places.ts';
import type { SourceAnswer } from './source.ts';

// The applications’ own packages: what they write is what we must be able to read.
const require = createRequire(import.meta.url);
const session = require('express-session');
const { RedisStore } = require('connect-redis');

let databases: ScratchDatabases;
let valkey: Valkey;
const PORT = 26_379;
const REDIS = `redis://127.0.0.1:${PORT}/3`;
const places = new Places();

beforeAll(async () => {
  databases = await scratchDatabases('sessions');
  valkey = await startValkey(PORT);
});
afterAll(async () => {
  await places.close();
  await databases.drop();
  await valkey.stop();
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
  'connect-redis on Valkey': {
    stored: { redis: REDIS, prefix: 'sess:' } as Stored,
    open: async () => {
      const client = new Redis(REDIS);
      return { store: new RedisStore({ client }), close: () => client.quit() };
    },
    end: async (id: string) => {
      const client = new Redis(REDIS);
      expect(await client.pexpire(`sess:${id}`, 0)).toBe(1);
      await client.quit();
    },
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

  test('that have ended are nobody’s, though a row of them is still there', async () => {
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

/** The cookie of a session, as express-session writes it. */
function signedBy(secret: string, id: string): string {
  const signature = createHmac('sha256', secret).update(id).digest('base64').replace(/=+$/, '');
  return `app.sid=${encodeURIComponent(`s:${id}.${signature}`)}`;
}

describe('sessions of other layouts', () => {
  const signed = (id: string) => signedBy('new secret', id);
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

  test('faults 25 whatever is in the cookie or the data, it is a user, nobody or unreadable', async () => {
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

describe('sessions in a Redis', () => {
  const PASSWORD = 'a pass/word';
  const SECURE = 26_380;
  let secured: Valkey;
  const at = (password: string, more = {}) => ({
    ...{ redis: `redis://:${encodeURIComponent(password)}@127.0.0.1:${SECURE}`, prefix: 'app:' },
    ...more,
  });
  const client = new Redis({ port: SECURE, password: PASSWORD, lazyConnect: true });
  const signed = (id: string) => signedBy('new secret', id);

  beforeAll(async () => {
    secured = await startValkey(SECURE, ['--requirepass', PASSWORD]);
    await client.set('app:one', '{"staff":{"id":42}}');
  });
  afterAll(async () => {
    client.disconnect();
    await secured.stop();
  });

  test('are found by their prefix, with a password of any characters', async () => {
    expect(await reading(at(PASSWORD))(signed('one'))).toEqual({ user: '42' });
    expect(await reading(at(PASSWORD, { prefix: 'sess:' }))(signed('one'))).toBeUndefined();
  });

  test('whose data are too long, or none, are told from nobody', async () => {
    await client.set('app:long', `{"staff":{"id":"${'ä'.repeat(40_000)}"}}`);
    await client.hset('app:hash', { staff: '42' });
    const userOf = reading(at(PASSWORD));
    expect(await userOf(signed('long'))).toEqual({ unreadable: 'the data of its session are too long' });
    expect(await userOf(signed('hash'))).toEqual({ unknown: 'the Redis of its sessions did not answer (WRONGTYPE)' });
  });

  test('are refused by name if the password is wrong; one that is away is no mistake of the Plan', async () => {
    for (const [password, unfit] of [
      ['wrong', ['the Redis of its sessions refuses the address of the Plan: WRONGPASS']],
      [PASSWORD, []],
    ] as const) {
      const own = new Places();
      const { source, setting } = planWith(at(password));
      compileSource(source, { ...setting, places: own });
      expect(await own.check()).toEqual({ unfit, away: [] });
      await own.close();
    }
    const own = new Places();
    const { source, setting } = planWith({ redis: 'redis://127.0.0.1:9', prefix: 'app:' });
    compileSource(source, { ...setting, places: own });
    expect(await own.check()).toMatchObject({ unfit: [], away: [expect.any(String)] });
    await own.close();
  });

  test('cannot be told while it hangs, as when it is gone; and can again at once when it is back', async () => {
    const userOf = reading(at(PASSWORD));
    expect(await userOf(signed('one'))).toEqual({ user: '42' });
    secured.process.kill('SIGSTOP');
    const silent = 'no answer from the Redis of its sessions within 2.0 s';
    expect(await userOf(signed('one'))).toEqual({ unknown: silent });
    secured.process.kill('SIGCONT');
    for (;;) {
      const said = await userOf(signed('one'));
      if (said && 'user' in said) break;
    }
    await secured.stop();
    expect(await userOf(signed('one'))).toMatchObject({
      unknown: expect.stringContaining('the Redis of its sessions'),
    });
    secured = await startValkey(SECURE, ['--requirepass', PASSWORD]);
    await client.set('app:one', '{"staff":{"id":43}}');
    for (;;) {
      const said = await userOf(signed('one'));
      if (said && 'user' in said && said.user === '43') break;
    }
  });
});
