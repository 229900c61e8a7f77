import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { arrivedTick, Database, takeOver, tick } from '@strangler/ledger';
import { servers } from '@strangler/servers';
import { Bed } from './testing/bed.ts';
import { TestDatabases } from './testing/databases.ts';

let databases: TestDatabases;
let bed: Bed;

beforeAll(async () => {
  databases = await TestDatabases.create(await servers(), `confirm_${process.pid}`);
});
afterAll(() => databases.drop());
beforeEach(async () => {
  await databases.clear();
  databases.apply('service');
  databases.apply('monolith');
  bed = await Bed.open({
    monolith: { database: databases.urls.monolith },
    kafka: { brokers: ['127.0.0.1:1'], connect: 'http://127.0.0.1:2' },
    shop: {
      service: { url: 'http://127.0.0.1:2', database: databases.urls.service },
      tables: { things: { user: 'user_id' } },
      handoff: { slice: 10_000, writeFate: '1ms' },
      confirmed: true,
    },
  });
  await bed.start();
});
afterEach(async () => {
  await bed.close();
  await databases.stopApplying();
});

const everybodyMoved = async () => {
  const proxy = await bed.proxy();
  await bed.post('set', { percentage: 100 });
  await bed.until('100 %', ({ boundary, phase }) => boundary === 10_000 && phase === 'idle');
  return proxy;
};
const ask = (id: number, theirs = true) =>
  ({ type: 'confirm', capability: 'shop', id, user: 'ada', from: 'service', theirs }) as const;

const arrived = () => databases.of.monolith.use((session) => arrivedTick(session, 'shop:reverse'));
/** So many more ticks of the service arrive. */
const ticks = async (count: number) => {
  const wait = () => new Promise((resolve) => setTimeout(resolve, 10));
  let from = await arrived();
  for (; !from; from = await arrived()) await wait();
  while ((await arrived()) < from + count) await wait();
};

test('a write is confirmed when a tick made after the question has arrived on the monolith, and not before', async () => {
  const proxy = await everybodyMoved();
  await databases.stopApplying();
  proxy.say(ask(1));
  const service = new Database(databases.urls.service, 'tick');
  for (let round = 0; round < 20; round++) await service.use(tick); // made, and not arrived
  expect(proxy.confirmed).toEqual([]);
  databases.apply('monolith');
  await proxy.until('the first', () => proxy.confirmed.length === 1);
  proxy.say(ask(2));
  await proxy.until('the second', () => proxy.confirmed.length === 2);
  expect(proxy.confirmed).toEqual([1, 2]);
  await service.close();
});

test('nothing is confirmed that a rollback by force has made late, however much arrives then', async () => {
  const proxy = await everybodyMoved();
  await databases.stopApplying();
  proxy.say(ask(1));
  await databases.of.monolith.use((session) =>
    session.transaction(() => takeOver(session, 'shop:reverse', { epoch: 9, subject: { lo: 0, hi: 10_000 } })),
  );
  databases.apply('monolith');
  await ticks(5);
  expect(proxy.confirmed).toEqual([]);
});

test('nothing is confirmed to somebody who is the monolith’s', async () => {
  const proxy = await bed.proxy();
  proxy.say(ask(1));
  proxy.say(ask(3, false)); // who only compares asks whoever the user belongs to
  await proxy.until('the third', () => proxy.confirmed.includes(3));
  await ticks(5);
  await bed.post('set', { percentage: 100 });
  await bed.until('100 %', ({ boundary, phase }) => boundary === 10_000 && phase === 'idle');
  proxy.say(ask(2));
  await proxy.until('the second', () => proxy.confirmed.includes(2));
  expect(proxy.confirmed).toEqual([3, 2]);
});

test('nothing is confirmed while the row of strangler_tick is missing: what is not known is not tick 0', async () => {
  const proxy = await everybodyMoved();
  await databases.stopApplying();
  const service = new Database(databases.urls.service, 'repair');
  await service.use((session) => session.query('DELETE FROM strangler_tick'));
  proxy.say(ask(1));
  databases.apply('service');
  // Questions of the monolith are answered meanwhile, so this one has been looked at as often.
  for (const id of [2, 3]) {
    proxy.say({ ...ask(id, false), from: 'monolith' });
    await proxy.until('an answer', () => proxy.confirmed.includes(id));
  }
  expect(proxy.confirmed).toEqual([2, 3]);
  await service.use((session) => session.query('INSERT INTO strangler_tick (id, n) VALUES (1, ?)', [Date.now()]));
  databases.apply('monolith');
  await proxy.until('the first', () => proxy.confirmed.includes(1));
  await service.close();
});
