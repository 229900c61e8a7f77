import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { hasHandoff, readCauses, readOwnership, readRecords, unexpectedOf } from '@strangler/ledger';
import { type Direction, directionInto, monolithTopic, serviceTopic } from '@strangler/plan';
import { servers } from '@strangler/servers';
import { withKafka } from '../capture/topics.ts';
import type { Cdc } from '../cdc.ts';
import { connectorName, publicationName } from '../names.ts';
import { resolve } from '../quarantine/resolve.ts';
import { list } from '../quarantine/view.ts';
import { makeWorld, stream, until, untilRunning, type World } from '../testing/world.ts';
import { verify } from '../verify.ts';
import { preview } from './preview.ts';
import { recopy } from './recopy.ts';

type On = 'monolith' | 'service';

let world: World;
let cdc: Cdc;
let connectUrl: string;

/** The monolith owns everybody but this user. */
const MOVED = 2;
const query = (on: On, sql: string) => world[on].query<Record<string, unknown>>(sql);
const keysOn = async (on: On) =>
  (await query(on, 'SELECT idempotency_key AS k FROM orders ORDER BY idempotency_key')).rows.map(({ k }) => String(k));
const placed = (on: On, key: string, user = on === 'monolith' ? 1 : MOVED) =>
  query(on, `INSERT INTO orders (user_id, idempotency_key) VALUES (${user}, '${key}')`);
const withItem = async (on: On, key: string) => {
  await placed(on, key);
  await query(
    on,
    `INSERT INTO order_items (order_id, quantity) SELECT id, 3 FROM orders WHERE idempotency_key = '${key}'`,
  );
};
const arrived = (on: On, key: string) => until(`${key} on the ${on}`, async () => (await keysOn(on)).includes(key));
const runningStream = (direction: Direction) => cdc.streams.find(({ name }) => name === stream(direction))!;
const slot = () => publicationName(world.plan, 'orders');
const connector = (direction: Direction) =>
  connectorName(world.plan, direction === 'forward' ? {} : { capability: 'orders' });
const topic = (direction: Direction) =>
  direction === 'forward' ? monolithTopic(world.plan) : serviceTopic(world.plan, 'orders');

async function connect(method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await fetch(`${connectUrl}/connectors/${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

/** Stops a connector for good, does something, and lets it go on. */
async function whileStopped(direction: Direction, task: () => Promise<unknown>): Promise<void> {
  await connect('PUT', `${connector(direction)}/stop`);
  await until('no task', async () => {
    const { tasks } = (await connect('GET', `${connector(direction)}/status`)) as { tasks: unknown[] };
    return tasks.length === 0;
  });
  try {
    await task();
  } finally {
    await connect('PUT', `${connector(direction)}/resume`);
  }
}

const tickOf = async (on: On) => Number((await query(on, 'SELECT n FROM strangler_tick')).rows[0]!.n);

/** At least one tick goes by: what is shorter betrays itself by other signs, if at all. */
async function ticksGoBy(on: On): Promise<void> {
  const from = await tickOf(on);
  await until('two ticks', async () => (await tickOf(on)) >= from + 2);
}

/** The stream stops and says why and what to do. */
async function stopsLoudly(direction: Direction, reason: RegExp): Promise<void> {
  const running = runningStream(direction);
  await until('the stop', () => running.status().state === 'stopped');
  expect(running.status()).toMatchObject({ lag: null, reason: expect.stringMatching(reason) });
  expect(running.status().reason).toContain('`strangler recopy`');
}

/** Copies again: both sides are equal, both streams run, and neither owner has lost anything. */
async function fixes(expected: { skipped: Direction[] }): Promise<void> {
  const owned = { monolith: await keysOn('monolith'), service: await keysOn('service') };
  const all = [...new Set([...owned.monolith, ...owned.service])].sort();
  const result = await recopy(world.plan, 'orders', { by: 'ada', reason: 'a test', progress: () => {} });
  expect(result).toMatchObject({ skipped: expected.skipped.map(stream), mismatches: 0 });
  await until('running', () =>
    (['forward', 'reverse'] as const).every((one) => runningStream(one).status().state === 'running'),
  );
  expect(await keysOn('monolith')).toEqual(all);
  expect(await keysOn('service')).toEqual(all);
  const key = `after-${Date.now()}`;
  await placed('monolith', `${key}-m`);
  await placed('service', `${key}-s`);
  await arrived('service', `${key}-m`);
  await arrived('monolith', `${key}-s`);
}

beforeAll(async () => {
  const all = await servers();
  connectUrl = all.connect.url;
  world = await makeWorld(all);
  const orders = Array.from({ length: 400 }, (_, at) => `(${1 + (at % 4)}, 'old-${at}')`);
  await query('monolith', `INSERT INTO orders (user_id, idempotency_key) VALUES ${orders.join(', ')}`);
  await query('monolith', 'INSERT INTO order_items (order_id, quantity) SELECT id, 1 FROM orders');
  cdc = world.start();
  await untilRunning(cdc);
  await world.moveToService(1, String(MOVED));
  await until('the grant', async () => (await readOwnership(world.monolith, stream('reverse'))).length === 1);
  // Handoffs must be a while ago before a loss may be skipped.
  for (const on of ['monolith', 'service'] as const) {
    const earlier = on === 'monolith' ? 'created_at - INTERVAL 1 MINUTE' : "created_at - INTERVAL '1 minute'";
    await world.secretly(on, `UPDATE strangler_handoff SET created_at = ${earlier}`);
  }
});
afterAll(() => world?.destroy());

describe('a piece of a log that is lost stops its stream loudly, and is copied again from each row’s owner (faults 66)', () => {
  test('connector offsets lost', async () => {
    await whileStopped('forward', async () => {
      await connect('DELETE', `${connector('forward')}/offsets`);
      await withItem('monolith', 'lost-with-offsets');
      await query('monolith', "DELETE FROM orders WHERE idempotency_key = 'old-4'");
      await query('monolith', "UPDATE orders SET status = 'cancelled' WHERE idempotency_key = 'old-8'");
      await ticksGoBy('monolith');
    });
    await placed('service', 'meanwhile-on-the-other-side');
    await stopsLoudly('forward', /^tick \d+ was followed by \d+: a piece of the source's log is missing/);
    await query('service', "UPDATE orders SET note = 'of the owner' WHERE idempotency_key = 'old-5'");
    await query('monolith', 'DELETE FROM order_items WHERE order_id NOT IN (SELECT id FROM orders)');
    const before = await keysOn('service');
    const { stopped, rows } = await preview(world.plan, 'orders', () => {});
    expect([stopped, rows.length > 2]).toEqual([[stream('forward')], true]);
    expect(rows.find(({ does, table }) => does === 'delete' && table === 'orders')).toMatchObject({
      owner: 'monolith',
    });
    expect([await keysOn('service'), runningStream('forward').status().state]).toEqual([before, 'stopped']);
    await expect(mendsWithout('old-4')).resolves.toBeUndefined();
    for (const on of ['monolith', 'service'] as const) {
      const causes = await readCauses(world[on], stream(directionInto(on)));
      expect(causes.filter((row) => unexpectedOf(row) > 0)).toEqual([]); // copying again is no reason to look
    }
    const records = await readRecords(world.monolith, { capability: 'orders' });
    expect(records.map(({ event, actor }) => [event, actor])).toEqual([
      ['recopy', 'ada'],
      ['recopied', 'ada'],
    ]);
  });

  /** As `fixes`, for a row that its owner has deleted in the piece that is lost. */
  async function mendsWithout(key: string): Promise<void> {
    await recopy(world.plan, 'orders', { by: 'ada', reason: 'a test', progress: () => {} });
    await until('running', () => runningStream('forward').status().state === 'running');
    expect(await keysOn('service')).not.toContain(key);
    expect(await keysOn('service')).toEqual(await keysOn('monolith'));
    expect((await verify(world.plan, 'orders')).mismatches).toBe(0);
    const statuses = await query('service', "SELECT status FROM orders WHERE idempotency_key = 'old-8'");
    expect(statuses.rows).toEqual([{ status: 'cancelled' }]);
  }

  test('replication slot advanced by hand', async () => {
    await whileStopped('reverse', async () => {
      await withItem('service', 'lost-with-slot');
      await until('advanced', () =>
        query('service', `SELECT pg_replication_slot_advance('${slot()}', pg_current_wal_lsn())`).catch(
          () => undefined,
        ),
      );
      await stopsLoudly('reverse', /^(replication slot \S+ was moved to \S+ by hand|tick \d+ was followed by \d+)/);
    });
    await fixes({ skipped: ['reverse'] });
  });

  test('replication slot dropped', async () => {
    await whileStopped('reverse', async () => {
      await until('dropped', () =>
        query('service', `SELECT pg_drop_replication_slot('${slot()}')`).catch(() => undefined),
      );
      await withItem('service', 'lost-with-dropped-slot');
    });
    await stopsLoudly('reverse', /replication slot \S+ was dropped|cannot go on: .*no longer available on the server/);
    await fixes({ skipped: ['reverse'] });
  });

  test('binlog purged: the connector cannot go on, and is not started again and again', async () => {
    await whileStopped('forward', async () => {
      type Offsets = { offsets: { partition: unknown; offset: Record<string, unknown> }[] };
      const { offsets } = (await connect('GET', `${connector('forward')}/offsets`)) as Offsets;
      const gone = { file: 'binlog.999999', pos: 4, gtids: '00000000-0000-0000-0000-00000000000a:1-5' };
      const moved = offsets.map(({ partition, offset }) => ({ partition, offset: { ...offset, ...gone } }));
      await connect('PATCH', `${connector('forward')}/offsets`, { offsets: moved });
      await withItem('monolith', 'lost-with-binlog');
    });
    await stopsLoudly('forward', /^connector \S+ cannot go on: .*no longer available on the server/);
    await fixes({ skipped: ['forward'] });
  });

  test('topic truncated', async () => {
    await world.hold('service', async () => {
      await withItem('monolith', 'lost-with-topic');
      await ticksGoBy('monolith');
      await withKafka(world.plan.kafka!.brokers, async (admin) => {
        const [offsets] = await admin.fetchTopicOffsets(topic('forward'));
        const partitions = [{ partition: 0, offset: offsets!.high }];
        await admin.deleteTopicRecords({ topic: topic('forward'), partitions });
      });
    });
    await stopsLoudly('forward', /^(topic \S+ was truncated|tick \d+ was followed by \d+)/);
    await fixes({ skipped: ['forward'] });
  });

  test('topic recreated', async () => {
    await whileStopped('reverse', async () => {
      await withItem('service', 'lost-with-old-topic');
      const { brokers } = world.plan.kafka!;
      await withKafka(brokers, (admin) => admin.deleteTopics({ topics: [topic('reverse')] }));
      await stopsLoudly('reverse', /^topic \S+ (was deleted|was recreated)/);
    });
    await fixes({ skipped: ['reverse'] });
  });

  test('our tag on a transaction that is not ours', async () => {
    await world.stealTag('monolith', "INSERT INTO orders (user_id, idempotency_key) VALUES (1, 'stolen')");
    await stopsLoudly('forward', /has our tag or origin, but begins with orders: somebody else uses our tag/);
    await fixes({ skipped: ['forward'] });
    await world.stealTag('service', `INSERT INTO orders (user_id, idempotency_key) VALUES (${MOVED}, 'stolen-origin')`);
    await stopsLoudly('reverse', /has our tag or origin, but begins with orders/);
    await fixes({ skipped: ['reverse'] });
  });

  test('our checkpoint no longer in the publication', async () => {
    await query('service', `ALTER PUBLICATION "${slot()}" DROP TABLE strangler_checkpoint`);
    await stopsLoudly(
      'reverse',
      /strangler_checkpoint is no longer in publication \S+; put it back with `strangler init`/,
    );
    await query('service', `ALTER PUBLICATION "${slot()}" ADD TABLE strangler_checkpoint`);
    await fixes({ skipped: ['reverse'] });
  });

  test('what the other side wrote late in the lost piece is kept for a person, not overwritten', async () => {
    await whileStopped('forward', async () => {
      await connect('DELETE', `${connector('forward')}/offsets`);
      await placed('monolith', 'late-and-lost', MOVED);
      await query('monolith', "UPDATE orders SET status = 'shipped' WHERE idempotency_key = 'old-1'");
      await ticksGoBy('monolith');
    });
    await stopsLoudly('forward', /^tick/);
    const result = await recopy(world.plan, 'orders', { by: 'ada', reason: 'a test', progress: () => {} });
    expect(result).toMatchObject({ kept: 2, mismatches: 0 });
    expect(await keysOn('monolith')).not.toContain('late-and-lost');
    const open = await list(world.plan, { capabilities: [], status: 'open', user: String(MOVED), cause: undefined });
    expect(open.map(({ cause }) => cause)).toEqual(['late-write', 'late-write']);
    for (const { stream: of, id, after } of open) {
      const keep = after!.includes('late-and-lost') ? 'late' : 'owner';
      await resolve(world.plan, `${of}:${id}`, { keep, reason: 'a test', by: 'ada', seen: undefined });
    }
    expect(await keysOn('service')).toContain('late-and-lost');
    expect(await keysOn('monolith')).toContain('late-and-lost');
    expect((await verify(world.plan, 'orders')).mismatches).toBe(0);
  });

  test('a handoff in the lost piece is known afterwards', async () => {
    await whileStopped('forward', async () => {
      await connect('DELETE', `${connector('forward')}/offsets`);
      await world.handoff('monolith', 2, 'barrier', '3');
      await world.handoff('monolith', 2, 'cancel', '3');
      await world.secretly('monolith', 'UPDATE strangler_handoff SET created_at = created_at - INTERVAL 1 MINUTE');
      await ticksGoBy('monolith');
    });
    await stopsLoudly('forward', /^tick/);
    expect(await hasHandoff(world.monolith, 'orders', 2, 'cancel')).toBe(true);
    await fixes({ skipped: ['forward'] });
    const known = await readOwnership(world.service, stream('forward'));
    expect(known).toMatchObject([
      { epoch: 1, owns: false },
      { epoch: 2, owns: true, undecided: false },
    ]);
  });

  test('refuses while a stream wants a privilege, and harms it not: it goes on when that is there', async () => {
    const applier = new URL(world.plan.capabilities.orders!.service.database!.applier).username;
    await query('service', `REVOKE INSERT ON orders FROM ${applier}`);
    await placed('monolith', 'not-yet');
    const forward = runningStream('forward');
    await until('the stop', () => forward.status().state === 'stopped');
    await expect(recopy(world.plan, 'orders', { by: 'ada', reason: '', progress: () => {} })).rejects.toThrow(
      /^orders:forward has stopped, but nothing of its log is lost: permission denied/,
    );
    await query('service', `GRANT INSERT ON orders TO ${applier}`);
    await arrived('service', 'not-yet');
    await until('running', () => forward.status().state === 'running');
  });

  test('refuses while cdc does not run', async () => {
    await cdc.stop();
    await query('service', "UPDATE strangler_applier SET seen_at = seen_at - INTERVAL '1 minute'");
    await expect(recopy(world.plan, 'orders', { by: 'ada', reason: '', progress: () => {} })).rejects.toThrow(
      'orders:forward does not run; start strangler cdc, then try again',
    );
  });
});
