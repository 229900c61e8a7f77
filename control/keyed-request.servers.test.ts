import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import { Bed } from './testing/bed.ts';
import { TestDatabases } from './testing/databases.ts';

let databases: TestDatabases;

beforeAll(async () => {
  databases = await TestDatabases.create(await servers(), `control_keys_${process.pid}`);
});
afterAll(() => databases.drop());

test('faults 75: a retry that meets another control after a take-over finds its request in the monolith’s database', async () => {
  const bed = await Bed.open({
    monolith: { database: databases.urls.monolith },
    kafka: { brokers: ['127.0.0.1:1'], connect: 'http://127.0.0.1:2' },
    shop: {
      service: { url: 'http://127.0.0.1:2', database: databases.urls.service },
      tables: { things: { user: 'user_id' } },
    },
  });
  const set = (percentage: number, headers = {}) => bed.call('POST', '/capabilities/shop/set', { percentage }, headers);
  const key = { 'idempotency-key': 'retried' };
  try {
    await bed.start();
    expect((await set(10, key)).status).toBe(200);
    expect((await set(30)).status).toBe(200);
    await bed.control!.stop();
    await bed.start();
    expect((await set(10, key)).status).toBe(200);
    expect((await bed.shop()).target).toBe(3_000);
    expect((await set(11, key)).status).toBe(422);
    expect(await bed.records('set')).toHaveLength(2);
  } finally {
    await bed.close();
  }
});
