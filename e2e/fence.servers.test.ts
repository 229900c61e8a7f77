import { createMonolith } from '@example/monolith';
import { clientOf, type Shop, startShop } from '@example/monolith/testing';
import { type OrdersUnderTest, startOrders } from '@example/orders/testing';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  createTables,
  type HandoffKind,
  openSession,
  prepareFence,
  type Session,
  writeHandoff,
} from '@strangler/ledger';
import type { Side } from '@strangler/plan';
import { servers } from '@strangler/servers';
import { listen } from '../monolith/http/listen.ts';

/** The example's monolith and orders service, both with their fence on. */
let shop: Shop;
let orders: OrdersUnderTest;
let monolithUrl: string;
let logs: Record<Side, Session>;
const stops: (() => Promise<unknown>)[] = [];
/** Something to do before the service claims the payment. */
let meanwhile = async () => {};

beforeAll(async () => {
  const { mysql, postgres } = await servers();
  shop = await startShop(mysql);
  const { databaseUrl, jwtSecret, internalToken } = shop;
  const monolith = createMonolith({ databaseUrl, jwtSecret, internalToken, fence: true });
  const listening = await listen(
    async (request, response) => {
      if (request.url!.includes('/payments/')) await meanwhile();
      monolith.app(request, response);
    },
    0,
    '127.0.0.1',
  );
  monolithUrl = listening.url;
  orders = await startOrders(shop, postgres, { fence: true, monolithUrl });
  logs = {
    monolith: await openSession(databaseUrl, 'reader'),
    service: await openSession(orders.database.url, 'reader'),
  };
  for (const log of Object.values(logs)) {
    await createTables(log);
    await prepareFence(log, 'orders');
    await prepareFence(log, 'notifications');
    stops.push(() => log.close());
  }
  stops.push(orders.stop, listening.stop, monolith.stop, shop.stop);
});
afterAll(async () => {
  for (const stop of stops) await stop();
});

const handoff = (side: Side, kind: HandoffKind, epoch: number) =>
  logs[side].transaction(() =>
    writeHandoff(logs[side], { capability: 'orders', epoch, kind, subject: { lo: 0, hi: 10_000 }, forced: false }),
  );
const buy = async (at: string, user: number, product: number, key: string) => {
  const body = { items: [{ productId: product, quantity: 1 }] };
  const reply = await clientOf(at, user, shop.jwtSecret)('POST', '/api/orders', body, { 'idempotency-key': key });
  return { status: reply.status, code: reply.body.error?.code, fence: reply.headers.get('strangler-fence') };
};
const GIVEN_AWAY = { status: 409, code: 'given-away', fence: 'given-away' };

test('at each side a purchase of somebody who is not its own is refused, and nothing is reserved, paid or ordered', async () => {
  const product = await shop.addProduct({ price: '5.00', stock: 9 });
  expect(await buy(monolithUrl, 1, product, 'one')).toMatchObject({ status: 201, fence: null });
  expect(await buy(orders.url, 1, product, 'two')).toEqual(GIVEN_AWAY);
  await handoff('monolith', 'barrier', 1);
  expect(await buy(monolithUrl, 1, product, 'two')).toEqual(GIVEN_AWAY);
  expect([await shop.stockOf(product), await shop.paymentsOf(1, 'two'), await orders.attempts()]).toEqual([8, [], 0]);
  await handoff('service', 'grant', 1);
  expect(await buy(orders.url, 1, product, 'two')).toMatchObject({ status: 201, fence: null });
  const cancel = await clientOf(monolithUrl, 1, shop.jwtSecret)('POST', '/api/orders/1/cancel', {});
  expect(cancel).toMatchObject({ status: 409, body: { error: { code: 'given-away' } } });
  const list = await clientOf(monolithUrl, 1, shop.jwtSecret)('GET', '/api/orders');
  expect(list.status).toBe(200);
});

test('a purchase caught between its claims and its order is 503, and its key finishes it on the other side, paid once', async () => {
  const product = await shop.addProduct({ price: '5.00', stock: 9 });
  meanwhile = () => handoff('service', 'barrier', 2);
  expect(await buy(orders.url, 3, product, 'caught')).toEqual({ status: 503, code: 'given-away-midway', fence: null });
  meanwhile = async () => {};
  await handoff('monolith', 'grant', 2);
  expect(await buy(monolithUrl, 3, product, 'caught')).toMatchObject({ status: 201 });
  await orders.settleAll();
  expect([await shop.stockOf(product), await shop.paymentsOf(3, 'caught')]).toEqual([8, ['captured 5.00']]);
  expect(await orders.database.sql('SELECT 1 FROM orders WHERE user_id = 3')).toEqual([]);
});
