import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { clientOf, type Shop, startShop } from '@example/monolith/testing';
import { type OrdersUnderTest, startOrders } from '@example/orders/testing';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Cdc, init, remove, startCdc, verify } from '@strangler/cdc';
import { servers } from '@strangler/servers';
import { pino } from 'pino';
import { planOf, type SurveyStand, startStand } from './stand.ts';

// The shop was made for the toolkit: nobody but its users writes their orders, so a survey opens the gate.

let shop: Shop;
let orders: OrdersUnderTest;
let stand: SurveyStand;
let cdc: Cdc;
let planFile: string;
let product: number;
let keys = 0;

beforeAll(async () => {
  const found = await servers();
  shop = await startShop(found.mysql);
  orders = await startOrders(shop, found.postgres);
  const { plan, file } = planOf(
    found,
    { url: shop.url, database: shop.databaseUrl },
    {
      orders: {
        service: { url: orders.url, database: orders.database.url },
        ...{ routes: ['ANY /api/orders', 'ANY /api/orders/:id/**'], userType: 'integer', anonymous: 'monolith' },
        user: [{ jwt: { claim: 'sub', verify: 'none' } }],
        tables: {
          orders: { user: 'user_id', sameWhen: ['user_id', 'idempotency_key'], touched: ['updated_at'] },
          order_items: { user: { through: 'order_id', of: 'orders' } },
        },
      },
    },
  );
  planFile = file;
  await init(plan, { apply: true, createUsers: true, say: () => {} });
  cdc = startCdc(plan, { log: pino({ level: 'silent' }) });
  stand = await startStand(plan);
  await cdc.copied;
  product = await shop.addProduct({ price: '5.00', stock: 1_000 });
});
afterAll(async () => {
  await stand.stop();
  await cdc.stop();
  await remove(stand.plan, () => {});
  await orders.stop();
  await shop.stop();
});

const SURVEYED = /survey/;
const ROOT = join(import.meta.dirname, '../..');

/** Buys, under a key nobody has used. */
async function buy(user: number): Promise<number> {
  const wanted = { items: [{ productId: product, quantity: 1 }] };
  const ask = clientOf(stand.url, user, shop.jwtSecret);
  return (await ask('POST', '/api/orders', wanted, { 'idempotency-key': `key-${keys++}` })).body.id;
}

test('users leave the monolith when a survey beside the running sync has found every change explained', async () => {
  await stand.until(({ streams }) => streams.every(({ lag }) => lag !== null));
  await verify(stand.plan, 'orders');
  const closed = await stand.until(({ gates }) => gates.length === 1);
  expect(closed.gates).toEqual(['nothing has been surveyed yet; run strangler survey orders while users are at work']);
  await stand.set(10);
  expect((await stand.until(({ waitsFor }) => waitsFor.length > 0)).waitsFor[0]).toMatch(SURVEYED);
  const report = await stand.surveyDuring(async () => {
    await clientOf(stand.url, 1, shop.jwtSecret)('POST', `/api/orders/${await buy(1)}/cancel`, {});
  });
  expect(report).toMatchObject({ undeclared: 0, findings: [], unknown: 0 });
  expect(report.explainedBy).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ table: 'order_items', op: 'insert', route: 'POST /api/orders' }),
      expect.objectContaining({ table: 'orders', op: 'update', route: 'POST /api/orders/{id}/cancel' }),
    ]),
  );
  const moved = await stand.until(({ boundary }) => boundary === 1_000);
  expect(moved.surveyed).toMatchObject({ changes: report.changes, unexplained: 0 });
});

test('the command surveys for a while, and says what it found', async () => {
  const command = ['cli/main.ts', 'survey', 'orders', '--for', '3s', '--plan', planFile, '--control', stand.control];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...command], { cwd: ROOT });
  const said = Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  for (let user = 3; child.exitCode === null; user += 2) await buy(user); // a tenth of them is on the service by now
  const [out, err, [code]] = await said;
  expect([code, err]).toEqual([0, '']);
  expect(out).toMatch(/^orders: \d+ changes in \d.* made by requests of the row’s user, 0 not\n/);
  expect(out).toMatch(/Everything seen is explained or declared\n$/);
});
