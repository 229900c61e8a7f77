import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import { type Shop, startShop } from '../testing/shop.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await startShop((await servers()).mysql);
});
afterAll(() => shop.stop());

const key = (text: string) => ({ 'idempotency-key': text });

describe('placing an order', () => {
  test('takes the stock, captures the payment and notifies, once', async () => {
    const productId = await shop.addProduct({ price: '9.99', stock: 10 });
    const user = shop.as(1);
    const items = [{ productId, quantity: 3 }];
    const placed = await user('POST', '/api/orders', { items }, key('one'));
    expect(placed.status).toBe(201);
    expect(placed.body).toEqual({
      id: expect.any(Number),
      status: 'placed',
      idempotencyKey: 'one',
      total: '29.97',
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updatedAt: placed.body.createdAt,
      items: [{ productId, quantity: 3, unitPrice: '9.99' }],
    });
    expect(await shop.stockOf(productId)).toBe(7);
    expect(await shop.paymentsOf(1, 'one')).toEqual(['captured 29.97']);
    expect(await shop.reservationsOf(1, 'one')).toEqual(['held 3']);
    const { notifications } = (await user('GET', '/api/notifications')).body;
    expect(notifications).toMatchObject([
      {
        kind: 'order_placed',
        reference: 'one',
        title: 'Order placed',
        body: 'Thank you for your order of 3 CDs for $29.97.',
        readAt: null,
        createdAt: placed.body.createdAt,
      },
    ]);
    expect((await user('GET', `/api/orders/${placed.body.id}`)).body).toEqual(placed.body);
    expect((await user('GET', '/api/orders')).body).toEqual({ orders: [placed.body], next: null });
  });

  test('again with the same key answers the same order and does nothing', async () => {
    const productId = await shop.addProduct({ price: '5.00', stock: 10 });
    const items = [{ productId, quantity: 4 }];
    const first = await shop.as(2)('POST', '/api/orders', { items }, key('again'));
    const second = await shop.as(2)('POST', '/api/orders', { items }, key('again'));
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.body).toEqual(first.body);
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect(await shop.stockOf(productId)).toBe(6);
  });

  test('with the same key but other items is refused; the same key of another user is another order', async () => {
    const productId = await shop.addProduct({ price: '5.00', stock: 10 });
    const order = (user: number, quantity: number) =>
      shop.as(user)('POST', '/api/orders', { items: [{ productId, quantity }] }, key('reused'));
    expect((await order(3, 1)).status).toBe(201);
    expect((await order(3, 2)).body.error.code).toBe('idempotency_key_reused');
    expect((await order(4, 2)).status).toBe(201);
    expect(await shop.stockOf(productId)).toBe(7);
  });

  test('of more than is left is refused and takes nothing', async () => {
    const [plenty, few] = [
      await shop.addProduct({ price: '1.00', stock: 10 }),
      await shop.addProduct({ price: '1.00', stock: 1 }),
    ];
    const items = [plenty, few].map((productId) => ({ productId, quantity: 2 }));
    const refused = await shop.as(5)('POST', '/api/orders', { items }, key('too-much'));
    expect(refused.status).toBe(409);
    expect(refused.body.error).toMatchObject({
      code: 'out_of_stock',
      message: `product ${few}: 2 wanted, 1 left`,
    });
    expect([await shop.stockOf(plenty), await shop.stockOf(few)]).toEqual([10, 1]);
    expect(await shop.paymentsOf(5, 'too-much')).toEqual([]);
  });

  test('with a declined card takes nothing, and may be tried again with a good one', async () => {
    const productId = await shop.addProduct({ price: '7.00', stock: 5 });
    const order = (card: string) =>
      shop.as(6)('POST', '/api/orders', { items: [{ productId, quantity: 1 }], card }, key('card'));
    expect(await order('4000 0000 0000 0002')).toMatchObject({
      status: 402,
      body: { error: { code: 'payment_declined' } },
    });
    expect(await shop.stockOf(productId)).toBe(5);
    expect(await shop.paymentsOf(6, 'card')).toEqual(['declined 7.00']);
    expect((await order('4242 4242 4242 4242')).status).toBe(201);
    expect(await shop.stockOf(productId)).toBe(4);
    expect(await shop.paymentsOf(6, 'card')).toEqual(['captured 7.00']);
  });

  test('of a free product is an order of 0.00', async () => {
    const productId = await shop.addProduct({ price: '0.00', stock: 5 });
    const placed = await shop.as(7)('POST', '/api/orders', { items: [{ productId, quantity: 5 }] });
    expect(placed).toMatchObject({ status: 201, body: { total: '0.00' } });
    expect(await shop.stockOf(productId)).toBe(0);
  });

  test('twenty times at once with one key is one order', async () => {
    const productId = await shop.addProduct({ price: '3.00', stock: 100 });
    const replies = await Promise.all(
      Array.from({ length: 20 }, () =>
        shop.as(8)('POST', '/api/orders', { items: [{ productId, quantity: 1 }] }, key('at-once')),
      ),
    );
    expect(replies.map((reply) => reply.status).toSorted()).toEqual([...Array(19).fill(200), 201]);
    expect(new Set(replies.map((reply) => reply.body.id)).size).toBe(1);
    expect(await shop.stockOf(productId)).toBe(99);
    expect((await shop.as(8)('GET', '/api/notifications')).body.notifications).toHaveLength(1);
  });

  test('by forty users at once of the last ten sells exactly ten', async () => {
    const productId = await shop.addProduct({ price: '3.00', stock: 10 });
    const replies = await Promise.all(
      Array.from({ length: 40 }, (_, user) =>
        shop.as(100 + user)('POST', '/api/orders', { items: [{ productId, quantity: 1 }] }),
      ),
    );
    expect(replies.map((reply) => reply.status).toSorted()).toEqual([...Array(10).fill(201), ...Array(30).fill(409)]);
    expect(await shop.stockOf(productId)).toBe(0);
  });

  test('of the same products in opposite order by many at once never fails on a deadlock', async () => {
    const ids = [
      await shop.addProduct({ price: '1.00', stock: 1000 }),
      await shop.addProduct({ price: '1.00', stock: 1000 }),
    ];
    const replies = await Promise.all(
      Array.from({ length: 40 }, (_, user) => {
        const items = ids.map((productId) => ({ productId, quantity: 1 }));
        return shop.as(200 + user)('POST', '/api/orders', { items: user % 2 ? items : items.toReversed() });
      }),
    );
    expect(new Set(replies.map((reply) => reply.status))).toEqual(new Set([201]));
    expect([await shop.stockOf(ids[0]!), await shop.stockOf(ids[1]!)]).toEqual([960, 960]);
  });
});

describe('the list of orders', () => {
  test('is newest first by time, not by id, and can be paged to its end', async () => {
    for (const [id, second] of [
      [9002, 1],
      [9001, 3],
      [9004, 2],
      [9003, 3],
    ] as const)
      await shop.sql(
        'INSERT INTO orders (id, user_id, idempotency_key, total, created_at, updated_at) VALUES (?, 50, ?, 1, ?, ?)',
        [id, `k${id}`, ...Array(2).fill(new Date(Date.UTC(1997, 0, 1, 0, 0, second)))],
      );
    const ids: number[] = [];
    let next: string | null = '';
    while (next !== null) {
      const page = await shop.as(50)('GET', `/api/orders?limit=3${next && `&before=${encodeURIComponent(next)}`}`);
      ids.push(...page.body.orders.map((order: { id: number }) => order.id));
      next = page.body.next;
    }
    expect(ids).toEqual([9003, 9001, 9004, 9002]);
  });

  test("holds nobody else's orders, and neither can they be read or cancelled", async () => {
    const productId = await shop.addProduct({ price: '1.00', stock: 5 });
    const { body } = await shop.as(60)('POST', '/api/orders', { items: [{ productId, quantity: 1 }] });
    expect((await shop.as(61)('GET', '/api/orders')).body.orders).toEqual([]);
    expect((await shop.as(61)('GET', `/api/orders/${body.id}`)).status).toBe(404);
    expect((await shop.as(61)('POST', `/api/orders/${body.id}/cancel`)).status).toBe(404);
    expect(await shop.stockOf(productId)).toBe(4);
  });
});
