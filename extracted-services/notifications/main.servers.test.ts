import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { send } from '@example/monolith/testing';
import { createDatabase, type Database } from '@example/orders/testing';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import { migrate } from './migrate.ts';

let database: Database;
beforeAll(async () => {
  database = await createDatabase((await servers()).postgres, 'notifications', migrate);
});
afterAll(() => database.drop());

const start = (env: Record<string, string>): ChildProcess =>
  spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], { env, stdio: ['ignore', 'pipe', 'pipe'] });

test('without configuration it names what is missing and exits 2', async () => {
  const child = start({ KAFKA_BROKERS: '127.0.0.1:9' });
  const [told, [code]] = await Promise.all([text(child.stderr!), once(child, 'exit')]);
  expect(code).toBe(2);
  expect(told).toMatch(/DATABASE_URL is not set[\s\S]*JWT_SECRET is not set[\s\S]*OUTBOX_TOPIC is not set/);
});

test('it serves while Kafka is away, and stops cleanly when told', async () => {
  const child = start({
    PORT: '0',
    DATABASE_URL: database.url,
    JWT_SECRET: 'secret',
    KAFKA_BROKERS: '127.0.0.1:9',
    OUTBOX_TOPIC: 'none',
  });
  for await (const line of createInterface({ input: child.stdout! })) {
    const { msg, url } = JSON.parse(line);
    if (msg !== 'listening') continue;
    expect((await send(url, 'GET', '/health')).status).toBe(200);
    break;
  }
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});
