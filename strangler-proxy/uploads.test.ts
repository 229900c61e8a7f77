import { once } from 'node:events';
import { createServer, type IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { finished } from 'node:stream';
import { afterEach, expect, jest, test } from '@jest/globals';
import { bucketOf, MOST_NAMED, type Moving } from '@strangler/plan';
import { PATIENCE_MS } from './blame.ts';
import { Unfinished, Upload } from './body.ts';
import { Raw, statusOf, tcp } from './testing/raw.ts';
import { stage } from './testing/stage.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});
async function set(more: Parameters<typeof stage>[0] = {}) {
  const one = await stage({ handoff: { writeFate: '1h' }, ...more });
  stops.push(one.stop);
  return one;
}

/** Users whose buckets lie in the slice that moves. */
const movers = Array.from({ length: 4_000 }, (_, number) => `u${number}`).filter(
  (user) => bucketOf('shop', user) < 100,
);
const moving: Moving = { epoch: 1, subject: { lo: 0, hi: 100 }, from: 'monolith', to: 'service' };
const head = (user: string, ...more: string[]) =>
  `POST /api/orders HTTP/1.1\r\nHost: a\r\nX-User: ${user}\r\n${more.join('\r\n')}\r\n\r\n`;
const LARGE = 100_000;
const codeOf = (answer: string) => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)).error.code;

/** How long writes of the slice keep it from moving, beyond what the start of this process does. */
async function slice({ control }: Awaited<ReturnType<typeof stage>>) {
  const ack = await control.says({ boundary: 0, pins: {}, moving });
  await control.says({ boundary: 0, pins: {} });
  return ack.flights[0]!;
}

/** A monolith that reads and never answers, or answers with these bytes at once; counts what it got. */
async function silent(says = '') {
  let bytes = 0;
  const upstream = await tcp((socket) => {
    socket.on('data', (chunk) => {
      if (bytes === 0) socket.write(says);
      bytes += chunk.length;
    });
  });
  stops.push(upstream.stop);
  const got = async (least: number) => {
    while (bytes < least) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  const connected = async (least: number) => {
    while (upstream.connections() < least) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  return { url: upstream.url, got, connected };
}

test('a small body that drips is collected: it is in flight for nobody, chunked or not', async () => {
  const one = await set();
  await one.control.says({ boundary: 0, pins: {} });
  const clients = [
    new Raw(one.address).send(`${head(movers[0]!, 'Transfer-Encoding: chunked')}1\r\n{\r\n`),
    new Raw(one.address).send(`${head(movers[1]!, 'Content-Length: 10')}{`),
  ];
  const marker = new Raw(one.address).send(`${head('u', 'Transfer-Encoding: chunked')}3\r\nabc\r\n0\r\n\r\n`);
  expect(statusOf(await marker.answer())).toBe(200);
  expect((await slice(one)).inFlight).toBe(0);
  expect(one.monolith.requests).toMatchObject([{ body: 'abc', headers: { 'content-length': '3' } }]);
  for (const { socket } of [...clients, marker]) socket.destroy();
});

test('a chunked body that turns out large is passed on whole, from its first byte', async () => {
  const one = await set();
  await one.control.says({ boundary: 0, pins: {} });
  const body = Array.from({ length: 30_000 }, (_, nth) => `${nth},`).join('');
  const client = new Raw(one.address).send(head('u', 'Transfer-Encoding: chunked', 'Expect: 100-continue'));
  await client.until((text) => text.includes('100 Continue'));
  for (let at = 0; at < body.length; at += 7_000) {
    const piece = body.slice(at, at + 7_000);
    client.send(`${piece.length.toString(16)}\r\n${piece}\r\n`);
  }
  await client.send('0\r\n\r\n').until((text) => text.includes('200 OK'));
  expect(one.monolith.requests[0]!.body).toBe(body);
  expect(client.received.match(/HTTP\/1\.1 100/g)).toHaveLength(1);
  client.socket.destroy();
});

test('an upload that is broken off was not carried out by a side that waits for all of it: no unknown fate', async () => {
  const monolith = await silent();
  const one = await set({ monolith: monolith.url, handoff: { writeFate: '1h' } });
  await one.control.says({ boundary: 0, pins: {} });
  const atStart = (await slice(one)).unknownFor;
  const client = new Raw(one.address).send(`${head(movers[0]!, `Content-Length: ${LARGE}`)}${'x'.repeat(LARGE - 10)}`);
  await monolith.got(LARGE - 10);
  expect((await slice(one)).inFlight).toBe(1);
  client.socket.destroy();
  while ((await slice(one)).inFlight > 0);
  expect((await slice(one)).unknownFor).toBeLessThanOrEqual(atStart);
  const text = await (await fetch(`http://${one.metricsAddress}/metrics`)).text();
  expect(text).toContain('not_the_sides_total{capability="orders",side="monolith",fault="client"} 1');
  expect(one.control.received.filter(({ type }) => type === 'counts')).toEqual([]);
});

test('an upload whose client goes when all of it has come, but not been passed on, ends too', async () => {
  const taken = Promise.withResolvers<{ request: IncomingMessage; upload: Upload }>();
  const server = createServer((request) =>
    taken.resolve({ request, upload: new Upload(request, 1_000_000, undefined) }),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  stops.push(async () => void server.close());
  const { port } = server.address() as AddressInfo;
  const client = new Raw(`127.0.0.1:${port}`).send(`${head('u', 'Content-Length: 150000')}${'x'.repeat(150_000)}`);
  const { request, upload } = await taken.promise;
  while (!request.complete) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(upload.state).toBe('here');
  client.socket.resetAndDestroy();
  await new Promise((resolve) => finished(upload, resolve));
  expect(upload.errored).toBeInstanceOf(Unfinished);
});

test('unless that side had answered early: it does not wait for the whole body, so nobody knows', async () => {
  const monolith = await silent('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc');
  const one = await set({ monolith: monolith.url, handoff: { writeFate: '1h' } });
  await one.control.says({ boundary: 0, pins: {} });
  const client = new Raw(one.address).send(`${head(movers[0]!, `Content-Length: ${LARGE}`)}${'x'.repeat(LARGE - 10)}`);
  await client.until((text) => text.includes('abc'));
  await monolith.got(LARGE - 10);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const atStart = (await slice(one)).unknownFor;
  const since = performance.now();
  client.socket.destroy();
  while ((await slice(one)).inFlight > 0);
  // Of the process before alone, it would be less by the time that has passed.
  const passed = performance.now() - since;
  expect((await slice(one)).unknownFor).toBeGreaterThan(atStart - passed);
});

test('nor if its early answer has come whole, and the end of it cannot be passed on: the upload was sent all the same', async () => {
  const spy = jest.spyOn(ServerResponse.prototype, 'addTrailers').mockImplementation(() => {
    throw Object.assign(new TypeError('Invalid character in trailer content ["x-sum"]'), { code: 'ERR_INVALID_CHAR' });
  });
  stops.push(async () => spy.mockRestore());
  const chunked = 'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n';
  const monolith = await silent(`${chunked}3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n`);
  const one = await set({ monolith: monolith.url, handoff: { writeFate: '1h' } });
  await one.control.says({ boundary: 0, pins: {} });
  const atStart = (await slice(one)).unknownFor;
  const since = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const takesTrailers = ['TE: trailers', 'Connection: TE', `Content-Length: ${LARGE}`];
  const client = new Raw(one.address).send(`${head(movers[0]!, ...takesTrailers)}${'x'.repeat(LARGE - 10)}`);
  await client.end();
  expect(spy).toHaveBeenCalled();
  while ((await slice(one)).inFlight > 0);
  // Of the process before alone, it would be less by the second and more that has passed.
  const passed = performance.now() - since;
  expect((await slice(one)).unknownFor).toBeGreaterThan(atStart - passed + 500);
});

test('an address may keep some users from moving by large uploads, then it is answered 429; other addresses go on', async () => {
  const monolith = await silent();
  const one = await set({
    ...{ monolith: monolith.url },
    proxy: { trustedHops: ['127.0.0.1'], unfinishedPerAddress: 3, unfinishedPerUser: 2 },
  });
  await one.control.says({ boundary: 0, pins: {} });
  const upload = (user: string, from: string) =>
    new Raw(one.address).send(`${head(user, `X-Forwarded-For: ${from}`, `Content-Length: ${LARGE}`)}x`);
  const clients = [upload('a', '6.6.6.6'), upload('a', '6.6.6.6')];
  await monolith.got(2 * 100);
  const third = await upload('a', '6.6.6.6').answer();
  expect([statusOf(third), codeOf(third)]).toEqual([429, 'too-many-uploads']);
  expect(third).toContain('retry-after: 1');
  clients.push(upload('b', '6.6.6.6'));
  expect(statusOf(await upload('c', '6.6.6.6').answer())).toBe(429);
  // The same user from elsewhere is not shut out by whoever pretends to be that user.
  clients.push(upload('a', '7.7.7.7'));
  await monolith.got(4 * 100);
  const small = new Raw(one.address).send(`${head('a', 'X-Forwarded-For: 6.6.6.6', 'Content-Length: 1')}x`);
  clients[0]!.socket.destroy();
  await clients[0]!.end();
  for (;;) {
    const again = upload('a', '6.6.6.6');
    const refused = await Promise.race([again.answer(), new Promise<''>((resolve) => setTimeout(resolve, 100, ''))]);
    clients.push(again);
    if (!refused) break;
  }
  for (const { socket } of [...clients, small]) socket.destroy();
});

test('an address may leave some writes of unknown fate to one side, then it is answered 503; the other side goes on', async () => {
  const hangs = await silent();
  const one = await set({
    ...{ service: hangs.url },
    proxy: { unfinishedPerAddress: 2, headersTimeout: '50ms' },
  });
  await one.control.says({ boundary: 5_000, pins: {} });
  const low = movers.slice(0, 3);
  const high = Array.from({ length: 99 }, (_, nth) => `u${nth}`).find((user) => bucketOf('shop', user) >= 5_000)!;
  const write = (user: string) => new Raw(one.address).send(`${head(user, 'Content-Length: 1')}x`).answer();
  expect([statusOf(await write(low[0]!)), statusOf(await write(low[1]!))]).toEqual([504, 504]);
  const third = await write(low[2]!);
  expect([statusOf(third), codeOf(third)]).toEqual([503, 'too-many-unknown']);
  expect(statusOf(await write(high))).toBe(200);
});

test('uploads that still drip when a handoff moves their users are cut, however many: they hold up no slice and no name', async () => {
  const monolith = await silent();
  const one = await set({ monolith: monolith.url, handoff: { hold: '200ms', writeFate: '1ms' } });
  await one.control.says({ boundary: 0, pins: {} });
  const dripping = movers.slice(0, MOST_NAMED + 1);
  expect(dripping).toHaveLength(MOST_NAMED + 1);
  const clients = dripping.map((user) =>
    new Raw(one.address).send(`${head(user, `Content-Length: ${LARGE}`)}${'x'.repeat(1_000)}`),
  );
  const awaited = movers[MOST_NAMED + 1]!;
  const whole = new Raw(one.address).send(`${head(awaited, 'Content-Length: 1')}x`);
  await monolith.connected(clients.length + 1);
  const ack = await one.control.says({ boundary: 0, pins: {}, moving });
  expect(ack.flights).toMatchObject([{ inFlight: MOST_NAMED + 2, inFlightOf: [awaited] }]);
  for (const client of clients) {
    const answer = await client.answer();
    expect([statusOf(answer), codeOf(answer)]).toEqual([503, 'upload-cut']);
    expect(answer).toContain('retry-after: 1');
  }
  // The write that is with its side whole is waited for as ever, and those that were cut are of known fate.
  const last = await one.control.hears((all) =>
    all.find((told) => told.type === 'flight' && told.flight.inFlight === 1),
  );
  expect(last).toMatchObject({ flight: { inFlightOf: [awaited], unknownFor: 0, unknownOf: [] } });
  expect(whole.received).toBe('');
  const text = await (await fetch(`http://${one.metricsAddress}/metrics`)).text();
  expect(text).toContain(`not_the_sides_total{capability="orders",side="monolith",fault="proxy"} ${clients.length}`);
  expect(one.control.received.filter(({ type }) => type === 'counts')).toEqual([]);
  for (const { socket } of [...clients, whole]) socket.destroy();
});

test('an upload that comes whole in time, is of nobody who moves, or has its handoff taken back is not cut', async () => {
  const monolith = await silent();
  const one = await set({ monolith: monolith.url, handoff: { hold: '400ms' } });
  await one.control.says({ boundary: 0, pins: {} });
  const stays = Array.from({ length: 99 }, (_, nth) => `u${nth}`).find((user) => bucketOf('shop', user) >= 100)!;
  const upload = (user: string) =>
    new Raw(one.address).send(`${head(user, `Content-Length: ${LARGE}`)}${'x'.repeat(LARGE - 1)}`);
  const [inTime, elsewhere] = [upload(movers[0]!), upload(stays)];
  await monolith.got(2 * LARGE);
  await one.control.says({ boundary: 0, pins: {}, moving });
  inTime.send('x');
  await monolith.got(2 * LARGE + 1);
  await one.control.says({ boundary: 0, pins: {} });
  const freed = upload(movers[1]!);
  await monolith.got(3 * LARGE + 1);
  await one.control.says({ boundary: 0, pins: {}, moving });
  await one.control.says({ boundary: 0, pins: {} });
  await new Promise((resolve) => setTimeout(resolve, 250));
  for (const client of [inTime, elsewhere, freed]) {
    expect([client.received, client.ended]).toEqual(['', 'no']);
    client.socket.destroy();
  }
});

/** What is counted of a monolith that answers an evenly dripping upload so, or resets it, after a while, and then a read. */
async function counted(says: string, after: number, requests: number) {
  const monolith = await tcp((socket) =>
    socket.once('data', (data) => {
      if (data.includes('GET')) socket.end('HTTP/1.1 204 No Content\r\n\r\n');
      else setTimeout(() => (says ? socket.end(says) : socket.resetAndDestroy()), after);
    }),
  );
  stops.push(monolith.stop);
  const one = await set({ monolith: monolith.url });
  await one.control.says({ boundary: 0, pins: {} });
  const client = new Raw(one.address).send(`${head('u', `Content-Length: ${LARGE}`)}${'x'.repeat(LARGE / 2)}`);
  const drip = setInterval(() => client.send('x'), 50);
  await client.answer();
  clearInterval(drip);
  client.socket.destroy();
  await fetch(`http://${one.address}/api/orders`, { headers: { 'x-user': 'v' } });
  const text = await (await fetch(`http://${one.metricsAddress}/metrics`)).text();
  const counts = await one.control.hears((all) => {
    const told = all.flatMap((message) => (message.type === 'counts' ? message.counts : []));
    const sum = (of: 'requests' | 'errors' | 'hard') => told.reduce((total, one) => total + one[of], 0);
    return sum('requests') >= requests && { requests: sum('requests'), errors: sum('errors'), hard: sum('hard') };
  });
  return { ...counts, clients: /not_the_sides_total\{.*fault="client"\} 1$/m.test(text) };
}
const BROKEN: [how: string, says: string][] = [
  ['answers 503', 'HTTP/1.1 503 Broken\r\nContent-Length: 2\r\n\r\nno'],
  ['resets', ''],
];

test('a side that answers 503 as soon as it sees an upload has failed: it waited for nobody', async () => {
  expect(await counted(BROKEN[0]![1], 0, 2)).toEqual({ requests: 2, errors: 1, hard: 0, clients: false });
});

test('a side that resets an upload may have refused it by its head: that says nothing about it', async () => {
  expect(await counted('', 0, 1)).toEqual({ requests: 1, errors: 0, hard: 0, clients: false });
});

test('faults 33 a service that refuses heads too large for it, as Node does, and closes on the body behind them has not failed', async () => {
  const service = createServer((_, response) => response.end('{}'));
  await once(service.listen(0, '127.0.0.1'), 'listening');
  stops.push(async () => {
    service.closeAllConnections();
    service.close();
  });
  const one = await set({ service: `http://127.0.0.1:${(service.address() as AddressInfo).port}` });
  await one.control.says({ boundary: 10_000, pins: {} });
  const pad = Array.from({ length: 8 }, (_, nth) => `X-${nth}: ${'y'.repeat(1_500)}\r\n`).join('');
  const length = 3_000_000;
  for (let sent = 0; sent < 5; sent++) {
    const client = new Raw(one.address).send(
      `POST /api/orders/${'u'.repeat(7_000)} HTTP/1.1\r\nHost: a\r\nX-User: u\r\n${pad}Content-Length: ${length}\r\n\r\n`,
    );
    client.send('x'.repeat(length));
    await client.answer();
    client.socket.destroy();
  }
  await fetch(`http://${one.address}/api/orders`, { headers: { 'x-user': 'v' } });
  const counts = await one.control.hears((all) => {
    const told = all.flatMap((message) => (message.type === 'counts' ? message.counts : []));
    return told.some(({ requests, clientErrors }) => requests > clientErrors) && told;
  });
  expect(counts.reduce((sum, { errors }) => sum + errors, 0)).toBe(0);
});

test.each(BROKEN)('a side that %s when an upload has dripped for a while has not failed', async (_, says) => {
  expect(await counted(says, PATIENCE_MS + 100, 1)).toEqual({ requests: 1, errors: 0, hard: 0, clients: true });
});
