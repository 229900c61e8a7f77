import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { clientOf, type Shop, startShop } from '@example/monolith/testing';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import { createApp } from '../app.ts';
import { migrate } from '../migrate.ts';
import { type Gate, startGate } from '../testing/gate.ts';
import { createDatabase, type Database } from '../testing/orders.ts';

let shop: Shop;
let gate: Gate;
let database: Database;
beforeAll(async () => {
  const { mysql, postgres } = await servers();
  shop = await startShop(mysql);
  gate = await startGate(shop.url);
  database = await createDatabase(postgres, 'orders', migrate);
});
afterAll(async () => {
  await gate.stop();
  await database.drop();
  await shop.stop();
});
beforeEach(() => gate.decide(() => 'pass'));

const startProcess = async (): Promise<{ process: ChildProcess; url: string }> => {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../main.ts')], {
    env: {
      PORT: '0',
      DATABASE_URL: database.url,
      MONOLITH_URL: gate.url,
      JWT_SECRET: shop.jwtSecret,
      INTERNAL_TOKEN: shop.internalToken,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const { msg, url } = JSON.parse(line);
    if (msg === 'listening') return { process: child, url };
  }
  throw new Error('the orders service ended before it listened');
};

/** An order whose service was killed after the monolith had taken stock and payment, before the order was placed. */
const killedBeforePlacing = async (userId: number) => {
  const productId = await shop.addProduct({ price: '5.00', stock: 10 });
  const order = { items: [{ productId, quantity: 2 }] };
  const service = await startProcess();
  gate.decide((path) => (path.includes('payments') ? 'keep-answer' : 'pass'));
  const unanswered = clientOf(service.url, userId, shop.jwtSecret)('POST', '/api/orders', order, {
    'idempotency-key': 'k',
  }).then(
    () => 'answered',
    () => 'cut off',
  );
  await gate.answered();
  service.process.kill('SIGKILL');
  await once(service.process, 'exit');
  expect(await unanswered).toBe('cut off');
  expect([await shop.stockOf(productId), await shop.paymentsOf(userId, 'k')]).toEqual([8, ['captured 10.00']]);
  gate.decide(() => 'pass');
  return { productId, order };
};

/** The service started again, for one round of recovery with the given patience. */
const recovered = async (recoverAfterMs: number) => {
  const { jwtSecret, internalToken } = shop;
  const service = createApp({
    databaseUrl: database.url,
    monolithUrl: gate.url,
    jwtSecret,
    internalToken,
    recoverAfterMs,
  });
  await service.recover();
  await service.stop();
};

const attempts = async () => (await database.sql('SELECT 1 FROM order_attempts')).length;

test('an order half-done by a killed service and retried on the monolith is placed, reserved and paid once', async () => {
  const { productId, order } = await killedBeforePlacing(1);
  const retried = await shop.as(1)('POST', '/api/orders', order, { 'idempotency-key': 'k' });
  expect(retried.status).toBe(201);
  const once = [8, ['captured 10.00'], ['held 2']];
  const effects = async () => [
    await shop.stockOf(productId),
    await shop.paymentsOf(1, 'k'),
    await shop.reservationsOf(1, 'k'),
  ];
  expect(await effects()).toEqual(once);
  await recovered(0);
  expect(await effects()).toEqual(once);
  expect(await attempts()).toBe(0);
  expect((await shop.as(1)('GET', '/api/orders')).body.orders).toEqual([retried.body]);
});

test('an order half-done by a killed service and never retried is undone in the end', async () => {
  const { productId } = await killedBeforePlacing(2);
  await recovered(60_000);
  expect([await shop.stockOf(productId), await attempts()]).toEqual([8, 1]);
  await recovered(0);
  expect([await shop.stockOf(productId), await shop.paymentsOf(2, 'k')]).toEqual([10, ['refunded 10.00']]);
  expect(await attempts()).toBe(0);
});

test('an order half-done by a killed service and retried at the service is placed, reserved and paid once', async () => {
  const { productId, order } = await killedBeforePlacing(3);
  const service = await startProcess();
  const client = clientOf(service.url, 3, shop.jwtSecret);
  expect((await client('POST', '/api/orders', order, { 'idempotency-key': 'k' })).status).toBe(201);
  await recovered(0);
  expect([await shop.stockOf(productId), await shop.paymentsOf(3, 'k')]).toEqual([8, ['captured 10.00']]);
  expect((await client('POST', '/api/orders', order, { 'idempotency-key': 'k' })).status).toBe(200);
  service.process.kill('SIGTERM');
  expect(await once(service.process, 'exit')).toEqual([0, null]);
  expect(await attempts()).toBe(0);
});
