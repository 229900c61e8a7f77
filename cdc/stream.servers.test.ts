import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Direction } from '@strangler/plan';
import { servers } from '@strangler/servers';
import pino from 'pino';
import type { Cdc } from './cdc.ts';
import { ContinuityError } from './log/continuity.ts';
import { startStream } from './stream.ts';
import { makeWorld, stream, until, untilRunning, type World } from './testing/world.ts';
import { verify } from './verify.ts';

let world: World;
let cdc: Cdc;

const query = (on: 'monolith' | 'service', sql: string) => world[on].query<Record<string, unknown>>(sql);
const streamOf = (direction: Direction, of = cdc) => of.streams.find(({ name }) => name === stream(direction))!;
const stopped = (direction: Direction, of = cdc) =>
  until(`${direction} stopped`, () => streamOf(direction, of).status().state === 'stopped');
const running = (direction: Direction) =>
  until(`${direction} running`, () => streamOf(direction).status().state === 'running');
const onService = (key: string) =>
  until(key, async () => (await query('service', `SELECT * FROM orders WHERE idempotency_key = '${key}'`)).rows[0]);

beforeAll(async () => {
  world = await makeWorld(await servers());
  cdc = world.start();
  await untilRunning(cdc);
});
afterAll(() => world?.destroy());

describe('what a person must look at stops a stream, and it goes on when that is fixed', () => {
  test('a column that is new on one side, until the other has it too; nothing is lost meanwhile (faults 65)', async () => {
    await query('monolith', "INSERT INTO orders (user_id, idempotency_key) VALUES (1, 'before')");
    await query('monolith', "ALTER TABLE orders ADD COLUMN gift VARCHAR(20) DEFAULT 'none'");
    await query('monolith', "INSERT INTO orders (user_id, idempotency_key, gift) VALUES (1, 'with-gift', 'wrapped')");
    await stopped('forward');
    expect(streamOf('forward').status().reason).toMatch(
      /^orders\.gift is new in the monolith's database\. Add it to orders/,
    );
    await query('service', "ALTER TABLE orders ADD COLUMN gift VARCHAR(20) DEFAULT 'none'");
    expect(await onService('with-gift')).toMatchObject({ gift: 'wrapped' });
    await running('forward');
    expect((await verify(world.plan, 'orders')).mismatches).toBe(0);
  });

  test('a column that one side has dropped, until the other has dropped it too (faults 65)', async () => {
    await query('monolith', 'ALTER TABLE orders DROP COLUMN gift');
    await query('monolith', "INSERT INTO orders (user_id, idempotency_key) VALUES (1, 'without-gift')");
    await stopped('forward');
    expect(streamOf('forward').status().reason).toMatch(/^orders\.gift is missing from a captured row/);
    expect(await query('service', "SELECT id FROM orders WHERE idempotency_key = 'without-gift'")).toMatchObject({
      rows: [],
    });
    await query('service', 'ALTER TABLE orders DROP COLUMN gift');
    await onService('without-gift');
    await running('forward');
    expect((await verify(world.plan, 'orders')).mismatches).toBe(0);
  });

  test('a primary key that changes is a row that goes and one that comes (faults 64)', async () => {
    await query('monolith', "UPDATE orders SET id = id + 1000000 WHERE idempotency_key = 'before'");
    await until('the new key', async () => Number((await onService('before'))!.id) > 1_000_000);
    expect((await verify(world.plan, 'orders')).mismatches).toBe(0);
  });

  test('of two appliers at once one stops, and says what to do (faults 59)', async () => {
    const second = world.start();
    const reason = (of: Cdc, direction: Direction) => streamOf(direction, of).status().reason ?? '';
    // Postgres lets one session hold the origin; MySQL lets both in, and the checkpoint's version tells them apart.
    await until('the other session named', () =>
      /another cdc process applies this stream/.test(reason(second, 'forward')),
    );
    const ahead = (of: Cdc) =>
      /^another applier of orders:reverse is ahead: two cdc processes run/.test(reason(of, 'reverse'));
    await until('one of the two stopped', () => ahead(cdc) || ahead(second));
    await second.stop();
    if (ahead(cdc)) {
      await cdc.stop();
      cdc = world.start();
    }
    await untilRunning(cdc);
    await query('monolith', "INSERT INTO orders (user_id, idempotency_key) VALUES (1, 'after-two')");
    await onService('after-two');
    expect((await verify(world.plan, 'orders')).mismatches).toBe(0);
  });

  test('a loss that it is told while it cannot open its topic yet', async () => {
    const plan = { ...world.plan, kafka: { ...world.plan.kafka!, brokers: ['127.0.0.1:1'] } };
    const away = startStream({
      ...{ plan, capability: 'orders', direction: 'reverse', log: pino({ level: 'silent' }) },
      hooks: { onCopied: () => {}, onCopyEnd: () => {}, onApplied: () => {} },
      ...{ placed: () => true, copying: () => false },
    });
    try {
      await until('no broker there', () => /ECONNREFUSED/.test(away.status().reason ?? ''));
      away.halt(new ContinuityError('a piece of the log is gone'));
      await until('stopped', () => away.status().state === 'stopped');
      expect(away.status().reason).toMatch(/^a piece of the log is gone: /);
    } finally {
      await away.stop();
    }
  });
});
