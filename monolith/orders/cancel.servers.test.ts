import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import { type Shop, startShop } from '../testing/shop.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await startShop((await servers()).mysql);
});
afterAll(() => shop.stop());

const place = async (userId: number, quantity = 2) => {
  const productId = await shop.addProduct({ price: '4.00', stock: 10 });
  const key = `order of ${userId}`.replaceAll(' ', '-');
  const { body } = await shop.as(userId)(
    'POST',
    '/api/orders',
    { items: [{ productId, quantity }] },
    { 'idempotency-key': key },
  );
  return { id: body.id as number, productId, key, items: body.items };
};

test('a cancelled order gives its stock and its money back, once, however often it is cancelled', async () => {
  const { id, productId, key } = await place(1);
  const first = await shop.as(1)('POST', `/api/orders/${id}/cancel`);
  const second = await shop.as(1)('POST', `/api/orders/${id}/cancel`);
  expect(first).toMatchObject({ status: 200, body: { id, status: 'cancelled', total: '8.00' } });
  expect([second.status, second.body]).toEqual([200, first.body]);
  expect(await shop.stockOf(productId)).toBe(10);
  expect(await shop.paymentsOf(1, key)).toEqual(['refunded 8.00']);
  expect(await shop.reservationsOf(1, key)).toEqual(['released 2']);
});

test('cancelling notifies nobody: there is one notification per order', async () => {
  const { id } = await place(2);
  await shop.as(2)('POST', `/api/orders/${id}/cancel`);
  expect((await shop.as(2)('GET', '/api/notifications')).body.notifications).toHaveLength(1);
});

test('ten cancels at once give the stock back once', async () => {
  const { id, productId } = await place(3);
  const replies = await Promise.all(Array.from({ length: 10 }, () => shop.as(3)('POST', `/api/orders/${id}/cancel`)));
  expect(new Set(replies.map((reply) => reply.status))).toEqual(new Set([200]));
  expect(await shop.stockOf(productId)).toBe(10);
});

test('the key of a cancelled order still means that order', async () => {
  const { id, productId, key, items } = await place(4);
  await shop.as(4)('POST', `/api/orders/${id}/cancel`);
  const again = await shop.as(4)('POST', '/api/orders', { items }, { 'idempotency-key': key });
  expect(again).toMatchObject({ status: 200, body: { id, status: 'cancelled' } });
  expect(await shop.stockOf(productId)).toBe(10);
});

test('an order that arrived cancelled, its effects still standing, has them undone by the next cancel', async () => {
  const { id, productId, key } = await place(5);
  await shop.sql("UPDATE orders SET status = 'cancelled' WHERE id = ?", [id]);
  expect((await shop.as(5)('POST', `/api/orders/${id}/cancel`)).status).toBe(200);
  expect(await shop.stockOf(productId)).toBe(10);
  expect(await shop.paymentsOf(5, key)).toEqual(['refunded 8.00']);
});
