import { writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { RESULT_KINDS, Tally, type TallyReport } from '@strangler/compare';
import type { Side } from '@strangler/plan';
import { Raw } from '../testing/raw.ts';
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
async function set(
  monolithDoes: RequestListener,
  serviceDoes: RequestListener,
  owner: Side,
  compare: object = {},
  readOnly: string[] = [],
) {
  open = await stage({ monolithDoes, serviceDoes, readOnly, compare: { share: '100%', ...compare } });
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
const found = (count = 1): Promise<TallyReport> => tallied('replies', count);
/** What the monolith was found to differ in from itself, as soon as it was looked for so often. */
const noise = (count: number): Promise<TallyReport> => tallied('noise', count);
function tallied(of: 'replies' | 'noise', count: number): Promise<TallyReport> {
  return open!.control.hears((messages) => {
    const tally = new Tally();
    for (const one of messages) if (one.type === 'compared') tally.merge(one.comparison[of]);
    const report = tally.report();
    const total = report.routes.flatMap(({ counts }) => Object.values(counts)).reduce((sum, one) => sum + one, 0);
    return total >= count && report;
  });
}
const kinds = ({ routes }: TallyReport) =>
  routes.flatMap(({ counts }) => RESULT_KINDS.filter((kind) => counts[kind] > 0));

/** Asks for a total that is 1 on the monolith and 2 on the service, under these rules. */
async function getUnder(rules: readonly object[]): Promise<void> {
  const file = join(tmpdir(), `rules-${process.pid}.json`);
  await writeFile(file, JSON.stringify(rules));
  await set(
    json(() => ({ total: 1 })),
    json(() => ({ total: 2 })),
    'monolith',
    { rules: file },
  );
  await get();
}

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
      expect((await found()).routes).toMatchObject([{ route: 'GET /api/orders/{id}', counts: { equal: 1 } }]);
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
      const { routes, groups } = await found();
      expect(routes).toMatchObject([{ comparable: 1, mismatches: 1 }]);
      expect(groups).toMatchObject([
        { kind: 'value', path: '$.items[*].total', pairs: 1, samples: [{ at: '/api/orders/7', old: '1', new: '2' }] },
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

  test.each([
    ['the monolith keeps changing is noise', (nth: number) => ({ now: nth }), () => ({ now: 0 }), 'not-comparable'],
    [
      'the service alone keeps changing is a difference',
      () => ({ now: 0 }),
      (nth: number) => ({ now: nth }),
      'mismatch',
    ],
  ] as const)('what %s, whoever owns', async (_, monolith, service, kind) => {
    for (const owner of ['monolith', 'service'] as const) {
      await set(json(monolith), json(service), owner);
      await get();
      expect(kinds(await found())).toEqual([kind]);
      await open!.stop();
    }
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
    expect((await found()).groups.map(({ path }) => path)).toEqual(['$.total']);
  });

  test('rules of a file hold', async () => {
    await getUnder([{ id: 'total', reason: 'rounded', kind: 'tolerance', path: '$.total', absolute: 1 }]);
    expect(kinds(await found())).toEqual(['equal-by-rule']);
  });

  test('faults 37 of headers that name a side, only what the client would see is compared', async () => {
    const moved: RequestListener = (request, response) =>
      response
        .writeHead(302, { location: `http://127.0.0.1:${request.socket.localPort}/api/orders/8`, constructor: 'x' })
        .end();
    await set(moved, moved, 'monolith');
    const answer = await fetch(`http://${open!.address}/api/orders/7`, {
      ...{ headers: { 'x-user': 'ada' }, redirect: 'manual' },
    });
    expect(answer.headers.get('location')).toBe(`http://${open!.address}/api/orders/8`);
    expect(kinds(await found())).toEqual(['equal']);
  });

  test('faults 47: a write is never repeated; the reads it names are, of both sides, when it has arrived', async () => {
    const order = { id: 8 };
    const afterWrite = { 'POST /api/orders': ['/api/orders/{id}', '/api/orders/{missing}'] };
    await set(
      json(() => order),
      json(() => order),
      'service',
      { afterWrite },
    );
    await fetch(`http://${open!.address}/api/orders`, { method: 'POST', headers: { 'x-user': 'ada' } });
    expect((await found()).routes).toMatchObject([{ route: 'GET /api/orders/{id}', counts: { equal: 1 } }]);
    expect(open!.monolith.requests.map(({ method, url }) => `${method} ${url}`)).toEqual(['GET /api/orders/8']);
    expect(open!.service.requests.map(({ method }) => method)).toEqual(['POST', 'GET']);
  });

  test('faults 47: a GraphQL query is a POST and asked once, of its owner alone, whether the Plan declares it a read or not', async () => {
    const query = JSON.stringify({ query: '{ orders { id } }' });
    const answers: RequestListener = (_, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"data": {"orders": []}}');
    for (const readOnly of [[], ['POST /api/orders/graphql']]) {
      await set(answers, answers, 'monolith', {}, readOnly);
      const asks = { method: 'POST', headers: { 'x-user': 'ada', 'content-type': 'application/json' }, body: query };
      const answer = await fetch(`http://${open!.address}/api/orders/graphql`, asks);
      expect(await answer.json()).toEqual({ data: { orders: [] } });
      await get();
      expect((await found()).routes.map(({ route }) => route)).toEqual(['GET /api/orders/{id}']);
      expect(open!.service.requests.map(({ method }) => method)).toEqual(['GET']);
      expect(open!.monolith.requests.map(({ method }) => method).sort()).toEqual(['GET', 'POST']);
      await open!.stop();
    }
  });

  test.each(['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD'])(
    'faults 47: %s is never asked of the other side',
    async (method) => {
      await set(
        json(() => ({})),
        json(() => ({})),
        'monolith',
      );
      await fetch(`http://${open!.address}/api/orders/7`, { method, headers: { 'x-user': 'ada' } });
      await get();
      await found();
      expect(open!.service.requests.map((one) => one.method)).toEqual(['GET']);
    },
  );

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

describe('noise', () => {
  const drifting: Says = (nth) => ({ age: nth, total: 1 });
  const stable: Says = () => ({ age: 0, total: 1 });

  test.each(['monolith', 'service'] as const)(
    'is what the monolith answers differently each time, looked for in a share of the reads (%s owns)',
    async (owner) => {
      await set(json(drifting), json(stable), owner, { noise: '50%' });
      for (let read = 0; read < 4; read++) await (await get()).text();
      const { routes, groups } = await noise(2);
      expect(routes).toMatchObject([{ route: 'GET /api/orders/{id}', comparable: 2, mismatches: 2 }]);
      expect(groups).toMatchObject([{ path: '$.age', kind: 'value', pairs: 2 }]);
      expect(again()).toEqual(groups.map(({ id }) => id));
    },
  );

  test('is not what has changed once between two replies', async () => {
    await set(
      json((nth) => ({ status: nth < 2 ? 'placed' : 'paid' })),
      json(() => ({ status: 'paid' })),
      'monolith',
      { noise: '100%' },
    );
    await get();
    expect((await noise(1)).groups).toMatchObject([{ path: '$.status' }]);
    expect(again()).toEqual([]);
  });

  test('is not looked for where the Plan says 0 %', async () => {
    await set(json(stable), json(stable), 'monolith', { noise: '0%' });
    for (let read = 0; read < 5; read++) await (await get()).text();
    await found(5);
    expect([open!.monolith.requests.length, open!.service.requests.length]).toEqual([5, 5]);
  });

  /** Groups that were there again in a third reply. */
  const again = () => [
    ...new Set(open!.control.received.flatMap((one) => (one.type === 'compared' ? one.comparison.again : []))),
  ];
});

describe('what is told', () => {
  test('holds no secrets, in values, under names that say so, and in targets', async () => {
    const secret = (nth: string) => () => ({ password: `hunter${nth}`, mail: `ada${nth}@example.test`, n: nth });
    await set(json(secret('2')), json(secret('3')), 'monolith');
    await get('/api/orders/7?token=opaque-7');
    const report = await found();
    expect(report.groups.map(({ path }) => path).toSorted()).toEqual(['$.mail', '$.n', '$.password']);
    expect(JSON.stringify(open!.control.received)).not.toMatch(/hunter|ada\d@|opaque-7/);
  });

  test('is short whatever a client or a side makes long, and the link stands', async () => {
    const name = 'n'.repeat(100_000);
    await set(
      json(() => ({ [name]: 1 })),
      json(() => ({ [name]: 2 })),
      'monolith',
    );
    await get(`/api/orders/7?${'q'.repeat(6_000)}`);
    await get(`/api/orders/${'long/'.repeat(500)}`);
    const { routes, groups } = await found(2);
    expect(routes.map(({ route }) => route).toSorted()).toEqual(['(other endpoints)', 'GET /api/orders/{id}']);
    expect(groups[0]!.path.length).toBeLessThan(2_000);
    for (const one of open!.control.received) expect(JSON.stringify(one).length).toBeLessThan(20_000);
  });

  test('names every rule with what it has excused, and what it had its chance at', async () => {
    const rules = [
      { id: 'total', reason: 'rounded', kind: 'tolerance', path: '$.total', absolute: 1 },
      { id: 'idle', reason: 'nobody needs it', kind: 'ignore', path: '$.other' },
    ];
    await getUnder(rules);
    const used = await open!.control.hears((all) =>
      all.map((one) => (one.type === 'compared' ? one.comparison.rules : [])).find((some) => some.length > 0),
    );
    expect(used).toEqual([
      { rule: rules[0], pairs: 1, hits: 1, excused: { 'value $.total': 1 } },
      { rule: rules[1], pairs: 1, hits: 0, excused: {} },
    ]);
  });

  test('rules that change hold without a restart; wrong ones are logged, and those before stay', async () => {
    const rule = { id: 'total', reason: 'rounded', kind: 'tolerance', path: '$.total', absolute: 1 };
    const file = join(tmpdir(), `rules-changing-${process.pid}.json`);
    await writeFile(file, '[]');
    const [old, newer]: [Says, Says] = [() => ({ total: 1 }), () => ({ total: 2 })];
    await set(json(old), json(newer), 'monolith', { rules: file });
    await get();
    expect(kinds(await found(1))).toEqual(['mismatch']);
    const logged = async (text: string) => {
      while (!open!.logged.some(({ msg }) => msg === text)) await sleep(20);
    };
    await writeFile(file, '[{]');
    await logged('the rules of comparing have changed and are wrong; those before stay in force');
    await writeFile(file, JSON.stringify([rule]));
    await logged('the rules of comparing have changed');
    await get();
    expect(kinds(await found(2))).toEqual(['equal-by-rule', 'mismatch']);
  });

  test('is counted for Prometheus: results, what was dropped and why, how long the other side takes', async () => {
    await set(
      json(() => ({ id: 7 })),
      (request) => request.socket.resetAndDestroy(),
      'monolith',
    );
    for (let read = 0; read < 12; read++) {
      await get();
      await found(read + 1);
    }
    const text = await (await fetch(`http://${open!.metricsAddress}/metrics`)).text();
    const labels = 'capability="orders",route="GET /api/orders/{id}"';
    expect(text).toContain(`strangler_proxy_compared_total{${labels},result="candidate-error"} 10`);
    expect(text).toContain(`strangler_proxy_compared_total{${labels},result="dropped"} 2`);
    const reason = 'the service has failed too often';
    expect(text).toContain(`strangler_proxy_compare_dropped_total{capability="orders",reason="${reason}"} 2`);
    expect(text).toContain('strangler_proxy_compare_circuit_open{capability="orders",side="service"} 1');
    expect(text).toContain('strangler_proxy_shadow_failures_total{capability="orders",side="service"} 10');
    expect(text).toContain('strangler_proxy_compare_waiting 0');
  });
});

describe('the other side cannot harm', () => {
  test('faults 46: one that hangs, resets or fails: the owner’s answer comes at once, and it is said', async () => {
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

  test('faults 46: one that answers nobody holds no client up: reads go on, few are asked of it, the rest is shed and counted', async () => {
    const asking = { now: 0, most: 0 };
    const silent: RequestListener = (request) => {
      asking.most = Math.max(asking.most, ++asking.now);
      request.socket.on('close', () => asking.now--);
    };
    await set(
      json(() => ({ id: 7 })),
      silent,
      'monolith',
    );
    const reads = 150;
    const answers = await Promise.all(Array.from({ length: reads }, async () => (await get()).json()));
    expect(answers).toEqual(Array.from({ length: reads }, () => ({ id: 7 })));
    const { routes } = await found(reads);
    expect(routes[0]!.counts['candidate-timeout'] + routes[0]!.counts.dropped).toBe(reads);
    expect(routes[0]!.counts.dropped).toBeGreaterThan(0);
    expect(asking.most).toBeLessThanOrEqual(32);
    expect(open!.service.requests.length).toBeLessThan(reads);
    const text = await (await fetch(`http://${open!.metricsAddress}/metrics`)).text();
    expect(text).toMatch(/strangler_proxy_compare_dropped_total\{capability="orders",reason="[^"]+"\} [1-9]/);
  });

  test('faults 48: a client that goes away after its answer takes no shadow with it, and none is asked twice', async () => {
    const asked = Promise.withResolvers<() => void>();
    let aborted = 0;
    const service: RequestListener = (request, response) => {
      response.on('close', () => {
        if (!response.writableFinished) aborted++;
      });
      asked.resolve(() => void response.setHeader('content-type', 'application/json').end('{"id":7}'));
      void request;
    };
    await set(
      json(() => ({ id: 7 })),
      service,
      'monolith',
    );
    const client = new Raw(open!.address);
    await client.send('GET /api/orders/7 HTTP/1.1\r\nHost: shop\r\nX-User: ada\r\n\r\n').answer();
    const answer = await asked.promise;
    client.socket.resetAndDestroy();
    await client.end();
    await get('/elsewhere'); // whatever the proxy does about the client, it has done by now
    answer();
    expect(kinds(await found())).toEqual(['equal']);
    expect([aborted, open!.service.requests.length]).toEqual([0, 1]);
  });

  test('faults 48: what the other side breaks off is not tried again', async () => {
    await set(
      json(() => ({ id: 7 })),
      (request) => request.socket.resetAndDestroy(),
      'monolith',
    );
    await get();
    expect(kinds(await found())).toEqual(['candidate-error']);
    expect(open!.service.requests).toHaveLength(1);
  });

  test('faults 48: it is asked with the client’s own headers, signed; a client cannot pretend, and gets none of its cookies', async () => {
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
