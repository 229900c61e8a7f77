import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import express from 'express';
import type { Rule } from '../rules/rules.ts';
import { HarFile } from './har-file.ts';
import { startRecorder } from './recorder.ts';
import { openRecording } from './recording.ts';
import { type ReplayOptions, type ReplayReport, replay } from './replay.ts';
import type { Source } from './side.ts';

let folder: string;
let file: string;
const servers: Server[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'replay-'));
  file = join(folder, 'shop.har');
});

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await rm(folder, { recursive: true });
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  servers.push(server);
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Order {
  id: number;
  user: string;
  total: number;
  productId: number;
}

/** A shop with its own ids, tokens, sessions and versions; accounts are made in it, or there from the start. */
function shop(
  firstId: number,
  { total = (cents: number) => cents / 100, accounts = {} as Record<string, string> } = {},
) {
  const known = new Map(Object.entries(accounts));
  const sessions = new Map<string, string>();
  const orders: Order[] = [];
  const seen: string[] = [];
  const keys = new Map<string, Order>();
  const app = express();
  app.set('etag', false);
  app.use(express.json(), express.urlencoded());
  app.use((request, _response, next) => {
    seen.push(`${request.method} ${request.originalUrl}`);
    next();
  });
  app.post('/register', (request, response) => {
    known.set(request.body.email, request.body.password);
    response.status(201).json({ ok: true });
  });
  app.post('/login', (request, response) => {
    if (known.get(request.body.email) !== request.body.password) return void response.status(401).json({ error: 'no' });
    const token = `token-${firstId}-${sessions.size}-of-this-side`;
    sessions.set(token, request.body.email);
    response.cookie('sid', token).json({ token, user: { email: request.body.email } });
  });
  app.use((request, response, next) => {
    const cookie = /sid=([^;]+)/.exec(request.headers.cookie ?? '')?.[1];
    const user = sessions.get(request.headers.authorization?.slice('Bearer '.length) ?? cookie ?? '');
    if (user === undefined) return void response.status(401).json({ error: 'who are you' });
    response.locals.user = user;
    next();
  });
  app.post('/orders', (request, response) => {
    const key = request.headers['idempotency-key'];
    const before = typeof key === 'string' ? keys.get(key) : undefined;
    const { cents, productId } = request.body;
    const order = before ?? { id: firstId + orders.length, user: response.locals.user, total: total(cents), productId };
    if (!before) orders.push(order);
    if (typeof key === 'string') keys.set(key, order);
    response
      .status(before ? 200 : 201)
      .location(`/orders/${order.id}`)
      .json({ id: order.id, total: order.total });
  });
  const own = (user: string) => orders.filter((order) => order.user === user);
  app.get('/orders', (_request, response) => {
    response.json({ items: own(response.locals.user).map(({ id, total }) => ({ id, total })) });
  });
  app.get('/orders/:id', (request, response) => {
    const order = own(response.locals.user).find(({ id }) => String(id) === request.params.id);
    if (!order) return void response.status(404).json({ error: 'no such order' });
    response.setHeader('etag', `"version-${firstId}-${order.id}"`);
    response.json({ id: order.id, total: order.total });
  });
  app.post('/orders/:id/note', (request, response) => {
    const { orderId, quantity } = request.body;
    const version = request.headers['if-match'];
    response.json({
      same: String(orderId) === request.params.id,
      quantity,
      fresh: version === `"version-${firstId}-${orderId}"`,
    });
  });
  app.get('/form', (_request, response) => {
    response.send(`<form><input type="hidden" name="_nonce" value="nonce-${firstId}-abcdef"></form>`);
  });
  app.post('/form', (request, response) => {
    response.send(request.body._nonce === `nonce-${firstId}-abcdef` ? 'taken' : 'refused');
  });
  return { app, seen, orders };
}

/** Sends requests through a recorder in front of this shop. */
async function recordTraffic(
  app: RequestListener,
  traffic: (url: string) => Promise<void>,
  known?: ReadonlyMap<string, string>,
): Promise<void> {
  const cap = 1_000_000;
  const recorder = await startRecorder({
    target: new URL(await serve(app)),
    host: '127.0.0.1',
    port: 0,
    file: await HarFile.create(file, { until: '2999-01-01T00:00:00.000Z', redacted: [] }),
    redaction: { key: 'k', ...(known && { known }) },
    cap,
    most: { entries: 10_000, bytes: 100_000_000 },
  });
  await traffic(recorder.url);
  await recorder.stop();
}

const send = async (url: string, method: string, body?: unknown, headers: Record<string, string> = {}) => {
  const response = await fetch(url, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { headers: response.headers, body: await response.text() };
};

async function play(old: Source | RequestListener, newer: Source | RequestListener, more: Partial<ReplayOptions> = {}) {
  const source = async (one: Source | RequestListener): Promise<Source> =>
    typeof one === 'function' ? { url: await serve(one) } : one;
  const recording = await openRecording(file, new Date());
  try {
    return await replay(recording, await source(old), await source(newer), {
      speed: 'max',
      concurrency: 8,
      writes: true,
      rules,
      ...more,
    });
  } finally {
    await recording.close();
  }
}
const countsOf = ({ report }: ReplayReport) =>
  Object.fromEntries(Object.entries(report.counts).filter(([, count]) => count > 0));

const rules: Rule[] = [
  { id: 'id', reason: 'each side mints its own', path: '$.id', kind: 'id-map', map: 'order' },
  { id: 'ids', reason: 'each side mints its own', path: '$.items[*].id', kind: 'id-map', map: 'order' },
  { id: 'location', reason: 'holds the id', path: 'headers.location', kind: 'shape-only' },
  { id: 'token', reason: 'signed by each side', path: '$.token', kind: 'shape-only' },
  { id: 'nonce', reason: 'each form has its own', path: '$', kind: 'shape-only', routes: ['GET /form'] },
];

/** One user registers, logs in, and orders; every id and token later on is the recorded side's. */
async function buy(url: string, email: string, orders = 2): Promise<void> {
  await send(`${url}/register`, 'POST', { email, password: `pw of ${email}` });
  const { token } = JSON.parse((await send(`${url}/login`, 'POST', { email, password: `pw of ${email}` })).body);
  const headers = { authorization: `Bearer ${token}` };
  for (let n = 0; n < orders; n++) {
    const { id } = JSON.parse((await send(`${url}/orders`, 'POST', { cents: 1990 + n, productId: 1 }, headers)).body);
    const { headers: read } = await send(`${url}/orders/${id}`, 'GET', undefined, headers);
    const note = { orderId: id, quantity: id };
    await send(`${url}/orders/${id}/note?order_id=${id}`, 'POST', note, { ...headers, 'if-match': read.get('etag')! });
  }
  await send(`${url}/orders`, 'GET', undefined, headers);
}

describe('replay', () => {
  test('plays a redacted recording against two sides with ids and tokens of their own, and finds that they agree', async () => {
    await recordTraffic(shop(1).app, async (url) => {
      await Promise.all([buy(url, 'ada@example.test'), buy(url, 'bob@example.test')]);
    });
    const [old, newer] = [shop(500), shop(9_000)];
    const result = await play(old.app, newer.app);
    expect(countsOf(result)).toEqual({ equal: 6, 'equal-by-rule': 12 });
    expect([result.played, result.users, result.leftOut.size]).toEqual([18, 3, 0]);
    expect([old.orders.length, newer.orders.length]).toEqual([4, 4]);
  });

  test('finds a wrong rounding planted in the candidate, and where it is', async () => {
    await recordTraffic(shop(1).app, (url) => buy(url, 'ada@example.test'));
    const wrong = shop(9_000, { total: (cents) => Math.round(cents / 100) });
    const { report } = await play(shop(500).app, wrong.app);
    expect(report.tally.groups.map(({ route, path, kind }) => `${route} ${path} ${kind}`).sort()).toEqual([
      'GET /orders $.items[*].total value',
      'GET /orders/{id} $.total value',
      'POST /orders $.total value',
    ]);
    expect(report.tally.groups.flatMap(({ samples }) => samples)).toContainEqual(
      expect.objectContaining({ old: '19.9', new: '20', at: 'entry 3' }),
    );
  });

  test('maps ids by what they are of: in paths, queries and bodies, and nothing else that has the same value', async () => {
    await recordTraffic(shop(1).app, (url) => buy(url, 'ada@example.test'));
    const [old, newer] = [shop(500), shop(9_000)];
    const result = await play(old.app, newer.app);
    expect(newer.seen).toContain('POST /orders/9000/note?order_id=9000');
    expect(old.seen).toContain('GET /orders/501');
    expect(result.report.agreed).toBe(true); // the note says same: true, quantity 1 as recorded, and fresh: true
    const notes = result.report.cases.filter(({ path }) => path.includes('note'));
    expect(notes.map(({ old: status, result: { kind } }) => [status, kind])).toEqual([
      [200, 'equal'],
      [200, 'equal'],
    ]);
  });

  test('keeps the order of one user, and plays users beside each other', async () => {
    const users = Array.from({ length: 12 }, (_, n) => `user${n}`);
    const order = new Map<string, string[]>();
    let [underWay, most] = [0, 0];
    const slow: RequestListener = (request, response) => {
      const user = request.headers['x-user'] as string;
      order.set(user, [...(order.get(user) ?? []), request.url!]);
      most = Math.max(most, ++underWay);
      setTimeout(
        () => {
          underWay--;
          response.end('{}');
        },
        Number(request.url!.slice(1)) % 3,
      );
    };
    const started = Date.parse('2026-01-01T00:00:00Z');
    const entries = Array.from({ length: 240 }, (_, n) =>
      har('POST', `/${n}`, { user: users[n % 12]!, at: started + n * 5 }),
    );
    // The file has them in the order in which replies ended, as recorders write.
    await writeHar(entries.toSorted((a, b) => a.request.url.localeCompare(b.request.url)));
    const result = await play(slow, (_request, response) => response.end('{}'), { concurrency: 6, rules: [] });
    expect(countsOf(result)).toEqual({ equal: 240 });
    for (const [n, user] of users.entries())
      expect(order.get(user)).toEqual(Array.from({ length: 20 }, (_, time) => `/${n + time * 12}`));
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(6);
  });

  test('lets reads of one user overlap that did when they were recorded, and nothing else', async () => {
    const arrived: string[] = [];
    const both = Promise.withResolvers<void>();
    const side: RequestListener = async (request, response) => {
      arrived.push(request.url!);
      if (arrived.length === 2) both.resolve();
      if (request.url !== '/later') await both.promise; // neither is answered before both have come
      response.end();
    };
    await writeHar([
      har('GET', '/one', { at: 1_000, time: 500 }),
      har('GET', '/two', { at: 1_100, time: 500 }),
      har('GET', '/later', { at: 2_000 }),
    ]);
    expect(countsOf(await play(side, (_request, response) => response.end(), { rules: [] }))).toEqual({ equal: 3 });
    expect(arrived.at(-1)).toBe('/later');
  });

  test('sends no write unless it is told to, and says how many it left out', async () => {
    await recordTraffic(shop(1).app, (url) => buy(url, 'ada@example.test'));
    const old = shop(1);
    const result = await play(old.app, shop(1).app, { writes: false });
    expect(old.seen).toEqual([]); // reads need a token, which the recording does not hold and nobody has logged in for
    expect(result.leftOut).toEqual(new Map([['writes', 6]]));
    expect(result.report.cases[0]!.result).toMatchObject({
      kind: 'not-comparable',
      reason: expect.stringMatching(/^the recording does not hold the authorization of user \w+$/),
    });
    const login = await play(old.app, shop(1).app, { writes: false, asReads: ['POST /register', 'POST /login'] });
    expect(old.seen.filter((one) => one.startsWith('POST')).sort()).toEqual(['POST /login', 'POST /register']);
    expect(login.leftOut).toEqual(new Map([['writes', 4]]));
  });

  test('takes credentials for redacted ones by user, and secrets by name', async () => {
    const accounts = { 'ada@example.test': 'ada-pw' };
    const known = new Map([
      ['ada-pw', 'ada-password'],
      ['ada@example.test', 'ada'],
    ]);
    await recordTraffic(
      shop(1, { accounts }).app,
      async (url) => {
        const { body } = await send(`${url}/login`, 'POST', { email: 'ada@example.test', password: 'ada-pw' });
        await send(`${url}/orders`, 'GET', undefined, { authorization: `Bearer ${JSON.parse(body).token}` });
      },
      known,
    );
    const named = new Map([
      ['ada-password', 'ada-pw'],
      ['ada', 'ada@example.test'],
    ]);
    expect(countsOf(await play(shop(5, { accounts }).app, shop(6, { accounts }).app, { known: named }))).toEqual({
      equal: 1,
      'equal-by-rule': 1,
    });
    const without = await play(shop(5, { accounts }).app, shop(6, { accounts }).app);
    expect(without.report.cases.map(({ result }) => result.reason)).toEqual([
      'the secret ada is not among those given',
      expect.stringContaining('the recording does not hold the authorization'),
    ]);
    const users = new Map([['*', { authorization: 'Bearer mine' }]]);
    const echo: RequestListener = (request, response) => response.end(request.headers.authorization ?? request.url);
    const given = await play(echo, echo, { users, known: named });
    expect(countsOf(given)).toEqual({ equal: 2 });
  });

  test('does not call it agreement when both sides lack what the recording is about', async () => {
    await writeHar([har('GET', '/orders/7', { status: 200 }), har('GET', '/orders/8', { status: 404, at: 100 })]);
    const nothing: RequestListener = (_request, response) => response.writeHead(404).end();
    const result = await play(nothing, nothing, { rules: [] });
    expect(result.report.cases.map(({ result: { kind, reason } }) => [kind, reason])).toEqual([
      ['not-comparable', 'recorded was 200, but now both sides answer 404'],
      ['equal', undefined],
    ]);
  });

  test('follows cookies and the hidden fields of forms', async () => {
    const accounts = { ada: 'password of ada' };
    const jar = 'a browser keeps what it is given';
    await recordTraffic(
      shop(1, { accounts }).app,
      async (url) => {
        const { headers } = await send(`${url}/login`, 'POST', { email: 'ada', password: accounts.ada });
        const cookie = `${headers.getSetCookie()[0]!.split(';')[0]}; theme=${encodeURIComponent(jar)}`;
        const form = await send(`${url}/form`, 'GET', undefined, { cookie });
        const nonce = /value="([^"]+)"/.exec(form.body)![1]!;
        await fetch(`${url}/form`, {
          method: 'POST',
          headers: { cookie },
          body: new URLSearchParams({ _nonce: nonce }),
        });
      },
      new Map([
        [accounts.ada, 'ada-password'],
        ['ada', 'ada-mail'],
      ]),
    );
    const known = new Map([
      ['ada-password', accounts.ada],
      ['ada-mail', 'ada'],
    ]);
    const [old, newer] = [shop(5, { accounts }), shop(6, { accounts })];
    const result = await play(old.app, newer.app, { known });
    expect(result.report.cases.map(({ path, old: status, result: { kind } }) => [path, status, kind])).toEqual([
      ['/login', 200, 'equal-by-rule'],
      ['/form', 200, 'equal-by-rule'],
      ['/form', 200, 'equal'],
    ]);
  });

  test('gives idempotency keys of its own, the same for a repeated request and on both sides', async () => {
    const accounts = { ada: 'password of ada' };
    const [recorded, newer] = [shop(1, { accounts }), shop(6, { accounts })];
    await recordTraffic(
      recorded.app,
      async (url) => {
        const { token } = JSON.parse(
          (await send(`${url}/login`, 'POST', { email: 'ada', password: accounts.ada })).body,
        );
        const headers = { authorization: `Bearer ${token}`, 'idempotency-key': 'k-1' };
        for (let n = 0; n < 2; n++) await send(`${url}/orders`, 'POST', { cents: 100, productId: 1 }, headers);
      },
      new Map([
        [accounts.ada, 'ada-password'],
        ['ada', 'ada-mail'],
      ]),
    );
    // Against the shop it was recorded from, which has seen the key.
    const result = await play(recorded.app, newer.app, {
      known: new Map([
        ['ada-password', accounts.ada],
        ['ada-mail', 'ada'],
      ]),
    });
    expect(result.report.cases.map(({ old, new: status }) => [old, status])).toEqual([
      [200, 200],
      [201, 201],
      [200, 200],
    ]);
    expect([recorded.orders.length, newer.orders.length]).toEqual([2, 1]);
  });

  test('compares recorded replies with a live side, and with those recorded of the candidate', async () => {
    const side =
      (total: number): RequestListener =>
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ total, token: `token-${total}`, mail: 'ada@example.test' }));
      };
    const cap = 10_000;
    const recorder = await startRecorder({
      target: new URL(await serve(side(5))),
      candidate: new URL(await serve(side(6))),
      host: '127.0.0.1',
      port: 0,
      file: await HarFile.create(file, { until: '2999-01-01T00:00:00.000Z', redacted: [] }),
      redaction: { key: 'k' },
      cap,
      most: { entries: 10, bytes: 1_000_000 },
    });
    await send(`${recorder.url}/orders/7`, 'GET');
    await send(`${recorder.url}/orders`, 'POST', {});
    await recorder.stop();
    const offline = await play('recorded', 'candidate', { rules: [] });
    expect(offline.report.tally.groups.map(({ path }) => path).sort()).toEqual(['$.token', '$.total']);
    expect(offline.leftOut).toEqual(new Map([['not asked of the candidate when it was recorded', 1]]));
    expect(countsOf(await play('recorded', side(5), { rules: [], writes: false }))).toEqual({ equal: 1 });
    const { report } = await play('recorded', side(7), { rules: [], writes: false });
    expect(report.tally.groups.map(({ path }) => path)).toEqual(['$.total']);
  });

  test('H1, H5, H6: one entry that cannot be played stops no other, is named, and no base64 is sent as a body', async () => {
    const good = Array.from({ length: 10 }, (_, nth) => har('GET', `/${nth}`));
    const at = (url: string) => ({ ...har('GET', '/'), request: { ...har('GET', '/').request, url } });
    const post = (text: string, more: object = { encoding: 'base64' }) => ({
      ...har('POST', '/upload'),
      request: {
        ...har('POST', '/upload').request,
        bodySize: 5,
        postData: { mimeType: 'application/octet-stream', text, ...more },
      },
    });
    const headless = {
      ...har('GET', '/headers'),
      request: { ...har('GET', '/headers').request, headers: [{ name: 'a b', value: '1' }] },
    };
    const nulls = { ...har('GET', '/null'), response: { status: 200, headers: [], content: { text: null } } };
    const blobs = [at('blob:http://shop.test/1b4f'), at('data:text/plain,x'), at('wss://shop.test/live')];
    const posts = [
      post(Buffer.from('a\0b\xffc', 'latin1').toString('base64')),
      post('plain, not base64'),
      post('x', { encoding: 'br' }),
    ];
    await writeHar([...good.slice(0, 5), nulls, ...blobs, headless, ...posts, ...good.slice(5)]);
    const seen: string[] = [];
    const side: RequestListener = (request, response) => {
      const chunks: Buffer[] = [];
      request
        .on('data', (chunk) => chunks.push(chunk))
        .on('end', () => {
          if (request.method === 'POST') seen.push(Buffer.concat(chunks).toString('latin1'));
          response.end();
        });
    };
    const result = await play(side, side, { rules: [] });
    expect(countsOf(result)).toEqual({ equal: 12, 'not-comparable': 2 });
    expect(Object.fromEntries(result.leftOut)).toEqual({
      'unusable: the entry has a response whose content holds no text': 1,
      'not HTTP: blob': 1,
      'not HTTP: data': 1,
      'not HTTP: wss': 1,
    });
    const reasons = result.report.cases.flatMap(({ result: { reason } }) => reason ?? []);
    expect(reasons).toEqual([expect.stringMatching(/^it cannot be sent: /), 'its encoding br is unknown here']);
    expect(seen.sort()).toEqual(['a\0b\xffc', 'a\0b\xffc', 'plain, not base64', 'plain, not base64']);
  });

  test('H3: a reply that was 304 is no reply to a request without its condition', async () => {
    const conditional = har('GET', '/a', { status: 304 });
    conditional.request.headers.push({ name: 'If-None-Match', value: '"1"' });
    await writeHar([conditional]);
    const asked: unknown[] = [];
    const side: RequestListener = (request, response) => {
      asked.push(request.headers['if-none-match']);
      response.setHeader('etag', '"1"').end('whole');
    };
    const stored = await play('recorded', side, { rules: [] });
    expect([countsOf(stored), stored.report.cases[0]!.result.reason]).toEqual([
      { 'not-comparable': 1 },
      expect.stringContaining('recorded was 304'),
    ]);
    expect(countsOf(await play(side, side, { rules: [] }))).toEqual({ equal: 1 });
    expect(asked).toEqual([undefined, undefined, undefined]);
  });

  test('plays at the speed it is told: as recorded, or many times as fast', async () => {
    await writeHar([har('GET', '/a', { at: 0 }), har('GET', '/b', { at: 300 }), har('GET', '/c', { at: 600 })]);
    const arrived: number[] = [];
    const side: RequestListener = (_request, response) => {
      arrived.push(performance.now());
      response.end();
    };
    const began = performance.now();
    await play(side, (_request, response) => response.end(), { speed: 2, rules: [] });
    // Never sooner, but for what a timer may be off; how much later is up to the machine.
    expect(arrived[2]! - began).toBeGreaterThan(298);
  });

  test('stops when it is told to, and reports what was played', async () => {
    await writeHar([har('GET', '/a', { at: 0 }), har('GET', '/b', { at: 3_600_000 })]);
    const stop = new AbortController();
    const side: RequestListener = (_request, response) => response.end();
    const result = await play(side, side, { speed: 1, rules: [], signal: stop.signal, onProgress: () => stop.abort() });
    expect([result.played, countsOf(result)]).toEqual([1, { equal: 1 }]);
  });
});

const har = (method: string, path: string, { user = '', at = 0, time = 1, status = 200 } = {}) => ({
  startedDateTime: new Date(at).toISOString(),
  time,
  request: {
    method,
    url: `http://shop.test${path}`,
    headers: user ? [{ name: 'X-User', value: user }] : [],
    bodySize: 0,
  },
  response: { status, headers: [], content: { size: 0, mimeType: '' } },
  ...(user && { _user: user }),
});

const writeHar = (entries: readonly object[]) =>
  writeFile(file, JSON.stringify({ log: { version: '1.2', entries } }, undefined, 2));
