import { writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { Comparison, Side } from '@strangler/plan';
import { stage } from '../testing/stage.ts';

type Stage = Awaited<ReturnType<typeof stage>>;
let open: Stage | undefined;
afterEach(async () => {
  await open?.stop();
  open = undefined;
});

type Says = (nth: number, url: string) => unknown;
/** A side that answers JSON, the nth GET with what `says` gives. */
const json = (says: Says): RequestListener => {
  let reads = 0;
  return (request, response) => {
    if (request.method !== 'GET') response.writeHead(201, { 'content-type': 'application/json' }).end('{"id": 8}');
    else response.setHeader('content-type', 'application/json').end(JSON.stringify(says(++reads, request.url!)));
  };
};

/** A proxy that compares everybody’s reads, all of them the owner’s; control says that everything has arrived. */
async function set(monolithDoes: RequestListener, serviceDoes: RequestListener, owner: Side, compare: object = {}) {
  open = await stage({ monolithDoes, serviceDoes, compare: { share: '100%', ...compare } });
  await open.control.says({ boundary: owner === 'service' ? 10_000 : 0, pins: {} });
  void answerAll(open);
  return open;
}

/** Answers every question of the proxy with yes, in order. */
async function answerAll({ control }: Stage): Promise<void> {
  for (let answered = 0; ; answered++) {
    const ask = await control.hears((all) => all.filter(({ type }) => type === 'confirm')[answered]);
    if (ask.type === 'confirm') control.send(JSON.stringify({ type: 'confirmed', id: ask.id }));
  }
}

const get = (path = '/api/orders/7', headers = {}) =>
  fetch(`http://${open!.address}${path}`, { headers: { 'x-user': 'ada', ...headers } });
/** Everything found so far, as soon as there are results of `count` reads. */
async function found(count = 1): Promise<Comparison[]> {
  const all = await open!.control.hears((messages) => {
    const comparisons = messages.flatMap((one) => (one.type === 'compared' ? one.comparisons : []));
    const total = comparisons.flatMap(({ results }) => Object.values(results)).reduce((sum, one) => sum + one, 0);
    return total >= count && comparisons;
  });
  return all;
}
const kinds = (comparisons: readonly Comparison[]) => comparisons.flatMap(({ results }) => Object.keys(results));

describe('reads are compared', () => {
  test.each(['monolith', 'service'] as const)(
    'the %s owns: its answer goes to the client, both are compared',
    async (owner) => {
      const order = { id: 7, total: '19.90' };
      await set(
        json(() => order),
        json(() => order),
        owner,
      );
      const answer = await get();
      expect(await answer.json()).toEqual(order);
      expect(answer.headers.get('x-strangler-side')).toBe(owner);
      expect(await found()).toMatchObject([
        { capability: 'orders', route: 'GET /api/orders/{id}', results: { equal: 1 } },
      ]);
      expect([open!.monolith.requests.length, open!.service.requests.length]).toEqual([1, 1]);
    },
  );

  test.each(['monolith', 'service'] as const)(
    'a lasting difference is told with the monolith’s value as the old one, whoever owns (%s)',
    async (owner) => {
      await set(
        json(() => ({ items: [{ total: 1 }] })),
        json(() => ({ items: [{ total: 2 }] })),
        owner,
      );
      await get();
      const [comparison] = await found();
      expect(comparison!.results).toEqual({ mismatch: 1 });
      expect(comparison!.differences).toMatchObject([
        {
          kind: 'value',
          path: '$.items[*].total',
          count: 1,
          samples: [{ target: '/api/orders/7', monolith: '1', service: '2' }],
        },
      ]);
    },
  );

  test('what has not arrived yet is no difference: they are asked again when it has', async () => {
    await set(
      json(() => ({ status: 'paid' })),
      json((nth) => ({ status: nth < 2 ? 'placed' : 'paid' })),
      'monolith',
    );
    await get();
    expect(kinds(await found())).toEqual(['equal']);
  });

  test('what the owner itself answers differently each time is not comparable, and what differs beside it is found', async () => {
    await set(
      json((nth) => ({ now: nth, total: 1 })),
      json((nth) => ({ now: -nth, total: 1 })),
      'monolith',
    );
    await get();
    expect(kinds(await found())).toEqual(['not-comparable']);
    await open!.stop();
    await set(
      json((nth) => ({ now: nth, total: 1 })),
      json((nth) => ({ now: -nth, total: 2 })),
      'monolith',
    );
    await get();
    expect((await found())[0]!.differences.map(({ path }) => path)).toEqual(['$.total']);
  });

  test('rules of a file hold', async () => {
    const file = join(tmpdir(), `rules-${process.pid}.json`);
    await writeFile(
      file,
      JSON.stringify([{ id: 'total', reason: 'rounded', kind: 'tolerance', path: '$.total', absolute: 1 }]),
    );
    await set(
      json(() => ({ total: 1 })),
      json(() => ({ total: 2 })),
      'monolith',
      { rules: file },
    );
    await get();
    expect(kinds(await found())).toEqual(['equal-by-rule']);
  });

  test('a write is never repeated; the reads it names are, of both sides, when it has arrived', async () => {
    const order = { id: 8 };
    const afterWrite = { 'POST /api/orders': ['/api/orders/{id}', '/api/orders/{missing}'] };
    await set(
      json(() => order),
      json(() => order),
      'service',
      { afterWrite },
    );
    await fetch(`http://${open!.address}/api/orders`, { method: 'POST', headers: { 'x-user': 'ada' } });
    expect(await found()).toMatchObject([{ route: 'GET /api/orders/{id}', results: { equal: 1 } }]);
    expect(open!.monolith.requests.map(({ method, url }) => `${method} ${url}`)).toEqual(['GET /api/orders/8']);
    expect(open!.service.requests.map(({ method }) => method)).toEqual(['POST', 'GET']);
  });

  test('users who are not sampled, and requests of nobody, are left alone', async () => {
    await set(
      json(() => ({})),
      json(() => ({})),
      'monolith',
      { share: '0.01%' },
    );
    await get();
    await fetch(`http://${open!.address}/api/orders/7`);
    expect(open!.service.requests).toEqual([]);
  });
});

describe('the other side cannot harm', () => {
  test('one that hangs, resets or fails: the owner’s answer comes at once, and it is said', async () => {
    const fates: RequestListener[] = [
      () => {},
      (request) => request.socket.resetAndDestroy(),
      (_, response) => response.writeHead(503).end(),
    ];
    let nth = 0;
    const service: RequestListener = (request, response) => fates[nth++]!(request, response);
    await set(
      json(() => ({ id: 7 })),
      service,
      'monolith',
    );
    for (let ask = 0; ask < fates.length; ask++) expect((await get()).status).toBe(200);
    expect(kinds(await found(3)).toSorted()).toEqual(['candidate-error', 'candidate-timeout']);
  });

  test('it is asked with the client’s own headers, signed; a client cannot pretend, and gets none of its cookies', async () => {
    const service: RequestListener = (_, response) => response.setHeader('set-cookie', 'shadow=1').end('{}');
    await set(
      json(() => ({})),
      service,
      'monolith',
    );
    const answer = await get('/api/orders/7?full=1', { 'x-strangler-shadow': 'forged', cookie: 'session=1' });
    expect(answer.headers.get('set-cookie')).toBeNull();
    await found();
    const [asked] = open!.service.requests;
    expect(asked).toMatchObject({ url: '/api/orders/7?full=1', headers: { cookie: 'session=1', 'x-user': 'ada' } });
    expect(asked!.headers['x-strangler-shadow']).toMatch(/^\S+ [\w-]{43}$/);
    expect(open!.monolith.requests[0]!.headers['x-strangler-shadow']).toBeUndefined();
  });

  test('a body too large to keep is not compared, and reaches the client whole', async () => {
    const large = { text: 'x'.repeat(300_000) };
    await set(
      json(() => large),
      json(() => large),
      'monolith',
    );
    expect(await (await get()).json()).toEqual(large);
    expect(kinds(await found())).toEqual(['not-comparable']);
  });
});
