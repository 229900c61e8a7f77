import { randomBytes } from 'node:crypto';
import { createDatabase, type Database } from '@example/orders/testing';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Servers, servers } from '@strangler/servers';
import { Kafka, logLevel, type Producer } from 'kafkajs';
import { pino } from 'pino';
import { createApp } from './app.ts';
import { startConsumer } from './consumer.ts';
import { migrate } from './migrate.ts';

let addresses: Servers;
let kafka: Kafka;
let producer: Producer;
let database: Database;
const topics: string[] = [];
const silent = pino({ level: 'silent' });

beforeAll(async () => {
  addresses = await servers();
  kafka = new Kafka({ brokers: [...addresses.kafka.brokers], logLevel: logLevel.NOTHING });
  producer = kafka.producer();
  await producer.connect();
  database = await createDatabase(addresses.postgres, 'notifications', migrate);
});
afterAll(async () => {
  await producer.disconnect();
  const admin = kafka.admin();
  await admin.connect();
  await admin.deleteTopics({ topics });
  await admin.deleteGroups(topics);
  await admin.disconnect();
  await database.drop();
});

/** A source of events nobody else has; its group has the topic's name. */
const newSource = () => {
  const topic = `outbox-${randomBytes(6).toString('hex')}`;
  topics.push(topic);
  return { brokers: [...addresses.kafka.brokers], topic, group: topic };
};

const event = (userId: number, key: string) =>
  JSON.stringify({ userId, key, orderId: 2, quantity: 1, total: '9.99', createdAt: '1998-01-02T03:04:05.006Z' });

const publish = (topic: string, values: (string | null)[]) =>
  producer.send({ topic, messages: values.map((value) => ({ value })) });

const until = async (condition: () => Promise<boolean>): Promise<void> => {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
};

const keysOf = async (userId: number): Promise<string[]> => {
  const rows = await database.sql('SELECT reference FROM notifications WHERE user_id = $1 ORDER BY id', [userId]);
  return rows.map((row) => row.reference);
};

const start = (events: ReturnType<typeof newSource>) =>
  createApp({ databaseUrl: database.url, jwtSecret: 'secret', events });

test('events become notifications, from before the service was there and after, each once', async () => {
  const source = newSource();
  await publish(source.topic, [event(1, 'a'), event(1, 'b'), event(1, 'a')]);
  const service = start(source);
  await until(async () => (await keysOf(1)).length === 2);
  await publish(source.topic, [event(1, 'b'), event(1, 'c')]);
  await until(async () => (await keysOf(1)).includes('c'));
  expect(await keysOf(1)).toEqual(['a', 'b', 'c']);
  await service.stop();
  expect(await database.sql('SELECT title, body, read_at, created_at FROM notifications LIMIT 1')).toEqual([
    {
      title: 'Order placed',
      body: 'Thank you for your order of 1 CD for $9.99.',
      read_at: null,
      created_at: new Date('1998-01-02T03:04:05.006Z'),
    },
  ]);
});

test('a notification that came by another way, and was read, is not made again', async () => {
  const source = newSource();
  await database.sql(
    "INSERT INTO notifications (id, user_id, kind, reference, title, body, read_at) VALUES (101, 2, 'order_placed', 'a', 't', 'b', now())",
  );
  await publish(source.topic, [event(2, 'a'), event(2, 'z')]);
  const service = start(source);
  await until(async () => (await keysOf(2)).includes('z'));
  await service.stop();
  const rows = await database.sql("SELECT id, title FROM notifications WHERE user_id = 2 AND reference = 'a'");
  expect(rows).toEqual([{ id: '101', title: 't' }]);
});

test('a service that died after inserting and before committing meets the events again, without effect', async () => {
  const source = newSource();
  await publish(source.topic, [event(3, 'a'), event(3, 'b')]);
  const seen: string[] = [];
  const dying = startConsumer(
    source,
    async (events) => {
      seen.push(...events.map((one) => one.offset));
      for (const { value } of events)
        await database.sql(
          "INSERT INTO notifications (user_id, kind, reference, title, body) VALUES (3, 'order_placed', $1, 't', 'b') ON CONFLICT DO NOTHING",
          [JSON.parse(value!).key],
        );
      throw new Error('dies before the offset is committed');
    },
    silent,
  );
  await until(async () => (await keysOf(3)).length === 2);
  await dying.stop();
  const service = start(source);
  await publish(source.topic, [event(3, 'c')]);
  await until(async () => (await keysOf(3)).includes('c'));
  await service.stop();
  expect(await keysOf(3)).toEqual(['a', 'b', 'c']);
  expect(seen).toContain('0');
});

test('an event nobody can read is kept aside and stops none behind it', async () => {
  const source = newSource();
  await publish(source.topic, [event(4, 'a'), '{', null, event(4, 'b')]);
  const service = start(source);
  await until(async () => (await keysOf(4)).length === 2);
  await service.stop();
  const kept = await database.sql(
    'SELECT message_offset, value FROM unreadable_events WHERE topic = $1 ORDER BY message_offset',
    [source.topic],
  );
  expect(kept).toEqual([
    { message_offset: '1', value: '{' },
    { message_offset: '2', value: null },
  ]);
});

test('a broker that is not there yet keeps nobody from reading, nor the service from stopping', async () => {
  const service = start({ brokers: ['127.0.0.1:9'], topic: 'none', group: 'none' });
  await service.stop();
  await service.stop();
});
