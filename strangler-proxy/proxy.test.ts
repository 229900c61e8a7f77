import type { RequestListener, ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { bucketOf, type Moving } from '@strangler/plan';
import fc from 'fast-check';
import { pino } from 'pino';
import { decide } from './decide.ts';
import { startProxy } from './index.ts';
import { Raw } from './testing/raw.ts';
import { planOf, stage } from './testing/stage.ts';

type Stage = Awaited<ReturnType<typeof stage>>;
let open: Stage | undefined;
afterEach(async () => {
  await open?.stop();
  open = undefined;
});
const set = async (...args: Parameters<typeof stage>): Promise<Stage> => {
  open = await stage(...args);
  return open;
};

/** Waits until the proxy holds this many writes. */
async function held(count: number): Promise<number> {
  for (;;) {
    const text = await (await fetch(`http://${open!.proxy.metricsAddress}/metrics`)).text();
    const now = Number(/^strangler_proxy_held_writes\{capability="orders"\} (\d+)$/m.exec(text)![1]);
    if (now === count) return now;
  }
}

/** A user whose bucket in `shop` lies in a range. */
function userIn(lo: number, hi: number, nth = 0): string {
  for (let number = 0; ; number++) {
    const bucket = bucketOf('shop', `u${number}`);
    if (bucket >= lo && bucket < hi && nth-- === 0) return `u${number}`;
  }
}
const as = (user: string, more: RequestInit = {}): RequestInit => ({ ...more, headers: { 'x-user': user } });
const sideOf = (response: Response) => response.headers.get('x-strangler-side');

describe('splitting', () => {
  test('a user below the boundary goes to the service, one above it to the monolith, what is no capability to the monolith', async () => {
    const { address, control } = await set();
    await control.says({ boundary: 2_500, pins: {} });
    const low = await fetch(`http://${address}/api/orders/1`, as(userIn(0, 2_500)));
    expect(sideOf(low)).toBe('service');
    expect(low.headers.get('x-strangler-capability')).toBe('orders');
    expect(await low.json()).toMatchObject({ name: 'service', url: '/api/orders/1' });
    expect(sideOf(await fetch(`http://${address}/api/orders`, as(userIn(2_500, 10_000))))).toBe('monolith');
    const other = await fetch(`http://${address}/api/products`, as(userIn(0, 2_500)));
    expect(sideOf(other)).toBeNull();
    expect(await other.json()).toMatchObject({ name: 'monolith' });
  });

  test('nobody’s request of a capability goes to the monolith, and a pinned user where the pin says', async () => {
    const { address, control } = await set();
    const pinned = userIn(9_000, 10_000);
    await control.says({ boundary: 5_000, pins: { [pinned]: 'service' } });
    expect(sideOf(await fetch(`http://${address}/api/orders`))).toBe('monolith');
    expect(sideOf(await fetch(`http://${address}/api/orders`, as(pinned)))).toBe('service');
  });

  test('faults 43 before the first snapshot a capability is answered 503 and everything else goes on', async () => {
    const { address } = await set();
    const answer = await fetch(`http://${address}/api/orders`, as('u1'));
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
    const { error } = (await answer.json()) as { error: { code: string; correlationId: string } };
    expect(error.code).toBe('owner-unknown');
    expect(error.correlationId).toBe(answer.headers.get('x-correlation-id'));
    expect((await fetch(`http://${address}/products`)).status).toBe(200);
  });

  test('faults 29 a side that is down is a 502, and the other side never sees the request', async () => {
    const { address, control, monolith, service } = await set();
    await control.says({ boundary: 10_000, pins: {} });
    await service.stop();
    expect((await fetch(`http://${address}/api/orders`, as('u1'))).status).toBe(502);
    expect((await fetch(`http://${address}/api/orders`, as('u1', { method: 'POST' }))).status).toBe(502);
    expect(monolith.requests).toEqual([]);
    const counts = await control.hears((all) => all.find((one) => one.type === 'counts'));
    expect(counts.counts[0]).toMatchObject({ side: 'service', hard: counts.counts[0]!.requests });
  });

  test('faults 40 two proxies and a proxy that started again agree on everybody', async () => {
    const first = await set();
    await first.control.says({ boundary: 3_700, pins: {} });
    const users = Array.from({ length: 50 }, (_, number) => `u${number}`);
    const sides = async (address: string) =>
      Promise.all(users.map(async (user) => sideOf(await fetch(`http://${address}/api/orders`, as(user)))));
    const before = await sides(first.address);
    const plan = planOf({ monolith: first.monolith.url, service: first.service.url });
    const options = { plan, listen: '127.0.0.1:0', controlUrl: first.control.url, log: pino({ level: 'silent' }) };
    for (let start = 0; start < 2; start++) {
      const second = await startProxy(options);
      await first.control.hears((all) => all.filter(({ type }) => type === 'hello').length === 2 + start);
      await first.control.says({ boundary: 3_700, pins: {} });
      expect(await sides(second.address)).toEqual(before);
      await second.stop();
    }
    expect(new Set(before)).toEqual(new Set(['monolith', 'service']));
  });

  test('counts of both sides reach control', async () => {
    const { address, control } = await set({ serviceDoes: (_, response) => response.writeHead(500).end() });
    await control.says({ boundary: 5_000, pins: {} });
    await fetch(`http://${address}/api/orders`, as(userIn(0, 5_000)));
    const counts = await control.hears((all) => all.find((one) => one.type === 'counts'));
    expect(counts).toMatchObject({
      counts: [{ capability: 'orders', side: 'service', requests: 1, errors: 1, hard: 0, clientErrors: 0 }],
    });
  });
});

/** An upstream that answers its writes when told to. */
function onDemand() {
  const waiting: ServerResponse[] = [];
  const wake: (() => void)[] = [];
  const does: RequestListener = (request, response) => {
    if (request.method === 'GET') {
      response.end('read');
      return;
    }
    waiting.push(response);
    for (const one of wake.splice(0)) one();
  };
  const asked = async (count: number) => {
    while (waiting.length < count) await new Promise<void>((resolve) => wake.push(resolve));
    return waiting;
  };
  return { does, asked };
}

const moving = (epoch: number, more: Partial<Moving> = {}): Moving => ({
  ...{ epoch, subject: { lo: 0, hi: 100 }, from: 'monolith', to: 'service' },
  ...more,
});
const mover = userIn(0, 100);
const post = (body = '') => as(mover, { method: 'POST', body });
const codeOf = async (response: Response) => ((await response.json()) as { error: { code: string } }).error.code;

describe('holding', () => {
  test('a moving user’s write waits, the read goes on, and both go where the next snapshot says', async () => {
    const { address, control, monolith, service } = await set();
    const ack = await control.says({ boundary: 0, pins: {}, moving: moving(1) });
    expect(ack.flights).toEqual([
      { capability: 'orders', epoch: 1, inFlight: 0, unknownFor: expect.any(Number), inFlightOf: [], unknownOf: [] },
    ]);
    const write = fetch(`http://${address}/api/orders`, post('one'));
    expect(sideOf(await fetch(`http://${address}/api/orders`, as(mover)))).toBe('monolith');
    const stays = await fetch(`http://${address}/api/orders`, as(userIn(100, 10_000), { method: 'POST' }));
    expect(sideOf(stays)).toBe('monolith');
    expect(service.requests).toHaveLength(0);
    await control.says({ boundary: 100, pins: {} });
    const answer = await write;
    expect(sideOf(answer)).toBe('service');
    expect(await answer.json()).toMatchObject({ method: 'POST', body: 'one' });
    expect(monolith.requests.map(({ method }) => method)).toEqual(['GET', 'POST']);
  });

  test('a handoff that is cancelled lets the write go to the old side', async () => {
    const { address, control } = await set();
    await control.says({ boundary: 0, pins: {}, moving: moving(1) });
    const write = fetch(`http://${address}/api/orders`, post());
    await held(1);
    await control.says({ boundary: 0, pins: {} });
    expect(sideOf(await write)).toBe('monolith');
  });

  test('what the Plan calls read-only is not held', async () => {
    const { address, control } = await set();
    await control.says({ boundary: 0, pins: {}, moving: moving(1) });
    expect(sideOf(await fetch(`http://${address}/api/orders/search`, post()))).toBe('monolith');
  });

  test('held writes are sent in the order they came', async () => {
    const { address, control, service } = await set();
    await control.says({ boundary: 0, pins: {}, moving: moving(1) });
    const writes: Promise<Response>[] = [];
    for (let nth = 0; nth < 20; nth++) {
      writes.push(fetch(`http://${address}/api/orders/${nth}`, post()));
      await held(nth + 1);
    }
    await control.says({ boundary: 100, pins: {} });
    await Promise.all(writes);
    expect(service.requests.map(({ url }) => url)).toEqual(writes.map((_, nth) => `/api/orders/${nth}`));
  });

  test('a write is held for a bounded time and then answered 503 with Retry-After', async () => {
    const { address, control, monolith, service } = await set({ handoff: { hold: '50ms' } });
    await control.says({ boundary: 0, pins: {}, moving: moving(1) });
    const answer = await fetch(`http://${address}/api/orders`, post('x'));
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(await codeOf(answer)).toBe('hold-exhausted');
    expect([...monolith.requests, ...service.requests]).toEqual([]);
  });

  test('as many writes are held as the Plan says, the next is answered 503 at once', async () => {
    const { address, control } = await set({ handoff: { queue: 2 } });
    await control.says({ boundary: 0, pins: {}, moving: moving(1) });
    const waiting = [fetch(`http://${address}/api/orders`, post()), fetch(`http://${address}/api/orders`, post())];
    await held(2);
    expect(await codeOf(await fetch(`http://${address}/api/orders`, post()))).toBe('hold-exhausted');
    await control.says({ boundary: 100, pins: {} });
    expect((await Promise.all(waiting)).map(sideOf)).toEqual(['service', 'service']);
  });

  test('one user holds ten writes at most, and takes nobody’s place', async () => {
    const { address, control } = await set({ handoff: { queue: 20 } });
    await control.says({ boundary: 0, pins: {}, moving: moving(1) });
    const write = (more?: string) => fetch(`http://${address}/api/orders`, post(more));
    const waiting = Array.from({ length: 10 }, () => write());
    await held(10);
    expect(await codeOf(await write())).toBe('hold-exhausted');
    const neighbour = userIn(0, 100, 1);
    waiting.push(fetch(`http://${address}/api/orders`, { ...post(), headers: { 'x-user': neighbour } }));
    await held(11);
    await control.says({ boundary: 100, pins: {} });
    expect((await Promise.all(waiting)).map(sideOf)).toEqual(Array(11).fill('service'));
  });

  test('a held write whose client has gone is dropped, not sent', async () => {
    const { address, control, monolith, service } = await set();
    await control.says({ boundary: 0, pins: {}, moving: moving(1) });
    const gone = new Raw(address).send(
      `POST /api/orders HTTP/1.1\r\nHost: a\r\nX-User: ${mover}\r\nContent-Length: 4\r\n\r\ngone`,
    );
    await held(1);
    gone.socket.destroy();
    await held(0);
    await control.says({ boundary: 100, pins: {} });
    expect(sideOf(await fetch(`http://${address}/api/orders`, post('here')))).toBe('service');
    expect([...monolith.requests, ...service.requests].map(({ body }) => body)).toEqual(['here']);
  });

  test('while the link is lost held writes stay held, and go when it is back', async () => {
    const { address, control, monolith } = await set();
    await control.says({ boundary: 0, pins: {}, moving: moving(1) });
    const write = fetch(`http://${address}/api/orders`, post());
    await held(1);
    control.breakLink();
    await control.hears((all) => all.filter(({ type }) => type === 'hello').length === 2);
    expect(await held(1)).toBe(1);
    expect(monolith.requests).toEqual([]);
    await control.says({ boundary: 100, pins: {} });
    expect(sideOf(await write)).toBe('service');
  });

  test('while the link is lost for good held writes time out, and everybody else is served by the last snapshot', async () => {
    const { address, control } = await set({ handoff: { hold: '100ms' } });
    await control.says({ boundary: 5_000, pins: {}, moving: moving(1, { subject: { lo: 5_000, hi: 5_100 } }) });
    await control.stop();
    const user = userIn(5_000, 5_100);
    expect((await fetch(`http://${address}/api/orders`, as(user, { method: 'POST' }))).status).toBe(503);
    expect(sideOf(await fetch(`http://${address}/api/orders`, as(user)))).toBe('monolith');
    expect(sideOf(await fetch(`http://${address}/api/orders`, post()))).toBe('service');
  });

  test('a large or chunked body waits unread and arrives whole', async () => {
    const { address, control, service } = await set();
    await control.says({ boundary: 0, pins: {}, moving: moving(1) });
    const body = 'x'.repeat(300_000);
    const stream = new Blob([body]).stream();
    const writes = [
      fetch(`http://${address}/api/orders`, post(body)),
      fetch(`http://${address}/api/orders`, { ...post(), body: stream, duplex: 'half' } as RequestInit),
    ];
    await held(2);
    await control.says({ boundary: 100, pins: {} });
    await Promise.all(writes);
    expect(service.requests.map((request) => request.body === body)).toEqual([true, true]);
  });

  test('a pinned user is held by name only', async () => {
    const { address, control } = await set({ handoff: { hold: '50ms' } });
    await control.says({ boundary: 0, pins: { [mover]: 'service' }, moving: moving(1) });
    expect(sideOf(await fetch(`http://${address}/api/orders`, post()))).toBe('service');
    const byName = moving(2, { subject: { lo: 0, hi: 0, user: mover }, from: 'service', to: 'monolith' });
    await control.says({ boundary: 0, pins: { [mover]: 'service' }, moving: byName });
    expect((await fetch(`http://${address}/api/orders`, post())).status).toBe(503);
  });

  test('faults 41 a request keeps its side to its end', async () => {
    const { does, asked } = onDemand();
    const { address, control } = await set({ monolithDoes: does });
    await control.says({ boundary: 0, pins: {} });
    const write = fetch(`http://${address}/api/orders`, post());
    const [response] = await asked(1);
    await control.says({ boundary: 10_000, pins: {} });
    response!.end('done');
    expect(sideOf(await write)).toBe('monolith');
  });
});

describe('draining', () => {
  test('writes under way are told with the ack, and each of the last ones when it ends', async () => {
    const { does, asked } = onDemand();
    const { address, control } = await set({ monolithDoes: does });
    await control.says({ boundary: 0, pins: {} });
    const writes = [fetch(`http://${address}/api/orders`, post()), fetch(`http://${address}/api/orders`, post())];
    const other = fetch(`http://${address}/api/orders`, as(userIn(100, 10_000), { method: 'POST' }));
    const responses = await asked(3);
    const ack = await control.says({ boundary: 0, pins: {}, moving: moving(7) });
    expect(ack.flights).toMatchObject([{ capability: 'orders', epoch: 7, inFlight: 2 }]);
    for (const response of responses) response.end();
    const flights = await control.hears((all) => {
      const told = all.filter((one) => one.type === 'flight').map(({ flight }) => flight);
      return told.at(-1)?.inFlight === 0 && told;
    });
    expect(flights).toMatchObject([
      { capability: 'orders', epoch: 7, inFlight: 1 },
      { epoch: 7, inFlight: 0 },
    ]);
    await Promise.all([...writes, other]);
  });

  test('faults 17 a write whose client has gone is not cancelled, is awaited, and its outcome counts', async () => {
    const { does, asked } = onDemand();
    const { address, control } = await set({ monolithDoes: does });
    await control.says({ boundary: 0, pins: {} });
    const client = new Raw(address).send(
      `POST /api/orders HTTP/1.1\r\nHost: a\r\nX-User: ${mover}\r\nContent-Length: 1\r\n\r\nx`,
    );
    const [response] = await asked(1);
    let cancelled = false;
    response!.once('close', () => {
      cancelled = !response!.writableFinished;
    });
    client.socket.destroy();
    const ack = await control.says({ boundary: 0, pins: {}, moving: moving(1) });
    expect(ack.flights).toMatchObject([{ inFlight: 1 }]);
    expect(cancelled).toBe(false);
    response!.end('done');
    await control.hears((all) => all.find((one) => one.type === 'flight'));
    const counts = await control.hears((all) => all.find((one) => one.type === 'counts'));
    expect(counts).toMatchObject({ counts: [{ side: 'monolith', requests: 1, errors: 0, hard: 0, clientErrors: 0 }] });
  });

  test('faults 27 a write that was not answered in time is of unknown fate, and told so', async () => {
    const { does, asked } = onDemand();
    const { address, control } = await set({
      ...{ monolithDoes: does, proxy: { headersTimeout: '100ms' }, handoff: { writeFate: '1h' } },
    });
    await control.says({ boundary: 0, pins: {} });
    expect((await fetch(`http://${address}/api/orders`, post())).status).toBe(504);
    await asked(1);
    const ack = await control.says({ boundary: 0, pins: {}, moving: moving(1) });
    expect(ack.flights[0]!.inFlight).toBe(0);
    expect(ack.flights[0]!.unknownFor).toBeGreaterThan(3_590_000);
    const counts = await control.hears((all) => all.find((one) => one.type === 'counts'));
    expect(counts).toMatchObject({ counts: [{ side: 'monolith', requests: 1, errors: 1, hard: 1 }] });
  });

  test('when the link comes back control is told again what is under way', async () => {
    const { does, asked } = onDemand();
    const { address, control } = await set({ monolithDoes: does });
    await control.says({ boundary: 0, pins: {} });
    const write = fetch(`http://${address}/api/orders`, post());
    const [response] = await asked(1);
    await control.says({ boundary: 0, pins: {}, moving: moving(3) });
    control.breakLink();
    const acks = await control.hears((all) => {
      const after = all.slice(all.findLastIndex(({ type }) => type === 'hello'));
      return after.length < all.length && after.find((one) => one.type === 'ack');
    });
    expect(acks).toMatchObject({ flights: [{ epoch: 3, inFlight: 1 }] });
    response!.end();
    await write;
  });
});

describe('control', () => {
  test('a snapshot of a greater term is followed whatever its version; an older one is not, and its sender is left', async () => {
    const { address, control } = await set();
    await control.says({ boundary: 0, pins: {} });
    await control.says({ boundary: 0, pins: {} });
    const orders = { boundary: 10_000, pins: {} };
    const snapshot = (term: number, version: number) =>
      control.send(JSON.stringify({ type: 'snapshot', snapshot: { term, version, capabilities: { orders } } }));
    const links = () => control.received.filter(({ type }) => type === 'hello').length;
    for (const [term, version] of [
      [1, 1],
      [0, 9],
    ] as const) {
      const before = links();
      snapshot(term, version);
      await control.hears(() => links() > before);
      expect(sideOf(await fetch(`http://${address}/api/orders`, as(mover)))).toBe('monolith');
    }
    snapshot(2, 0);
    await control.hears((all) => all.find((one) => one.type === 'ack' && one.term === 2));
    expect(sideOf(await fetch(`http://${address}/api/orders`, as(mover)))).toBe('service');
  });

  test('faults 44 garbage from control changes nothing', async () => {
    const { address, control } = await set();
    await control.says({ boundary: 10_000, pins: {} });
    for (const garbage of [
      '',
      '{',
      'null',
      '[]',
      '{"type":"snapshot"}',
      '{"type":"snapshot","snapshot":null}',
      '{"type":"snapshot","snapshot":{"term":9,"version":9,"capabilities":null}}',
    ]) {
      control.send(garbage);
    }
    await control.says({ boundary: 10_000, pins: {} });
    expect(sideOf(await fetch(`http://${address}/api/orders`, as(mover)))).toBe('service');
  });

  test('faults 42 the version in force shows in the metrics, and health says whether there is one', async () => {
    const { control, proxy } = await set();
    const at = `http://${proxy.metricsAddress}`;
    expect((await fetch(`${at}/health`)).status).toBe(503);
    await control.says({ boundary: 0, pins: {} });
    await control.says({ boundary: 0, pins: {} });
    expect((await fetch(`${at}/health`)).status).toBe(200);
    await fetch(`http://${proxy.address}/api/orders`, as(mover));
    const text = await (await fetch(`${at}/metrics`)).text();
    expect(text).toMatch(/^strangler_proxy_snapshot_version 2$/m);
    expect(text).toMatch(/^strangler_proxy_link_up 1$/m);
    expect(text).toContain('strangler_proxy_requests_total{capability="orders",side="monolith",status="2xx"} 1');
  });
});

describe('stopping', () => {
  test('faults 57 what is under way ends first, new connections are refused, and stop may be called twice', async () => {
    const { does, asked } = onDemand();
    const { address, control, proxy } = await set({ monolithDoes: does });
    await control.says({ boundary: 0, pins: {} });
    const write = fetch(`http://${address}/api/orders`, post());
    const [response] = await asked(1);
    const stopped = proxy.stop();
    await expect(fetch(`http://${address}/`)).rejects.toThrow();
    response!.end('done');
    expect((await write).status).toBe(200);
    await stopped;
    await proxy.stop();
    await control.hears((all) => all.find((one) => one.type === 'counts'));
    expect(control.codes).toEqual([1000]);
  });

  test('faults 57 what does not end in time is cut', async () => {
    const { does, asked } = onDemand();
    const { address, control, proxy } = await set({
      ...{ monolithDoes: does, proxy: { stopWithin: '50ms' }, handoff: { writeFate: '1h' } },
    });
    await control.says({ boundary: 0, pins: {} });
    const write = fetch(`http://${address}/api/orders`, post()).then(
      (response) => response.status,
      () => 0,
    );
    await asked(1);
    await proxy.stop();
    expect([0, 503]).toContain(await write);
    // No goodbye: the write that was cut may still arrive.
    while (control.codes.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(control.codes).toEqual([1006]);
  });
});

test('faults 40 percent 0 and 100 are exact, and a user moves at most once on the way, for any user', () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 1 }),
      fc.boolean(),
      fc.integer({ min: 0, max: 9_999 }),
      (user, write, boundary) => {
        const bucket = bucketOf('shop', user);
        const at = (boundary: number) =>
          decide(
            { term: 1, version: 1, capabilities: { orders: { boundary, pins: {} } } },
            'orders',
            user,
            bucket,
            write,
          );
        expect(at(0)).toBe('monolith');
        expect(at(10_000)).toBe('service');
        if (at(boundary) === 'service') expect(at(boundary + 1)).toBe('service');
      },
    ),
  );
});
