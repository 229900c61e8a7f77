import { randomBytes } from 'node:crypto';
import { type Shop, startShop } from '@example/monolith/testing';
import { outboxConnector } from '@example/orders';
import { createDatabase, type Database, type OrdersUnderTest, startOrders } from '@example/orders/testing';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Servers, servers } from '@strangler/servers';
import { Kafka, logLevel } from 'kafkajs';
import { createApp, type NotificationsService } from './app.ts';
import { migrate } from './migrate.ts';

const name = `test-${randomBytes(6).toString('hex')}`;
let addresses: Servers;
let shop: Shop;
let orders: OrdersUnderTest;
let database: Database;
let notifications: NotificationsService;
const { name: topic } = outboxConnector(name, { host: '', port: 0, user: '', password: '', database: '' });

const connect = async (method: string, path: string, body?: unknown) => {
  const response = await fetch(`${addresses.connect.url}/connectors${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  expect(response.status).toBeLessThan(300);
};

beforeAll(async () => {
  addresses = await servers();
  shop = await startShop(addresses.mysql);
  orders = await startOrders(shop, addresses.postgres);
  database = await createDatabase(addresses.postgres, 'notifications', migrate);
  notifications = createApp({
    databaseUrl: database.url,
    jwtSecret: shop.jwtSecret,
    events: { brokers: [...addresses.kafka.brokers], topic, group: name },
  });
});
afterAll(async () => {
  await notifications.stop();
  await connect('DELETE', `/${topic}`);
  const slot = [outboxConnector(name, { ...addresses.postgres }).config['slot.name']];
  await until(async () => {
    const [row] = await database.sql('SELECT active FROM pg_replication_slots WHERE slot_name = $1', slot);
    return row?.active === false;
  });
  await database.sql('SELECT pg_drop_replication_slot($1)', slot);
  const admin = new Kafka({ brokers: [...addresses.kafka.brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const topics = (await admin.listTopics()).filter((one) => one.includes(name));
  await admin.deleteTopics({ topics });
  await admin.deleteGroups([name]);
  await admin.disconnect();
  await orders.stop();
  await database.drop();
  await shop.stop();
});

const until = async (condition: () => Promise<boolean>): Promise<void> => {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
};

const keys = async () =>
  (await database.sql('SELECT reference FROM notifications ORDER BY created_at')).map((row) => row.reference);

test('every order placed at the service notifies once, those from before the connector was there too', async () => {
  const productId = await shop.addProduct({ price: '9.99', stock: 10 });
  const place = (key: string) =>
    orders.as(1)('POST', '/api/orders', { items: [{ productId, quantity: 2 }] }, { 'idempotency-key': key });
  await place('before');
  const { host, port, user, password } = addresses.postgres;
  await connect('POST', '', outboxConnector(name, { host, port, user, password, database: orders.database.name }));
  await until(async () => (await keys()).includes('before'));
  const after = await place('after');
  await place('after');
  await until(async () => (await keys()).includes('after'));
  expect(await keys()).toEqual(['before', 'after']);
  // The same words as the monolith's own.
  await shop.as(3)('POST', '/api/orders', { items: [{ productId, quantity: 2 }] }, { 'idempotency-key': 'there' });
  const [there] = await shop.sql('SELECT kind, title, body FROM notifications');
  const [here] = await database.sql("SELECT kind, title, body FROM notifications WHERE reference = 'after'");
  expect(here).toEqual({ ...there });
  const [{ created_at: at }] = (await database.sql(
    "SELECT created_at FROM notifications WHERE reference = 'after'",
  )) as [{ created_at: Date }];
  expect(at.toISOString()).toBe(after.body.createdAt);
});
