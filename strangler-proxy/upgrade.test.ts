import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { bucketOf, type Moving } from '@strangler/plan';
import { WebSocket, WebSocketServer } from 'ws';
import { Raw, statusOf, tcp } from './testing/raw.ts';
import { stage } from './testing/stage.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const userIn = (lo: number, hi: number): string => {
  for (let number = 0; ; number++) {
    const bucket = bucketOf('shop', `u${number}`);
    if (bucket >= lo && bucket < hi) return `u${number}`;
  }
};
const mover = userIn(0, 100);
const other = userIn(100, 200);
const moving: Moving = { epoch: 1, subject: { lo: 0, hi: 100 }, from: 'monolith', to: 'service' };

/** A WebSocket upstream that says its name, echoes, and remembers how sockets closed. */
async function wsUpstream(name: string) {
  const closes: number[] = [];
  const urls: string[] = [];
  const headers: Record<string, unknown>[] = [];
  const rawHeaders: string[][] = [];
  const http = createServer((_, response) => response.end('plain'));
  const server = new WebSocketServer({ server: http });
  server.on('connection', (socket, request) => {
    urls.push(request.url!);
    headers.push(request.headers);
    rawHeaders.push(request.rawHeaders);
    socket.on('close', (code) => closes.push(code));
    socket.on('message', (data) => socket.send(`${name} ${data}`));
  });
  await once(http.listen(0, '127.0.0.1'), 'listening');
  return {
    ...{
      closes,
      urls,
      headers,
      rawHeaders,
      server,
      http,
      url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    },
    stop: async () => {
      for (const socket of server.clients) socket.terminate();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

async function set(more: Parameters<typeof stage>[0] = {}) {
  const monolith = await wsUpstream('monolith');
  const service = await wsUpstream('service');
  const one = await stage({ monolith: monolith.url, service: service.url, ...more });
  stops.push(one.stop, monolith.stop, service.stop);
  return { ...one, monolith, service };
}

async function connect(address: string, path: string, user: string | string[]) {
  const socket = new WebSocket(`ws://${address}${path}`, { headers: { 'x-user': user } });
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  await once(socket, 'open');
  return {
    socket,
    closed,
    async says(text: string): Promise<string> {
      socket.send(text);
      const [data] = await once(socket, 'message');
      return String(data);
    },
  };
}

test('a WebSocket goes to the user’s side, with our headers and rewrites, and what is no capability to the monolith', async () => {
  const { address, control, service } = await set({ rewrite: { '^/api': '' } });
  await control.says({ boundary: 100, pins: {} });
  const mine = await connect(address, '/api/orders/live?x=1', mover);
  expect(await mine.says('hi')).toBe('service hi');
  expect(service.urls).toEqual(['/orders/live?x=1']);
  expect(service.headers[0]).toMatchObject({ 'x-forwarded-for': '127.0.0.1' });
  expect(service.headers[0]!['x-correlation-id']).toBeDefined();
  const other = await connect(address, '/chat', mover);
  expect(await other.says('hi')).toBe('monolith hi');
  mine.socket.terminate();
  other.socket.terminate();
});

test('faults 24 at a handoff the socket of a moving user is closed with 1001, and counts as a write until then', async () => {
  const { address, control, monolith } = await set();
  await control.says({ boundary: 0, pins: {} });
  const mine = await connect(address, '/api/orders/live', mover);
  const other = await connect(address, '/api/orders/live', userIn(100, 10_000));
  await mine.says('hi');
  const ack = await control.says({ boundary: 0, pins: {}, moving });
  expect(ack.flights).toMatchObject([{ inFlight: 1 }]);
  expect(await mine.closed).toBe(1001);
  await control.hears((all) => all.find((one) => one.type === 'flight'));
  expect(monolith.closes).toEqual([1001]);
  expect(await other.says('still')).toBe('monolith still');
  other.socket.terminate();
});

test('faults 83 a socket whose user could not be read may be of anybody: it is closed as soon as somebody moves', async () => {
  const { address, control, monolith } = await set();
  await control.says({ boundary: 0, pins: {} });
  const somebodys = await connect(address, '/api/orders/live', [mover, other]);
  const nobodys = await connect(address, '/chat', [mover, other]);
  expect(await somebodys.says('hi')).toBe('monolith hi');
  const ack = await control.says({ boundary: 0, pins: {}, moving });
  expect(ack.flights).toMatchObject([{ inFlight: 1, inFlightOf: [] }]);
  expect(await somebodys.closed).toBe(1001);
  await control.hears((all) => all.find((one) => one.type === 'flight'));
  expect(monolith.closes).toEqual([1001]);
  expect(await nobodys.says('still')).toBe('monolith still');
  nobodys.socket.terminate();
});

test('faults 24 a socket the Plan calls read-only stays, and keeps its side for life', async () => {
  const { address, control } = await set();
  await control.says({ boundary: 0, pins: {} });
  const mine = await connect(address, '/api/orders/watch', mover);
  const ack = await control.says({ boundary: 0, pins: {}, moving });
  expect(ack.flights).toMatchObject([{ inFlight: 0 }]);
  await control.says({ boundary: 100, pins: {} });
  expect(await mine.says('hi')).toBe('monolith hi');
  mine.socket.terminate();
});

test('faults 24 the close waits for the end of a message that is being sent', async () => {
  const { address, control, monolith } = await set();
  await control.says({ boundary: 0, pins: {} });
  const mine = await connect(address, '/api/orders/live', mover);
  const whole = 'x'.repeat(3_000_000);
  mine.socket.once('message', () => mine.socket.pause());
  await mine.says('begin');
  const messages: number[] = [];
  mine.socket.on('message', (data) => messages.push(String(data).length));
  for (const socket of monolith.server.clients) socket.send(whole);
  await control.says({ boundary: 0, pins: {}, moving });
  mine.socket.resume();
  expect(await mine.closed).toBe(1001);
  expect(messages).toEqual([whole.length]);
});

test('faults 24 a new socket of a moving user is answered 503', async () => {
  const { address, control } = await set();
  await control.says({ boundary: 0, pins: {}, moving });
  const socket = new WebSocket(`ws://${address}/api/orders/live`, { headers: { 'x-user': mover } });
  const [, response] = await once(socket, 'unexpected-response');
  expect(response.statusCode).toBe(503);
  socket.on('error', () => {});
  socket.terminate();
});

const UPGRADE = (path: string) =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;

test('faults 24 a refused upgrade relays the side’s status', async () => {
  const upstream = await tcp((socket) => {
    socket.on('data', () => socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\n\r\nshoo'));
  });
  const { address } = await set({ monolith: upstream.url });
  stops.push(upstream.stop);
  const answer = await new Raw(address).send(UPGRADE('/chat')).end();
  expect(statusOf(answer)).toBe(401);
  expect(answer).toContain('shoo');
});

test('faults 24 a side that cannot be reached is a 502, one that does not answer a 504', async () => {
  const silent = await tcp(() => {});
  const { address } = await set({ monolith: silent.url, proxy: { headersTimeout: '100ms' } });
  expect(statusOf(await new Raw(address).send(UPGRADE('/chat')).end())).toBe(504);
  await silent.stop();
  expect(statusOf(await new Raw(address).send(UPGRADE('/chat')).end())).toBe(502);
});

test('faults 24 when the side dies the client is closed', async () => {
  const { address, monolith } = await set();
  const mine = await connect(address, '/chat', mover);
  await mine.says('hi');
  for (const socket of monolith.server.clients) socket.terminate();
  expect(await mine.closed).toBe(1006);
});

test('an upgrade that is ambiguous is refused like any request', async () => {
  const { address, monolith } = await set();
  expect(statusOf(await new Raw(address).send(UPGRADE('/a/%2e%2e/b')).end())).toBe(400);
  expect(monolith.urls).toEqual([]);
});

test('faults 57 when the proxy stops, sockets are closed with 1001', async () => {
  const { address, proxy } = await set();
  const mine = await connect(address, '/chat', mover);
  const stopped = proxy.stop();
  expect(await mine.closed).toBe(1001);
  await stopped;
});

/** An upgrade of orders by this user, with these lines instead of the usual ones. */
const upgradeOf = (user: string, ...lines: string[]) =>
  `GET /api/orders/live HTTP/1.1\r\nHost: a\r\nX-User: ${user}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${lines.join('\r\n')}\r\n\r\n`;
const VERSION = 'Sec-WebSocket-Version: 13';
const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
type Set = Awaited<ReturnType<typeof set>>;
/** What was counted of the service until there were so many requests; sends one of its own, which is the last. */
async function countsOfService({ address, control }: Set, requests: number) {
  await (await fetch(`http://${address}/api/orders`, { method: 'DELETE', headers: { 'x-user': other } })).text();
  return control.hears((all) => {
    const counts = all.flatMap((one) => (one.type === 'counts' ? one.counts : []));
    const sum = (of: 'requests' | 'hard' | 'errors') => counts.reduce((total, one) => total + one[of], 0);
    return sum('requests') >= requests && { requests: sum('requests'), hard: sum('hard'), errors: sum('errors') };
  });
}

test('faults 22 names such as constructor and __proto__ go through an upgrade as any other', async () => {
  const { address, control, monolith } = await set();
  await control.says({ boundary: 0, pins: {} });
  const names = ['constructor', '__proto__', 'toString', 'hasOwnProperty'];
  const socket = new Raw(address).send(upgradeOf(mover, VERSION, KEY, ...names.map((name) => `${name}: x, y`)));
  expect(statusOf(await socket.until((text) => text.includes('\r\n\r\n')))).toBe(101);
  const { rawHeaders } = monolith;
  for (const name of names) expect(rawHeaders[0]!.join(' ').toLowerCase()).toContain(`${name.toLowerCase()} x, y`);
  socket.socket.destroy();
});

test('upgrades that no server may accept never reach a side, and say nothing about it', async () => {
  const one = await set();
  await one.control.says({ boundary: 10_000, pins: {} });
  const malformed = [
    upgradeOf(mover),
    upgradeOf(mover, VERSION),
    upgradeOf(mover, VERSION, 'Sec-WebSocket-Key: short'),
    upgradeOf(mover, VERSION, KEY, KEY),
    upgradeOf(mover, 'Sec-WebSocket-Version: 8', KEY),
    upgradeOf(mover, VERSION, KEY, 'Content-Length: 3'),
    upgradeOf(mover, VERSION, KEY, 'Transfer-Encoding: chunked'),
    upgradeOf(mover, VERSION, KEY).replace('Host: a\r\n', ''),
    upgradeOf(mover, VERSION, KEY, 'Host: b'),
  ];
  for (const bytes of malformed) expect(statusOf(await new Raw(one.address).send(bytes).end())).toBe(400);
  expect(one.service.urls).toEqual([]);
  expect(await countsOfService(one, 1)).toEqual({ requests: 1, hard: 0, errors: 0 });
});

test('an upgrade of HTTP/1.0 is a plain request, as RFC 9110 has it', async () => {
  const one = await set();
  await one.control.says({ boundary: 10_000, pins: {} });
  const bytes = upgradeOf(mover, VERSION, KEY).replace('HTTP/1.1', 'HTTP/1.0').replace('Host: a\r\n', '');
  for (let nth = 0; nth < 5; nth++) expect(statusOf(await new Raw(one.address).send(bytes).end())).toBe(200);
  expect(await countsOfService(one, 6)).toEqual({ requests: 6, hard: 0, errors: 0 });
});

test('a client that leaves before the side has answered its upgrade says nothing about the side', async () => {
  const asked = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  const silent = await tcp((socket, nth) => {
    socket.on('data', () => (nth === 1 ? asked.resolve() : socket.write('HTTP/1.1 204 No Content\r\n\r\n')));
    socket.on('close', () => closed.resolve());
  });
  stops.push(silent.stop);
  const one = await set({ service: silent.url });
  await one.control.says({ boundary: 10_000, pins: {} });
  const client = new Raw(one.address).send(upgradeOf(mover, VERSION, KEY));
  await asked.promise;
  client.socket.resetAndDestroy();
  await closed.promise;
  expect(await countsOfService(one, 1)).toEqual({ requests: 1, hard: 0, errors: 0 });
});

test('ten users who ask for a WebSocket where a side destroys them, as the README of ws has it, say nothing about it', async () => {
  const one = await set();
  one.service.http.prependListener('upgrade', (request, socket) => {
    if (request.url !== '/ws') socket.destroy();
  });
  await one.control.says({ boundary: 10_000, pins: {} });
  const users = Array.from({ length: 10 }, (_, nth) => `forged${nth}`);
  const asked = users.map((user) => new Raw(one.address).send(upgradeOf(user, VERSION, KEY)).end());
  for (const answer of await Promise.all(asked)) expect(statusOf(answer)).toBe(502);
  expect(await countsOfService(one, 1)).toEqual({ requests: 1, hard: 0, errors: 0 });
  const text = await (await fetch(`http://${one.metricsAddress}/metrics`)).text();
  expect(text).toContain('not_the_sides_total{capability="orders",side="service",fault="nobody"} 10');
});

test.each<[title: string, does: (socket: Socket) => void, status: number]>([
  ['resets', (socket) => socket.resetAndDestroy(), 502],
  ['does not answer', () => {}, 504],
  ['faults 30 answers with garbage', (socket) => socket.end('SMTP ready\r\n\r\n'), 502],
])('a side that %s when it is asked for a WebSocket has not failed', async (_, does, status) => {
  const odd = await tcp((socket) =>
    socket.on('data', (data) => {
      if (data.includes('Upgrade')) does(socket);
      else socket.end('HTTP/1.1 204 No Content\r\n\r\n');
    }),
  );
  stops.push(odd.stop);
  const one = await set({ service: odd.url, proxy: { headersTimeout: '300ms' } });
  await one.control.says({ boundary: 10_000, pins: {} });
  expect(statusOf(await new Raw(one.address).send(upgradeOf(mover, VERSION, KEY)).end())).toBe(status);
  expect(await countsOfService(one, 1)).toEqual({ requests: 1, hard: 0, errors: 0 });
});

test('a side that cannot be connected to for a WebSocket fails hard, one that answers 503 as any that does', async () => {
  const busy = await tcp((socket) =>
    socket.on('data', () => socket.end('HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n')),
  );
  stops.push(busy.stop);
  const one = await set({ service: busy.url });
  await one.control.says({ boundary: 10_000, pins: {} });
  expect(statusOf(await new Raw(one.address).send(upgradeOf(mover, VERSION, KEY)).end())).toBe(503);
  expect(await countsOfService(one, 2)).toEqual({ requests: 2, hard: 0, errors: 2 });
  await busy.stop();
  expect(statusOf(await new Raw(one.address).send(upgradeOf('ada', VERSION, KEY)).end())).toBe(502);
  expect(await countsOfService(one, 4)).toEqual({ requests: 4, hard: 2, errors: 4 });
});

test('faults 30 an upgrade to something nobody asked for is a 502', async () => {
  const odd = await tcp((socket) =>
    socket.on('data', () =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
    ),
  );
  stops.push(odd.stop);
  const { address, control } = await set({ service: odd.url });
  await control.says({ boundary: 10_000, pins: {} });
  expect(statusOf(await new Raw(address).send(upgradeOf(mover, VERSION, KEY)).end())).toBe(502);
});

test('a refused upgrade is no write under way, however long its client keeps the connection', async () => {
  const upstream = await tcp((socket) =>
    socket.on('data', () => socket.end('HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n')),
  );
  stops.push(upstream.stop);
  const { address, control } = await set({ monolith: upstream.url });
  await control.says({ boundary: 0, pins: {} });
  const client = new Raw(address).send(upgradeOf(mover, VERSION, KEY));
  expect(statusOf(await client.until((text) => text.includes('\r\n\r\n')))).toBe(401);
  const ack = await control.says({ boundary: 0, pins: {}, moving });
  expect(ack.flights).toMatchObject([{ inFlight: 0 }]);
  client.socket.destroy();
});

test('a socket whose client breaks it off is ended at its side in order: of known fate, it keeps nobody from moving', async () => {
  const one = await set({ handoff: { writeFate: '1h' } });
  await one.control.says({ boundary: 0, pins: {} });
  const slice = async () => {
    const ack = await one.control.says({ boundary: 0, pins: {}, moving });
    await one.control.says({ boundary: 0, pins: {} });
    return ack.flights[0]!;
  };
  const atStart = (await slice()).unknownFor;
  const client = new Raw(one.address).send(upgradeOf(mover, VERSION, KEY));
  expect(statusOf(await client.until((text) => text.includes('\r\n\r\n')))).toBe(101);
  client.socket.resetAndDestroy();
  while (one.monolith.closes.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  while ((await slice()).inFlight > 0);
  expect((await slice()).unknownFor).toBeLessThanOrEqual(atStart);
});

test('an address may have so many sockets that may carry writes; one more is answered 429, a read-only one goes on', async () => {
  const { address, control } = await set({ proxy: { unfinishedPerAddress: 2, unfinishedPerUser: 1 } });
  await control.says({ boundary: 0, pins: {} });
  const open = [await connect(address, '/api/orders/live', 'a')];
  const as = (user: string) => new Raw(address).send(upgradeOf(user, VERSION, KEY)).end();
  const refused = await as('a');
  expect([statusOf(refused), refused.includes('"too-many-sockets"')]).toEqual([429, true]);
  open.push(await connect(address, '/api/orders/live', 'b'));
  expect(statusOf(await as('c'))).toBe(429);
  open.push(await connect(address, '/api/orders/watch', 'c'));
  open[0]!.socket.close();
  await open[0]!.closed;
  for (let status = 0; status !== 101; ) {
    const client = new Raw(address).send(upgradeOf('c', VERSION, KEY));
    status = statusOf(await client.until((text) => text.includes('\r\n\r\n')));
    expect([101, 429]).toContain(status);
    client.socket.destroy();
  }
  for (const { socket } of open) socket.terminate();
});

test('sockets of unknown fate count against their address as other writes do: beyond the allowance it is a 503', async () => {
  const broken = await tcp((socket) =>
    socket.once('data', () => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      socket.once('data', () => socket.resetAndDestroy());
    }),
  );
  stops.push(broken.stop);
  const { address, control } = await set({
    ...{ monolith: broken.url, handoff: { writeFate: '1h' } },
    proxy: { unfinishedPerAddress: 2 },
  });
  await control.says({ boundary: 0, pins: {} });
  for (const user of ['a', 'b']) {
    const client = new Raw(address).send(upgradeOf(user, VERSION, KEY));
    expect(statusOf(await client.until((text) => text.includes('\r\n\r\n')))).toBe(101);
    await client.send('x').end();
  }
  const answer = await new Raw(address).send(upgradeOf('c', VERSION, KEY)).end();
  expect([statusOf(answer), answer.includes('"too-many-unknown"')]).toEqual([503, true]);
});

test('CONNECT and an upgrade behind a request that is not answered leave nothing under way when the client goes', async () => {
  const hangs = await tcp((socket) => socket.on('data', () => {}));
  stops.push(hangs.stop);
  const { address, metricsAddress } = await set({ monolith: hangs.url });
  let abandoned = 0;
  for (const last of ['CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n', UPGRADE('/chat')]) {
    const client = new Raw(address).send(`${'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(12)}${last}`);
    abandoned += last.startsWith('CONNECT') ? 12 : 13;
    while (hangs.connections() < abandoned) await new Promise((resolve) => setTimeout(resolve, 5));
    client.socket.resetAndDestroy();
    for (;;) {
      const text = await (await fetch(`http://${metricsAddress}/metrics`)).text();
      const all = `not_the_sides_total{capability="",side="monolith",fault="client"} ${abandoned}\n`;
      if (text.includes(all) && /^strangler_proxy_in_flight 0$/m.test(text)) break;
    }
  }
});

test.each(['//[/chat', '//a:99999/chat', '//%00/chat'])(
  'an upgrade whose path %s is no path to everybody is refused, and nothing of it stays',
  async (path) => {
    const { address, metricsAddress } = await set();
    const client = new Raw(address).send(UPGRADE(path));
    expect(statusOf(await client.end())).toBe(400);
    const text = await (await fetch(`http://${metricsAddress}/metrics`)).text();
    expect(text).toMatch(/^strangler_proxy_in_flight 0$/m);
  },
);

test('CONNECT whose client resets ends that connection alone', async () => {
  const { address } = await set();
  for (let nth = 0; nth < 50; nth++) {
    const client = new Raw(address).send('CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(client.socket, 'connect');
    client.socket.resetAndDestroy();
  }
  expect(statusOf(await new Raw(address).send('CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n').end())).toBe(405);
});
