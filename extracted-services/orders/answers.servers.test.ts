import { type Client, type Reply, type Shop, send, startShop } from '@example/monolith/testing';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import { masker } from './testing/masked.ts';
import { type OrdersUnderTest, startOrders } from './testing/orders.ts';

// The same cases, in the same order, against a shop that does it all itself and against the service beside a shop of
// its own, both freshly stocked alike: every answer must be the same but for minted ids and times.

let legacy: Shop;
let shop: Shop;
let orders: OrdersUnderTest;
let products: number[];

beforeAll(async () => {
  const { mysql, postgres } = await servers();
  legacy = await startShop(mysql);
  shop = await startShop(mysql);
  orders = await startOrders(shop, postgres);
  const stocked = [
    { price: '9.99', stock: 10 },
    { price: '0.00', stock: 1000 },
    { price: '60000.00', stock: 1000 },
    { price: '11.77', stock: 3 },
  ];
  for (const side of [legacy, shop]) {
    products = [];
    for (const product of stocked) products.push(await side.addProduct(product));
  }
});
afterAll(async () => {
  await orders.stop();
  await legacy.stop();
  await shop.stop();
});

interface Side {
  url: string;
  ann: Client;
  bob: Client;
  /** What ann's last placed order was answered. */
  last: Reply | undefined;
}

const order = (items: [product: number, quantity: number][], card?: string) => ({
  items: items.map(([product, quantity]) => ({ productId: products[product], quantity })),
  ...(card && { card }),
});

const place =
  (body: () => unknown, key?: string) =>
  async (side: Side): Promise<Reply> => {
    const reply = await side.ann('POST', '/api/orders', body(), key ? { 'idempotency-key': key } : {});
    if (reply.status < 300) side.last = reply;
    return reply;
  };

const ofLast =
  (who: 'ann' | 'bob', method: string, suffix = '') =>
  (side: Side): Promise<Reply> =>
    side[who](method, `/api/orders/${side.last!.body.id}${suffix}`);

const cases: [title: string, ask: (side: Side) => Promise<Reply>][] = [
  ['an empty list', ({ ann }) => ann('GET', '/api/orders')],
  [
    'an order of two products',
    place(
      () =>
        order([
          [3, 1],
          [0, 2],
        ]),
      'first',
    ),
  ],
  [
    'the same again',
    place(
      () =>
        order([
          [3, 1],
          [0, 2],
        ]),
      'first',
    ),
  ],
  [
    'the same, its items in another order',
    place(
      () =>
        order([
          [0, 2],
          [3, 1],
        ]),
      'first',
    ),
  ],
  [
    'the same key with another quantity',
    place(
      () =>
        order([
          [0, 3],
          [3, 1],
        ]),
      'first',
    ),
  ],
  ['the same key with one item less', place(() => order([[0, 2]]), 'first')],
  ['the order itself', ofLast('ann', 'GET')],
  ["somebody else's order", ofLast('bob', 'GET')],
  ["a cancel of somebody else's order", ofLast('bob', 'POST', '/cancel')],
  ['an order without a key', place(() => order([[0, 1]]))],
  ['a free order', place(() => order([[1, 1000]]), 'free')],
  ['a declined card', place(() => order([[0, 1]], '4000 0000 0000 0002'), 'declined')],
  ['the declined order with a good card', place(() => order([[0, 1]], '4242-4242-4242-4242'), 'declined')],
  ['an amount nobody can pay', place(() => order([[2, 2]]), 'rich')],
  ['more than is left', place(() => order([[0, 7]]), 'greedy')],
  ['more than is left, then less under the same key', place(() => order([[0, 6]]), 'greedy')],
  ['the last one is gone', place(() => order([[0, 1]]))],
  ['a product that does not exist', place(() => ({ items: [{ productId: 999_999_999, quantity: 1 }] }))],
  ['the newest page', ({ ann }) => ann('GET', '/api/orders?limit=2')],
  [
    'the page after it',
    async ({ ann }) => {
      const { next } = (await ann('GET', '/api/orders?limit=2')).body;
      return ann('GET', `/api/orders?limit=2&before=${next}`);
    },
  ],
  ['a cancel', ofLast('ann', 'POST', '/cancel')],
  ['the cancel again', ofLast('ann', 'POST', '/cancel')],
  ['the cancelled order', ofLast('ann', 'GET')],
  ['the key of the cancelled order', place(() => order([[0, 6]]), 'greedy')],
  ['everything', ({ ann }) => ann('GET', '/api/orders?limit=200')],
  ["another user's list", ({ bob }) => bob('GET', '/api/orders')],
  ['an order that does not exist', ({ ann }) => ann('GET', '/api/orders/999999999')],
  ['an id that cannot be', ({ ann }) => ann('GET', '/api/orders/abc')],
  ['an id beyond BIGINT', ({ ann }) => ann('GET', '/api/orders/9223372036854775808')],
  ['the largest id', ({ ann }) => ann('GET', '/api/orders/9223372036854775807')],
  ['a cancel of nothing', ({ ann }) => ann('POST', '/api/orders/999999999/cancel')],
  ['a wrong limit and a wrong cursor', ({ ann }) => ann('GET', '/api/orders?limit=0&before=x')],
  ['a limit given twice', ({ ann }) => ann('GET', '/api/orders?limit=1&limit=2')],
  ['no items', place(() => ({}))],
  ['an empty order', place(() => ({ items: [] }))],
  ['nothing but mistakes', place(() => ({ items: [{}, { productId: -1, quantity: 1001 }, 7], card: {} }))],
  ['a key with a space', place(() => order([[1, 1]]), 'a b')],
  ['a key too long', place(() => order([[1, 1]]), 'k'.repeat(81))],
  ['a key of 80 characters', place(() => order([[1, 1]]), 'k'.repeat(80))],
  ['a key with a slash, a percent and dots', place(() => order([[1, 1]]), '../%2F?#&=')],
  ['keys that differ in case', place(() => order([[1, 2]]), 'FIRST')],
  ['a body that is not JSON', place(() => '{')],
  ['a body that is a list', place(() => [])],
  ['a body of another type', ({ ann }) => ann('POST', '/api/orders', 'x', { 'content-type': 'text/plain' })],
  ['a body over 100 kB', place(() => ({ items: [], padding: 'x'.repeat(102_400) }))],
  ['no token', ({ url }) => send(url, 'GET', '/api/orders')],
  ['a token that is none', ({ url }) => send(url, 'GET', '/api/orders', undefined, { authorization: 'Bearer x' })],
  ['a path below an order that is none', ({ ann }) => ann('GET', '/api/orders/1/items')],
  ['a method nobody knows', ({ ann }) => ann('DELETE', '/api/orders/1')],
  ['a path that cannot be decoded', ({ ann }) => ann('GET', '/api/orders/%E0%A4%A')],
  ['a request id of ours', ({ ann }) => ann('GET', '/api/orders/abc', undefined, { 'x-request-id': 'ours' })],
  ['the health', ({ url }) => send(url, 'GET', '/health')],
];

test('the service answers what the monolith answers, case for case', async () => {
  const sides: Side[] = [legacy, orders].map((side) => ({
    url: side.url,
    ann: side.as(1),
    bob: side.as(3),
    last: undefined,
  }));
  const masks = sides.map(() => masker());
  for (const [title, ask] of cases) {
    const [monolith, service] = await Promise.all(sides.map(async (side, at) => masks[at]!(await ask(side))));
    expect({ title, answer: service }).toEqual({ title, answer: monolith });
    expect(monolith!.status).toBeLessThan(500);
  }
  for (const product of products) expect(await shop.stockOf(product)).toBe(await legacy.stockOf(product));
  const statusesOf = async (side: Shop) =>
    side.sql('SELECT idempotency_key, status, amount FROM payments WHERE LENGTH(idempotency_key) != 36 ORDER BY 1');
  expect(await statusesOf(shop)).toEqual(await statusesOf(legacy));
});
