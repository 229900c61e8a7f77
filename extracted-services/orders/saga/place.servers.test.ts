import { type Reply, type Shop, startShop } from '@example/monolith/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import { type Gate, startGate } from '../testing/gate.ts';
import { type OrdersUnderTest, startOrders } from '../testing/orders.ts';

let shop: Shop;
let gate: Gate;
let orders: OrdersUnderTest;
beforeAll(async () => {
  const { mysql, postgres } = await servers();
  shop = await startShop(mysql);
  gate = await startGate(shop.url);
  orders = await startOrders(shop, postgres, { monolithUrl: gate.url });
});
afterAll(async () => {
  await orders.stop();
  await gate.stop();
  await shop.stop();
});
beforeEach(() => gate.decide(() => 'pass'));

const key = (text: string) => ({ 'idempotency-key': text });

describe('placing an order at the service', () => {
  test('takes the stock and the payment at the monolith and leaves an event in the outbox', async () => {
    const productId = await shop.addProduct({ price: '9.99', stock: 10 });
    const items = [{ productId, quantity: 3 }];
    const placed = await orders.as(1)('POST', '/api/orders', { items }, key('one'));
    expect(placed.status).toBe(201);
    expect(placed.body).toMatchObject({ status: 'placed', idempotencyKey: 'one', total: '29.97' });
    expect(placed.body.id % 2).toBe(0);
    expect((await orders.as(1)('GET', `/api/orders/${placed.body.id}`)).body).toEqual(placed.body);
    expect(await shop.stockOf(productId)).toBe(7);
    expect(await shop.paymentsOf(1, 'one')).toEqual(['captured 29.97']);
    expect(await orders.database.sql('SELECT aggregateid, type, payload FROM outbox')).toEqual([
      {
        aggregateid: '1',
        type: 'order_placed',
        payload: {
          userId: 1,
          key: 'one',
          orderId: placed.body.id,
          quantity: 3,
          total: '29.97',
          createdAt: placed.body.createdAt,
        },
      },
    ]);
    expect(await orders.attempts()).toBe(0);
  });

  test('again with the same key answers the same order, with other items is refused', async () => {
    const productId = await shop.addProduct({ price: '5.00', stock: 10 });
    const order = (quantity: number) =>
      orders.as(2)('POST', '/api/orders', { items: [{ productId, quantity }] }, key('again'));
    const [first, second, other] = [await order(4), await order(4), await order(5)];
    expect([first.status, second.status, other.status]).toEqual([201, 200, 422]);
    expect(second.body).toEqual(first.body);
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect(await shop.stockOf(productId)).toBe(6);
  });

  test('with a declined card gives the stock back, and may be tried again with a good one', async () => {
    const productId = await shop.addProduct({ price: '7.00', stock: 5 });
    const order = (card: string) =>
      orders.as(3)('POST', '/api/orders', { items: [{ productId, quantity: 2 }], card }, key('card'));
    expect(await order('4000 0000 0000 0002')).toMatchObject({
      status: 402,
      body: { error: { code: 'payment_declined' } },
    });
    expect([await shop.stockOf(productId), await orders.attempts()]).toEqual([5, 0]);
    expect((await order('4242 4242 4242 4242')).status).toBe(201);
    expect([await shop.stockOf(productId), await shop.paymentsOf(3, 'card')]).toEqual([3, ['captured 14.00']]);
  });

  test('twenty times at once with one key is one order', async () => {
    const productId = await shop.addProduct({ price: '3.00', stock: 100 });
    const replies = await Promise.all(
      Array.from({ length: 20 }, () =>
        orders.as(4)('POST', '/api/orders', { items: [{ productId, quantity: 1 }] }, key('at-once')),
      ),
    );
    expect(replies.map((reply) => reply.status).toSorted()).toEqual([...Array(19).fill(200), 201]);
    expect(new Set(replies.map((reply) => reply.body.id)).size).toBe(1);
    expect([await shop.stockOf(productId), await orders.attempts()]).toEqual([99, 0]);
    expect(await shop.paymentsOf(4, 'at-once')).toEqual(['captured 3.00']);
  });

  test('by forty users at once of the last ten sells exactly ten', async () => {
    const productId = await shop.addProduct({ price: '3.00', stock: 10 });
    const replies = await Promise.all(
      Array.from({ length: 40 }, (_, user) =>
        orders.as(100 + user)('POST', '/api/orders', { items: [{ productId, quantity: 1 }] }),
      ),
    );
    expect(replies.map((reply) => reply.status).toSorted()).toEqual([...Array(10).fill(201), ...Array(30).fill(409)]);
    expect([await shop.stockOf(productId), await orders.attempts()]).toEqual([0, 0]);
  });
});

describe('when the monolith’s answer does not come', () => {
  test.each([
    ['reservations', 'lost-stock'],
    ['payments', 'lost-payment'],
  ])('to a claim of %s, the same key goes on where it stopped', async (path, purchase) => {
    const productId = await shop.addProduct({ price: '2.00', stock: 10 });
    const order = { items: [{ productId, quantity: 1 }] };
    gate.decide((asked) => (asked.includes(path) ? 'lose-answer' : 'pass'));
    const lost = await orders.as(5)('POST', '/api/orders', order, key(purchase));
    expect([lost.status, lost.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await shop.stockOf(productId)).toBe(9);
    gate.decide(() => 'pass');
    expect((await orders.as(5)('POST', '/api/orders', order, key(purchase))).status).toBe(201);
    expect(await shop.stockOf(productId)).toBe(9);
    expect(await shop.paymentsOf(5, purchase)).toEqual(['captured 2.00']);
  });

  test('in time, it is a 504 and the same key goes on where it stopped', async () => {
    const productId = await shop.addProduct({ price: '2.00', stock: 10 });
    const order = { items: [{ productId, quantity: 1 }] };
    const { postgres } = await servers();
    const impatient = await startOrders(shop, postgres, { monolithUrl: gate.url, monolithTimeoutMs: 200 });
    gate.decide((asked) => (asked.includes('reservations') ? 'keep-answer' : 'pass'));
    expect(await impatient.as(9)('POST', '/api/orders', order, key('late'))).toMatchObject({
      status: 504,
      body: { error: { code: 'timeout' } },
    });
    await gate.answered();
    await impatient.stop();
    gate.decide(() => 'pass');
    expect((await orders.as(9)('POST', '/api/orders', order, key('late'))).status).toBe(201);
    expect(await shop.stockOf(productId)).toBe(9);
  });

  test('because it is down, nothing is taken and the client may try again', async () => {
    const productId = await shop.addProduct({ price: '2.00', stock: 10 });
    const order = () => orders.as(6)('POST', '/api/orders', { items: [{ productId, quantity: 1 }] }, key('down'));
    gate.decide(() => 'break');
    expect(await order()).toMatchObject({ status: 503, body: { error: { code: 'unavailable' } } });
    expect(await shop.stockOf(productId)).toBe(10);
    gate.decide(() => 'pass');
    expect((await order()).status).toBe(201);
  });

  test('to a compensation, the decline is answered all the same and recovery gives the stock back', async () => {
    const productId = await shop.addProduct({ price: '2.00', stock: 10 });
    const declined = { items: [{ productId, quantity: 1 }], card: '0002' };
    gate.decide((path) => (/release|refund/.test(path) ? 'break' : 'pass'));
    expect((await orders.as(7)('POST', '/api/orders', declined, key('bad-card'))).status).toBe(402);
    expect(await shop.stockOf(productId)).toBe(9);
    gate.decide(() => 'pass');
    await orders.recover();
    expect(await shop.stockOf(productId)).toBe(10);
  });
});

test('sixty purchases over a failing network, each retried until it is answered, add up', async () => {
  const productIds = await Promise.all(Array.from({ length: 6 }, () => shop.addProduct({ price: '1.50', stock: 100 })));
  let seed = 20_261_121;
  const dice = (sides: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * sides);
  };
  gate.decide(() => (['lose-answer', 'break', 'pass', 'pass', 'pass', 'pass'] as const)[dice(6)]!);
  const answered = async (ask: () => Promise<Reply>): Promise<Reply> => {
    for (;;) {
      const reply = await ask();
      if (reply.status < 500) return reply;
    }
  };
  let sold = 0;
  const buy = async (user: number) => {
    const client = orders.as(1000 + user);
    const productId = productIds[user % 6]!;
    const body = (card: string) => ({ items: [{ productId, quantity: 1 + (user % 3) }], card });
    const place = (card: string) => answered(() => client('POST', '/api/orders', body(card), key('k')));
    const declined = user % 5 === 0 ? await place('0002') : undefined;
    if (declined) expect(declined.status).toBe(402);
    if (user % 10 === 0) return;
    const placed = await place('4242');
    expect([200, 201]).toContain(placed.status);
    if (user % 4 !== 0) sold += 1 + (user % 3);
    else await answered(() => client('POST', `/api/orders/${placed.body.id}/cancel`));
  };
  await Promise.all(Array.from({ length: 60 }, (_, user) => buy(user)));
  gate.decide(() => 'pass');
  await orders.settleAll();
  const stock = await Promise.all(productIds.map((id) => shop.stockOf(id)));
  expect(stock.reduce((sum, left) => sum + left)).toBe(600 - sold);
  expect(await orders.attempts()).toBe(0);
  const statusByOrder = await orders.database.sql(
    "SELECT user_id::int AS user_id, status FROM orders WHERE user_id >= 1000 AND idempotency_key = 'k'",
  );
  const payments = await shop.sql<{ user_id: number; status: string }>(
    "SELECT user_id, status FROM payments WHERE user_id >= 1000 AND idempotency_key = 'k'",
  );
  const captured = payments.filter((payment) => payment.status === 'captured').map((payment) => payment.user_id);
  const stands = statusByOrder.filter((order) => order.status === 'placed').map((order) => order.user_id);
  expect(captured.toSorted()).toEqual(stands.toSorted());
});

test('an order the monolith has but the service does not yet is not placed a second time', async () => {
  const productId = await shop.addProduct({ price: '2.00', stock: 10 });
  const order = { items: [{ productId, quantity: 1 }] };
  expect((await shop.as(8)('POST', '/api/orders', order, key('late-write'))).status).toBe(201);
  expect(await orders.as(8)('POST', '/api/orders', order, key('late-write'))).toMatchObject({ status: 503 });
  expect(await shop.stockOf(productId)).toBe(9);
});

test('connections that die in the pool cost a 503 at most, then the service goes on', async () => {
  await Promise.all(Array.from({ length: 10 }, () => orders.as(1)('GET', '/api/orders')));
  await orders.database.sql(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid != pg_backend_pid()',
  );
  let reply = await orders.as(1)('GET', '/api/orders');
  for (let again = 0; reply.status === 503 && again < 20; again++) reply = await orders.as(1)('GET', '/api/orders');
  expect(reply.status).toBe(200);
});
