import { type Shop, startShop } from '@example/monolith/testing';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
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

const place = async (userId: number) => {
  const productId = await shop.addProduct({ price: '4.00', stock: 10 });
  const order = { items: [{ productId, quantity: 2 }] };
  const { body } = await orders.as(userId)('POST', '/api/orders', order, { 'idempotency-key': 'k' });
  return { id: body.id as number, productId, created: body };
};

/** The order's row as the sync brings it to the monolith. */
const replicate = async (userId: number, { id, productId, created }: Awaited<ReturnType<typeof place>>) => {
  await shop.sql(
    'INSERT INTO orders (id, user_id, idempotency_key, status, total, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
    [id, userId, 'k', created.status, created.total, new Date(created.createdAt), new Date(created.updatedAt)],
  );
  await shop.sql('INSERT INTO order_items (id, order_id, product_id, quantity, unit_price) VALUES (?, ?, ?, 2, 4)', [
    id,
    id,
    productId,
  ]);
};

test('a cancelled order gives its stock and its money back, once, however often it is cancelled', async () => {
  const { id, productId } = await place(1);
  const first = await orders.as(1)('POST', `/api/orders/${id}/cancel`);
  const second = await orders.as(1)('POST', `/api/orders/${id}/cancel`);
  expect(first).toMatchObject({ status: 200, body: { id, status: 'cancelled', total: '8.00' } });
  expect([second.status, second.body]).toEqual([200, first.body]);
  expect([await shop.stockOf(productId), await shop.paymentsOf(1, 'k')]).toEqual([10, ['refunded 8.00']]);
  expect(await orders.attempts()).toBe(0);
});

test('ten cancels at once give the stock back once', async () => {
  const { id, productId } = await place(2);
  const replies = await Promise.all(Array.from({ length: 10 }, () => orders.as(2)('POST', `/api/orders/${id}/cancel`)));
  expect(new Set(replies.map((reply) => reply.status))).toEqual(new Set([200]));
  expect([await shop.stockOf(productId), await orders.attempts()]).toEqual([10, 0]);
});

test('a cancel cut off from the monolith is decided, and undone by recovery or by the next cancel', async () => {
  for (const [userId, again] of [
    [3, () => orders.recover()],
    [4, (id: number) => orders.as(4)('POST', `/api/orders/${id}/cancel`)],
  ] as const) {
    const { id, productId } = await place(userId);
    gate.decide(() => 'break');
    expect((await orders.as(userId)('POST', `/api/orders/${id}/cancel`)).status).toBe(503);
    expect((await orders.as(userId)('GET', `/api/orders/${id}`)).body.status).toBe('cancelled');
    expect(await shop.stockOf(productId)).toBe(8);
    gate.decide(() => 'pass');
    await again(id);
    expect([await shop.stockOf(productId), await orders.attempts()]).toEqual([10, 0]);
  }
});

test('a cancel cut off, then repeated on the monolith after the user moved back, gives the stock back once', async () => {
  const placed = await place(5);
  gate.decide(() => 'break');
  expect((await orders.as(5)('POST', `/api/orders/${placed.id}/cancel`)).status).toBe(503);
  const { body: cancelled } = await orders.as(5)('GET', `/api/orders/${placed.id}`);
  await replicate(5, { ...placed, created: cancelled });
  const there = await shop.as(5)('POST', `/api/orders/${placed.id}/cancel`);
  expect([there.status, there.body]).toEqual([200, cancelled]);
  expect([await shop.stockOf(placed.productId), await shop.paymentsOf(5, 'k')]).toEqual([10, ['refunded 8.00']]);
  gate.decide(() => 'pass');
  await orders.recover();
  expect([await shop.stockOf(placed.productId), await orders.attempts()]).toEqual([10, 0]);
});

test('an order placed here and cancelled on the monolith is undone there alone', async () => {
  const placed = await place(6);
  await replicate(6, placed);
  const there = await shop.as(6)('POST', `/api/orders/${placed.id}/cancel`);
  expect(there.body).toEqual({ ...placed.created, status: 'cancelled', updatedAt: there.body.updatedAt });
  expect([await shop.stockOf(placed.productId), await shop.paymentsOf(6, 'k')]).toEqual([10, ['refunded 8.00']]);
});

test('an order without a key, from before keys were kept, is cancelled without anything to undo', async () => {
  await orders.database.sql("INSERT INTO orders (id, user_id, total) VALUES (70001, 7, '1.00')");
  expect(await orders.as(7)('POST', '/api/orders/70001/cancel')).toMatchObject({
    status: 200,
    body: { status: 'cancelled', idempotencyKey: null },
  });
});
