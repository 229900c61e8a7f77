import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import { send } from '../testing/client.ts';
import { type Shop, startShop } from '../testing/shop.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await startShop((await servers()).mysql);
});
afterAll(() => shop.stop());

const purchaseOf = async (userId: number) => {
  const productId = await shop.addProduct({ price: '6.00', stock: 10 });
  const items = [{ productId, quantity: 2 }];
  const [stock, payment] = [`/reservations/${userId}/k`, `/payments/${userId}/k`];
  return {
    productId,
    items,
    stockLeft: () => shop.stockOf(productId),
    claimStock: (attempt: string, wanted = items) => shop.internal('PUT', stock, { attempt, items: wanted }),
    release: (attempt: string) => shop.internal('POST', `${stock}/release`, { attempt }),
    pay: (attempt: string, card?: string) => shop.internal('PUT', payment, { attempt, amount: '12.00', card }),
    refund: (attempt: string) => shop.internal('POST', `${payment}/refund`, { attempt }),
    cancel: (attempt: string) => shop.internal('POST', `/cancellations/${userId}/k`, { attempt }),
    order: () => shop.as(userId)('POST', '/api/orders', { items }, { 'idempotency-key': 'k' }),
    payments: () => shop.paymentsOf(userId, 'k'),
    reservations: () => shop.reservationsOf(userId, 'k'),
  };
};

describe('a claim of stock', () => {
  test('answers prices and takes the stock once, whoever claims it again', async () => {
    const { productId, claimStock, stockLeft } = await purchaseOf(1);
    const first = await claimStock('a1');
    expect(first).toMatchObject({
      status: 200,
      body: { status: 'held', attempt: 'a1', items: [{ productId, quantity: 2, unitPrice: '6.00', title: 'A CD' }] },
    });
    expect((await claimStock('a1')).status).toBe(200);
    expect((await claimStock('a2')).status).toBe(200);
    expect(await stockLeft()).toBe(8);
  });

  test('can be released by the attempt that made it last, and by no other', async () => {
    const { claimStock, release, stockLeft } = await purchaseOf(2);
    await claimStock('a1');
    await claimStock('a2');
    expect(await release('a1')).toMatchObject({ status: 409, body: { error: { code: 'stale_attempt' } } });
    expect(await stockLeft()).toBe(8);
    expect((await release('a2')).status).toBe(200);
    expect((await release('a2')).status).toBe(200);
    expect(await stockLeft()).toBe(10);
  });

  test('after a release takes the stock again', async () => {
    const { claimStock, release, stockLeft, reservations } = await purchaseOf(3);
    await claimStock('a1');
    await release('a1');
    await claimStock('a3');
    expect(await stockLeft()).toBe(8);
    expect(await reservations()).toEqual(['held 2']);
  });

  test('of other items under the same key is refused while the first are held', async () => {
    const { productId, claimStock, release } = await purchaseOf(4);
    await claimStock('a1');
    const other = [{ productId, quantity: 3 }];
    expect(await claimStock('a2', other)).toMatchObject({ status: 422 });
    expect((await release('a1')).status).toBe(200);
    expect((await claimStock('a2', other)).status).toBe(200);
  });

  test('by twenty attempts at once takes the stock once', async () => {
    const { claimStock, stockLeft } = await purchaseOf(5);
    const replies = await Promise.all(Array.from({ length: 20 }, (_, n) => claimStock(`a${n}`)));
    expect(new Set(replies.map((reply) => reply.status))).toEqual(new Set([200]));
    expect(await stockLeft()).toBe(8);
  });

  test('of more than is left is refused', async () => {
    const { productId, claimStock } = await purchaseOf(6);
    expect(await claimStock('a1', [{ productId, quantity: 11 }])).toMatchObject({
      status: 409,
      body: { error: { code: 'out_of_stock' } },
    });
  });

  test('that never came is released without effect', async () => {
    const { release, refund } = await purchaseOf(7);
    expect([(await release('a1')).status, (await refund('a1')).status]).toEqual([200, 200]);
  });
});

describe('a claim of payment', () => {
  test('captures once, and again only after a refund', async () => {
    const { pay, refund, payments } = await purchaseOf(11);
    expect(await pay('a1')).toMatchObject({ status: 200, body: { status: 'captured', amount: '12.00' } });
    expect((await pay('a2')).status).toBe(200);
    expect(await refund('a1')).toMatchObject({ status: 409, body: { error: { code: 'stale_attempt' } } });
    expect(await payments()).toEqual(['captured 12.00']);
    expect((await refund('a2')).status).toBe(200);
    expect(await payments()).toEqual(['refunded 12.00']);
    expect((await pay('a3')).status).toBe(200);
    expect(await payments()).toEqual(['captured 12.00']);
  });

  test('that was declined may be tried with another card, and one captured is not declined by a bad card', async () => {
    const { pay, payments } = await purchaseOf(12);
    expect(await pay('a1', '4000 0000 0000 0002')).toMatchObject({
      status: 402,
      body: { error: { code: 'payment_declined' } },
    });
    expect(await payments()).toEqual(['declined 12.00']);
    expect((await pay('a2', '4242 4242 4242 4242')).status).toBe(200);
    expect((await pay('a3', '4000 0000 0000 0002')).status).toBe(200);
    expect(await payments()).toEqual(['captured 12.00']);
  });
});

describe('a purchase half-done by the service', () => {
  test('and retried on the monolith reserves and pays once, and the late compensation is refused', async () => {
    const { claimStock, pay, order, release, refund, stockLeft, payments, reservations } = await purchaseOf(21);
    await claimStock('a1');
    await pay('a1');
    expect((await order()).status).toBe(201);
    expect(await stockLeft()).toBe(8);
    expect([(await release('a1')).status, (await refund('a1')).status]).toEqual([409, 409]);
    expect([await stockLeft(), await payments(), await reservations()]).toEqual([8, ['captured 12.00'], ['held 2']]);
  });

  test('cannot be claimed any more once the order exists', async () => {
    const { claimStock, pay, order, cancel, stockLeft, payments } = await purchaseOf(22);
    await order();
    for (const reply of [await claimStock('late'), await pay('late')])
      expect(reply).toMatchObject({ status: 409, body: { error: { code: 'order_exists' } } });
    await cancel('c1');
    expect((await claimStock('late')).status).toBe(409);
    expect([await stockLeft(), await payments()]).toEqual([10, ['refunded 12.00']]);
  });

  test('and compensated is bought again on the monolith', async () => {
    const { claimStock, pay, order, release, refund, stockLeft, payments } = await purchaseOf(23);
    await claimStock('a1');
    await pay('a1');
    await refund('a1');
    await release('a1');
    expect((await order()).status).toBe(201);
    expect([await stockLeft(), await payments()]).toEqual([8, ['captured 12.00']]);
  });

  test('races the monolith and its own compensation to one outcome that adds up', async () => {
    const { claimStock, pay, order, release, refund, stockLeft, payments, reservations } = await purchaseOf(24);
    await claimStock('a1');
    await pay('a1');
    const [placed] = await Promise.all([order(), refund('a1'), release('a1'), claimStock('a2'), pay('a2')]);
    expect([200, 201]).toContain(placed.status);
    expect([await stockLeft(), await payments(), await reservations()]).toEqual([8, ['captured 12.00'], ['held 2']]);
  });
});

test('a cancellation undoes the claims of whichever attempt, once', async () => {
  const { claimStock, pay, cancel, stockLeft, payments } = await purchaseOf(31);
  await claimStock('a1');
  await pay('a2');
  expect((await cancel('c1')).status).toBe(200);
  expect((await cancel('c2')).status).toBe(200);
  expect([await stockLeft(), await payments()]).toEqual([10, ['refunded 12.00']]);
});

test('only a bearer of the internal token is let in', async () => {
  const path = '/internal/payments/1/k';
  for (const authorization of ['', 'Bearer wrong', `Bearer ${shop.internalToken}x`])
    expect((await send(shop.url, 'PUT', path, {}, { authorization })).status).toBe(401);
  expect((await shop.as(1)('PUT', path, {})).status).toBe(401);
});

test('every mistake of a claim is named at once', async () => {
  const { status, body } = await shop.internal('PUT', '/reservations/1/k', { attempt: '?', items: [{}] });
  expect(status).toBe(400);
  expect(body.error.details.map((mistake: { path: string }) => mistake.path)).toEqual([
    'attempt',
    'items[0].productId',
    'items[0].quantity',
  ]);
});
