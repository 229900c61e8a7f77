import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { openSession, type Session } from '@strangler/ledger';
import { servers } from '@strangler/servers';
import { Bed } from './testing/bed.ts';
import { TestDatabases } from './testing/databases.ts';

const NAME = `control_lost_${process.pid}`;
let databases: TestDatabases;
let root: Session;
let bed: Bed;

beforeAll(async () => {
  const { mysql, ...others } = await servers();
  databases = await TestDatabases.create({ mysql, ...others }, NAME);
  root = await openSession(`mysql://${mysql.user}:${mysql.password}@${mysql.host}:${mysql.port}/mysql`, 'reader');
});
afterAll(async () => {
  await root.close();
  await databases.drop();
});

beforeEach(async () => {
  databases.apply('service');
  databases.apply('monolith');
  bed = await Bed.open({
    monolith: { database: databases.urls.monolith },
    kafka: { brokers: ['127.0.0.1:1'], connect: 'http://127.0.0.1:2' },
    shop: {
      service: { url: 'http://127.0.0.1:2', database: databases.urls.service },
      tables: { things: { user: 'user_id' } },
      handoff: { slice: 100, writeFate: '200ms', forceAfter: '60s' }, // a busy machine is not a service that does not answer
    },
  });
  await bed.start();
  await bed.post('set', { percentage: 1 });
  await bed.until('1 %', ({ boundary, phase }) => boundary === 100 && phase === 'idle');
  await databases.stopApplying();
});
afterEach(async () => {
  await bed.close();
  await databases.stopApplying();
  await databases.clear();
});

/** What a restart of MySQL does to everybody who was connected. */
async function endEverySession(): Promise<void> {
  const { rows } = await root.query<{ id: number }>('SELECT id FROM information_schema.processlist WHERE db = ?', [
    NAME,
  ]);
  expect(rows.length).toBeGreaterThan(2);
  for (const { id } of rows) await root.query(`KILL CONNECTION ${id}`).catch(() => {}); // gone by itself
}

test.each([{ now: false }, { now: true }])(
  'the first command after MySQL was restarted is carried out: rollback %j',
  async (how) => {
    await endEverySession();
    await bed.post('rollback', how); // throws when it is refused
    databases.apply('monolith');
    await bed.until('rolled back', ({ ramp, phase }) => ramp.state === 'rolled-back' && phase === 'idle');
    expect(await databases.log('monolith')).toEqual(['1 barrier 0-100', '2 grant 0-100']);
  },
);
