import { createServer } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import express from 'express';
import { type Case, compareSuites, describeSuite, type Rule, ruleSet } from '../index.ts';

interface Order {
  id: number | bigint;
  total: number;
  createdAt: string;
}

/** A small shop whose ids and clock are its own, as two sides of a migration have them. */
function shop(firstId: number, { round = (cents: number) => cents / 100, asText = false } = {}) {
  const orders: Order[] = [];
  const app = express();
  app.use(express.json());
  app.post('/login', (_request, response) => {
    response.json({ token: `a.b${firstId}.c` });
  });
  app.use((request, response, next) => {
    if (request.headers.authorization === `Bearer a.b${firstId}.c`) next();
    else response.status(401).json({ error: 'who are you' });
  });
  app.post('/orders', (request, response) => {
    const id = firstId + orders.length * 2;
    orders.push({ id, total: round(request.body.cents), createdAt: new Date(firstId * 1000).toISOString() });
    response.status(201).location(`/orders/${id}`).json(orders.at(-1));
  });
  app.get('/orders', (_request, response) => {
    response.json({ orders: asText ? orders.map((order) => ({ ...order, total: `${order.total}` })) : orders });
  });
  app.get('/orders/:id', (request, response) => {
    const order = orders.find(({ id }) => String(id) === request.params.id);
    if (order) response.json(order);
    else response.status(404).json({ error: 'no such order' });
  });
  app.post('/echo', (request, response) => {
    response.json({ sent: request.body });
  });
  return app;
}

const authorization = 'Bearer {token}';
const cases: Case[] = [
  { name: 'log in', method: 'POST', path: '/login', body: {}, capture: { token: '$.token' } },
  {
    name: 'place an order',
    method: 'POST',
    path: '/orders',
    headers: { authorization },
    body: { cents: 1990 },
    capture: { orderId: '$.id' },
  },
  { name: 'place another', method: 'POST', path: '/orders', headers: { authorization }, body: { cents: 555 } },
  { name: 'read it back', method: 'GET', path: '/orders/{orderId}', headers: { authorization } },
  { name: 'list', method: 'GET', path: '/orders', headers: { authorization } },
  { name: 'read one that is not there', method: 'GET', path: '/orders/0', headers: { authorization } },
  { name: 'ask without a token', method: 'GET', path: '/orders' },
];

const rules: Rule[] = [
  { id: 'tokens', reason: 'signed by each side', path: '$.token', kind: 'shape-only' },
  { id: 'id', reason: 'each side mints its own', path: '$.id', kind: 'id-map', map: 'order' },
  { id: 'ids', reason: 'each side mints its own', path: '$.orders[*].id', kind: 'id-map', map: 'order' },
  { id: 'location', reason: 'holds the id', path: 'headers.location', kind: 'id-map', map: 'order location' },
  { id: 'created', reason: 'another moment', path: '$.createdAt', kind: 'shape-only' },
  { id: 'listed created', reason: 'another moment', path: '$.orders[*].createdAt', kind: 'shape-only' },
  { id: 'unused', reason: 'nobody needs this', path: '$.never', kind: 'ignore' },
];

describe('compareSuites', () => {
  test('runs the same cases against two apps, each with its own ids and tokens, and finds that they agree', async () => {
    const report = await compareSuites(shop(1), shop(2), cases, { rules });
    expect(describeSuite(report)).toBe('7 cases: 2 equal, 5 equal-by-rule');
    expect(report.agreed).toBe(true);
    expect(report.hits).toMatchObject({ tokens: 1, id: 3, ids: 2, unused: 0 });
    expect(report.cases.map(({ old, new: newer }) => [old, newer])).toContainEqual([404, 404]);
  });

  test('finds the wrong rounding and the wrong type of another build, case by case', async () => {
    const wrong = shop(2, { round: (cents) => Math.round(cents / 100), asText: true });
    const report = await compareSuites(shop(1), wrong, cases, { rules });
    expect(report.agreed).toBe(false);
    expect(report.counts.mismatch).toBe(4);
    const text = describeSuite(report);
    expect(text).toContain('read it back (GET /orders/{orderId})');
    expect(text).toContain('19.9 → 20');
    expect(text).toContain('$.orders[*].total  type, 2 times (high)');
  });

  test('takes base URLs and http servers as well, and leaves a server running that was running', async () => {
    const server = createServer(shop(1));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    try {
      const report = await compareSuites(`http://127.0.0.1:${port}/`, server, cases.slice(0, 1), { rules });
      expect(report.counts).toMatchObject({ equal: 1 });
      expect(server.listening).toBe(true);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test('reports a side that is down as a result, not as an exception', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const down = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
    await new Promise((resolve) => server.close(resolve));
    const [login] = cases;
    const newDown = await compareSuites(shop(1), down, [login!], { rules });
    expect(newDown.counts['candidate-error']).toBe(1);
    expect(newDown.cases[0]!.result.reason).toContain('ECONNREFUSED');
    const oldDown = await compareSuites(down, shop(1), [login!], { rules });
    expect(oldDown.counts['not-comparable']).toBe(1);
    expect([newDown.agreed, oldDown.agreed]).toEqual([false, false]);
  });

  test('sends a captured value with its type and all its digits', async () => {
    const big = express();
    big.use(express.text({ type: () => true }));
    big.get('/id', (_request, response) => {
      response.type('json').send('{"id":9007199254740993,"name":"é/ä"}');
    });
    big.post('/send/:name', (request, response) => {
      response.json({ body: request.body, name: request.params.name });
    });
    const wrong = express();
    wrong.get('/id', (_request, response) => {
      response.type('json').send('{"id":9007199254740993,"name":"é/ä"}');
    });
    const report = await compareSuites(big, wrong, [
      { name: 'get', method: 'GET', path: '/id', capture: { id: '$.id', name: '$.name' } },
      { name: 'send', method: 'POST', path: '/send/{name}', body: { order: '{id}', text: 'no. {id}', list: [1] } },
    ]);
    expect(report.cases[1]!.result.differences[0]!.old).toBe(
      String.raw`200 {"body": "{\"order\":9007199254740993,\"text\":\"no. 9007199254740993\",\"list\":[1]}", "name": "é/ä"}`,
    );
  });

  test('says so when a case cannot be sent because an earlier reply of that side lacked the value', async () => {
    const empty = express();
    empty.post('/login', (_request, response) => {
      response.json({});
    });
    const report = await compareSuites(shop(1), empty, cases.slice(0, 2), { rules });
    expect(report.cases[1]!.result).toMatchObject({
      kind: 'candidate-error',
      reason: 'the candidate gave no reply: no earlier reply of this side has yielded {token}',
    });
  });

  test('keeps learned ids across suites that share a rule set', async () => {
    const shared = ruleSet(rules);
    const [old, newer] = [shop(1), shop(2)];
    expect((await compareSuites(old, newer, cases, { rules: shared })).agreed).toBe(true);
    const reading: Case[] = [cases[0]!, { name: 'list', method: 'GET', path: '/orders', headers: { authorization } }];
    expect((await compareSuites(old, newer, reading, { rules: shared })).agreed).toBe(true);
    const strangers = await compareSuites(old, shop(4), cases, { rules: shared });
    expect(strangers.agreed).toBe(false);
  });

  test('names every mistake in the cases at once', async () => {
    const wrong: Case[] = [
      { name: 'a', method: 'get', path: 'orders', capture: { x: '$.list[*].id' } },
      { name: 'a', method: 'GET', path: '/{y}', body: { deep: ['{z}'] } },
    ];
    const failure = await compareSuites(shop(1), shop(2), wrong).catch((error: Error) => error.message);
    for (const part of ['upper-case', 'begin with /', 'must name one place', 'has this name', '{y}', '{z}']) {
      expect(failure).toContain(part);
    }
  });

  test('does not call an empty suite an agreement', async () => {
    expect((await compareSuites(shop(1), shop(2), [])).agreed).toBe(false);
  });
});
