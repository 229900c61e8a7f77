import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { bucketOf } from '@strangler/plan';
import { WebSocket } from 'ws';
import { type BlackHole, startBlackHole } from '../ledger/testing/black-hole.ts';
import { explain, startProxy } from './index.ts';
import { type ScratchDatabases, scratchDatabases } from './testing/databases.ts';
import { planOf, type Settings, stage } from './testing/stage.ts';

// The application of a stranger: its tokens say an e-mail address as it was typed, its rows a numeric id, its staff have
// sessions, and its paths name articles by slugs.

let databases: ScratchDatabases;
let way: BlackHole;
let open: Awaited<ReturnType<typeof stage>> | undefined;
let urls: { readonly monolith: string; readonly service: string };

beforeAll(async () => {
  databases = await scratchDatabases('identities');
  const { monolith, service } = databases;
  await monolith.query('CREATE TABLE Users (id INT PRIMARY KEY, email VARCHAR(255) NOT NULL UNIQUE)');
  await monolith.query('CREATE TABLE Sessions (sid VARCHAR(36) PRIMARY KEY, expires DATETIME, data TEXT)');
  await monolith.query(
    'CREATE TABLE Articles (id INT PRIMARY KEY, slug VARCHAR(99) NOT NULL UNIQUE, authorId INT NOT NULL)',
  );
  await service.query(
    'CREATE TABLE "Articles" (id int4 PRIMARY KEY, slug text NOT NULL UNIQUE, "authorId" int4 NOT NULL)',
  );
  const url = new URL(databases.urls.monolith);
  way = await startBlackHole(url.hostname, Number(url.port));
  url.port = String(way.port);
  urls = { monolith: url.href, service: databases.urls.service };
});
afterAll(async () => {
  await way.stop();
  await databases.drop();
});
beforeEach(async () => {
  way.open();
  for (const table of ['Users', 'Sessions', 'Articles']) await databases.monolith.query(`DELETE FROM ${table}`);
  await databases.service.query('DELETE FROM "Articles"');
});
afterEach(async () => {
  await open?.stop();
  open = undefined;
});

const SECRET = 'the secret of the application';
const hmac = (text: string) => createHmac('sha256', SECRET).update(text);
const tokenOf = (claims: object) => {
  const text = [{ alg: 'HS256' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${text}.${hmac(text).digest('base64url')}`;
};
const says = (email: string, scheme = 'Token') => ({ authorization: `${scheme} ${tokenOf({ email })}` });
const sessionOf = (id: string) => ({
  cookie: `conduit.sid=${encodeURIComponent(`s:${id}.${hmac(id).digest('base64').replace(/=+$/, '')}`)}`,
});

const LOOKUP = { table: 'Users', match: 'email', take: 'id' };
const login = (scheme: string) => ({
  jwt: { claim: 'email', scheme, verify: { secret: SECRET } },
  lookup: LOOKUP,
});
const STAFF = {
  session: {
    ...{ cookie: 'conduit.sid', secret: SECRET, claim: ['staff', 'id'] },
    store: { table: 'Sessions', id: 'sid', data: 'data', expires: 'expires' },
  },
};
const settings = (user: readonly unknown[] = [login('Token'), login('Bearer'), STAFF]): Partial<Settings> => ({
  ...{ user, userType: 'integer', databases: urls, readOnly: [] },
  routes: ['ANY /api/articles', 'ANY /api/articles/:slug/**'],
  tables: { Articles: { user: 'authorId' } },
});

/** A whole number whose bucket a boundary of 50 % leaves on this side. */
const idOn = (side: 'monolith' | 'service', from = 1): number => {
  for (let id = from; ; id++) if (bucketOf('shop', String(id)) < 5_000 === (side === 'service')) return id;
};
const HALF = { boundary: 5_000, pins: {} };
const NOBODY_MOVED = { boundary: 0, pins: {} };

async function house(given = settings()) {
  open = await stage(given);
  return open;
}

const ask = async (method: string, headers: Record<string, string>, path = '/api/articles'): Promise<string> => {
  const answer = await fetch(`http://${open!.address}${path}`, { method, headers });
  const { name, error } = (await answer.json()) as { name?: string; error?: { code: string } };
  return name ?? `${answer.status} ${error!.code}`;
};

const register = (id: number, email: string) =>
  databases.monolith.query('INSERT INTO Users VALUES (?, ?)', [id, email]);

describe('faults 82 the user of the token is the user of the rows', () => {
  test('whoever signs in by an address goes where the bucket of their id says, however they spell it', async () => {
    const [stays, goes] = [idOn('monolith'), idOn('service')];
    await register(stays, 'stays@x.test');
    await register(goes, 'goes@x.test');
    const { control } = await house();
    await control.says(HALF);
    for (const method of ['GET', 'POST']) {
      for (const spelt of ['stays@x.test', 'STAYS@x.test']) expect(await ask(method, says(spelt))).toBe('monolith');
      for (const spelt of ['goes@x.test', 'Goes@X.TEST']) expect(await ask(method, says(spelt))).toBe('service');
      expect(await ask(method, says('goes@x.test', 'Bearer'))).toBe('service');
    }
    // It does not know them, and will say so.
    expect(await ask('POST', says('nobody@x.test'))).toBe('monolith');
  });

  test('staff go where they live by their session; without one, or one that has ended, nobody is named', async () => {
    const id = idOn('service');
    const later = new Date(Date.now() + 3_600_000).toISOString().slice(0, 19);
    const insert = 'INSERT INTO Sessions VALUES (?, ?, ?)';
    await databases.monolith.query(insert, ['staff', later, JSON.stringify({ staff: { id } })]);
    await databases.monolith.query(insert, ['ended', '2020-01-01', JSON.stringify({ staff: { id } })]);
    await databases.monolith.query(insert, ['visitor', later, '{"cookie":{}}']);
    const { control } = await house();
    await control.says(HALF);
    expect(await ask('POST', sessionOf('staff'))).toBe('service');
    for (const other of ['ended', 'visitor', 'gone']) expect(await ask('POST', sessionOf(other))).toBe('monolith');
    expect(await ask('POST', { cookie: 'conduit.sid=s%3Astaff.forged' })).toBe('400 user-unreadable');
  });

  test('an address that changes hands between two writes leads to whom it belongs at each of them', async () => {
    const [stays, goes] = [idOn('monolith'), idOn('service')];
    await register(stays, 'team@x.test');
    await register(goes, 'other@x.test');
    const { control } = await house();
    await control.says(HALF);
    expect(await ask('POST', says('team@x.test'))).toBe('monolith');
    await databases.monolith.query("UPDATE Users SET email = 'former@x.test' WHERE id = ?", [stays]);
    await databases.monolith.query("UPDATE Users SET email = 'team@x.test' WHERE id = ?", [goes]);
    expect(await ask('POST', says('team@x.test'))).toBe('service');
    expect(await ask('POST', says('former@x.test'))).toBe('monolith');
  });

  test('a socket may write, so it asks as a write does', async () => {
    const [stays, goes] = [idOn('monolith'), idOn('service')];
    await register(stays, 'team@x.test');
    const { control, monolith, service } = await house();
    await control.says(HALF);
    expect(await ask('GET', says('team@x.test'))).toBe('monolith');
    await databases.monolith.query('UPDATE Users SET id = ?', [goes]);
    const upgraded: string[] = [];
    for (const [name, { server }] of Object.entries({ monolith, service }))
      server.on('upgrade', (_, socket) => {
        upgraded.push(name);
        socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n');
      });
    const socket = new WebSocket(`ws://${open!.address}/api/articles/live`, { headers: says('team@x.test') });
    socket.on('error', () => {});
    await once(socket, 'unexpected-response');
    expect(upgraded).toEqual(['service']);
  });
});

describe('while the database is away', () => {
  test('faults 83 reads of those who were there lately go on, writes are 503, and nobody is refused before users are split', async () => {
    const goes = idOn('service');
    await register(goes, 'goes@x.test');
    await register(idOn('service', goes + 1), 'new@x.test');
    const { control } = await house();
    await control.says(HALF);
    expect(await ask('POST', says('goes@x.test'))).toBe('service');
    way.swallow();
    expect(await ask('GET', says('goes@x.test'))).toBe('service');
    expect(await Promise.all([ask('POST', says('goes@x.test')), ask('GET', says('new@x.test'))])).toEqual([
      ...['503 user-unknown', '503 user-unknown'],
    ]);
    expect(await ask('GET', {}, '/elsewhere')).toBe('monolith');
    await control.says(NOBODY_MOVED);
    expect(await ask('POST', says('goes@x.test'))).toBe('monolith');
    way.open();
    await control.says(HALF);
    expect(await ask('POST', says('goes@x.test'))).toBe('service');
  });

  test('a proxy starts all the same, and says so', async () => {
    const away = { ...urls, monolith: 'mysql://root:secret@127.0.0.1:1/shop' };
    const { control, logged } = await house({ ...settings(), databases: away });
    expect(logged.map(({ msg, reason }) => `${msg} ${reason}`).join()).toMatch(
      /users are looked up is away.*ECONNREFUSED/,
    );
    await control.says(HALF);
    expect(await ask('POST', says('goes@x.test'))).toBe('503 user-unknown');
    expect(JSON.stringify(logged)).not.toMatch(/goes@x.test|secret/);
  });
});

test('a proxy does not start with a Plan that looks users up where they are not: it names every place', async () => {
  const user = [
    { ...login('Token'), lookup: { ...LOOKUP, match: 'mail' } },
    { row: 'Articles', by: 'authorId', from: 'slug' },
  ];
  const plan = planOf({ monolith: 'http://127.0.0.1:1', service: 'http://127.0.0.1:1', ...settings(user) });
  const error: Error = await startProxy({ plan, listen: '127.0.0.1:0', metrics: '127.0.0.1:0' }).then(
    () => new Error('it started'),
    (refused) => refused,
  );
  expect(error.message).toContain('users cannot be looked up as the Plan says');
  expect(error.message).toContain('Users in the monolith’s database has no column mail');
  expect(error.message).toContain('Articles.authorId in the monolith’s database is not unique');
  expect(error.message).toContain('Articles.authorId in the database of orders is not unique');
});

test('the user of the row that the path names takes the request to where the row lives, wherever it was born', async () => {
  const goes = idOn('service');
  await databases.monolith.query('INSERT INTO Articles VALUES (1, ?, ?)', ['a-story', goes]);
  await databases.service.query('INSERT INTO "Articles" VALUES (2, ?, ?)', ['born-there', goes]);
  const { control } = await house(settings([{ row: 'Articles', by: 'slug', from: 'slug' }]));
  await control.says(HALF);
  for (const slug of ['a-story', 'A-Story', 'born-there'])
    expect(await ask('PUT', {}, `/api/articles/${slug}/title`)).toBe('service');
  expect(await ask('PUT', {}, '/api/articles/nowhere')).toBe('monolith');
  expect(await ask('POST', {}, '/api/articles')).toBe('monolith');
});

test('explain asks the database, too, and says that it does not answer', async () => {
  await register(42, 'ada@x.test');
  const plan = planOf({ monolith: 'http://127.0.0.1:1', service: 'http://127.0.0.1:1', ...settings() });
  const headers = Object.entries(says('Ada@x.test')).flat();
  const { of } = await explain(plan, 'POST', '/api/articles', headers);
  expect(of).toMatchObject({ identity: { user: '42' }, bucket: bucketOf('shop', '42') });
  expect(of!.sources.map(({ source, says: said }) => [source, said])).toEqual([
    ['Users.id of the row whose email is the claim email of the token in Authorization: Token', { user: '42' }],
    ...['Users.id of the row whose email is the claim email of the token in Authorization: Bearer'].map((one) => [
      ...[one, { lack: 'absent', why: 'it names no user' }],
    ]),
    ['staff.id of the session in cookie conduit.sid', { lack: 'absent', why: 'it names no user' }],
  ]);
  way.swallow();
  expect((await explain(plan, 'POST', '/api/articles', headers)).of!.identity).toEqual({
    ...{ lack: 'unknown', why: 'no answer from the monolith’s database within 2.0 s' },
  });
});
