import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openSession, type Session } from '@strangler/ledger';
import { type Plan, parsePlan } from '@strangler/plan';
import { servers } from '@strangler/servers';
import { doctor } from '../cdc/doctor/doctor.ts';
import { init } from '../cdc/setup/init.ts';
import { remove } from '../cdc/setup/remove.ts';
import { migrate as migrateNotifications } from '../extracted-services/notifications/migrate.ts';
import { migrate as migrateOrders } from '../extracted-services/orders/migrate.ts';
import { migrate as migrateMonolith } from '../monolith/migrate.ts';

// The example as the repository has it: its Plan, and the tables that its own migrations make.

const name = `shop${randomBytes(4).toString('hex')}`;
let sessions: { mysql: Session; postgres: Session };
let plan: Plan;

beforeAll(async () => {
  const { mysql, postgres, kafka, connect } = await servers();
  const at = (scheme: string, { user, password, host, port }: typeof mysql, database: string) =>
    `${scheme}://${user}:${password}@${host}:${port}/${database}`;
  sessions = {
    mysql: await openSession(at('mysql', mysql, 'mysql'), 'reader'),
    postgres: await openSession(at('postgres', postgres, postgres.database), 'reader'),
  };
  await sessions.mysql.query(`CREATE DATABASE ${name}`);
  const addresses: Record<string, string> = { MONOLITH: at('mysql', mysql, name) };
  await migrateMonolith(addresses.MONOLITH!);
  for (const [service, migrate] of [
    ['ORDERS', migrateOrders],
    ['NOTIFICATIONS', migrateNotifications],
  ] as const) {
    const database = `${name}_${service.toLowerCase()}`;
    await sessions.postgres.query(`CREATE DATABASE ${database}`);
    addresses[service] = at('postgres', postgres, database);
    await migrate(addresses[service]);
  }
  const env: Record<string, string> = {
    ...{ KAFKA_BROKER: kafka.brokers[0]!, CONNECT_URL: connect.url, FLAGS_FILE: 'flags.json' },
    ...{ CONTROL_LISTEN: '127.0.0.1:0', WEBHOOK_URL: 'http://127.0.0.1:1' },
    ...{ STRANGLER_TOKEN: 'not-a-secret', STRANGLER_PROXY_TOKEN: 'not-one-either' },
    ...{ COMPARE_ORDERS: '0%', COMPARE_NOTIFICATIONS: '0%' },
  };
  for (const [who, address] of Object.entries(addresses)) {
    env[`${who}_URL`] = 'http://127.0.0.1:1';
    for (const role of ['ADMIN', 'CONTROL', 'APPLIER', 'CAPTURE']) env[`${who}_DATABASE_${role}`] = address;
  }
  const file = readFileSync(new URL('../strangler.yaml', import.meta.url), 'utf8');
  plan = parsePlan(file.replace('name: shop', `name: ${name}`), env);
});
afterAll(async () => {
  if (plan) await remove(plan, () => {});
  await sessions?.mysql.query(`DROP DATABASE ${name}`);
  for (const service of ['orders', 'notifications']) {
    await sessions?.postgres.query(`DROP DATABASE ${name}_${service} WITH (FORCE)`);
  }
  await sessions?.mysql.close();
  await sessions?.postgres.close();
});

test('the shop is taken by init as it is, and doctor has nothing to say of it', async () => {
  await init(plan, { apply: false, createUsers: false, say: () => {} });
  expect(await doctor(plan)).toEqual([]);
});
