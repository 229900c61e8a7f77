import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import type { Timings } from './handoff.ts';
import { Bed } from './testing/bed.ts';
import { TestDatabases } from './testing/databases.ts';

let databases: TestDatabases;
let bed: Bed;

beforeAll(async () => {
  databases = await TestDatabases.create(await servers(), `control_${process.pid}`);
});
afterAll(() => databases.drop());

const open = (handoff: object = {}, more: object = {}) =>
  Bed.open({
    monolith: { database: databases.urls.monolith },
    kafka: { brokers: ['127.0.0.1:1'], connect: 'http://127.0.0.1:2' },
    shop: {
      service: { url: 'http://127.0.0.1:2', database: databases.urls.service },
      tables: { things: { user: 'user_id' } },
      handoff: { slice: 100, writeFate: '200ms', ...handoff },
      ...more,
    },
  });

beforeEach(async () => {
  await databases.clear();
});
afterEach(async () => {
  await bed.close();
  await databases.stopApplying();
});

describe('handoffs between the real databases', () => {
  test('users move forward and back slice by slice, each epoch in both logs', async () => {
    databases.apply('service');
    databases.apply('monolith');
    bed = await open();
    await bed.start();
    const proxy = await bed.proxy();
    await bed.post('set', { percentage: 3 });
    await bed.until('3 %', ({ boundary, phase }) => boundary === 300 && phase === 'idle');
    expect(await databases.log('monolith')).toEqual(['1 barrier 0-100', '2 barrier 100-200', '3 barrier 200-300']);
    expect(await databases.log('service')).toEqual(['1 grant 0-100', '2 grant 100-200', '3 grant 200-300']);
    await bed.post('rollback', {});
    const back = await bed.until('rolled back', ({ ramp }) => ramp.state === 'rolled-back');
    expect(back).toMatchObject({ boundary: 0, target: 0, flag: 0, epoch: 6 });
    expect((await databases.log('service')).slice(3)).toEqual([
      '4 barrier 200-300',
      '5 barrier 100-200',
      '6 barrier 0-100',
    ]);
    expect((await databases.log('monolith')).slice(3)).toEqual(['4 grant 200-300', '5 grant 100-200', '6 grant 0-100']);
    const held = proxy.snapshots.filter(({ capabilities }) => capabilities.shop?.moving);
    expect(held.map(({ capabilities }) => capabilities.shop?.moving?.epoch)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await bed.records('handoff')).toHaveLength(6);
  });

  test('a hundred slices follow each other with short pauses', async () => {
    databases.apply('service');
    databases.apply('monolith');
    bed = await open();
    await bed.start();
    await bed.proxy('p1', 1);
    await bed.proxy('p2', 2);
    await bed.post('set', { percentage: 100 });
    await bed.until('100 %', ({ boundary, phase }) => boundary === 10_000 && phase === 'idle', 30_000);
    const pauses = (await bed.records('handoff'))
      .map(({ inputs }) => (inputs as Timings).pauseMs)
      .sort((a, b) => a - b);
    expect(pauses).toHaveLength(100);
    if (process.env.SHOW) console.log('pause p50', pauses[50], 'max', pauses[99]);
  });
});
