import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import { Connect } from '../capture/connectors.ts';
import type { Cdc } from '../cdc.ts';
import { connectorName } from '../names.ts';
import { recopy } from '../recopy/recopy.ts';
import { makeWorld, stream, until, untilRunning, type World } from '../testing/world.ts';
import { verify } from '../verify.ts';

const DEBEZIUMS = '__debezium_unavailable_value';

/** Texts that mean something to a connector, a converter, a driver, a database or to us. */
const MARKERS = [
  ...[DEBEZIUMS, `${DEBEZIUMS}s`, 'hex:5f5f', '__debezium', '__debezium-heartbeat', 'strangler-unavailable-'],
  ...['', ' ', 'null', 'NULL', '\\N', 'NaN', 'Infinity', '-infinity', 'POSITIVE_INFINITY', 'undefined', 'true', 't'],
  ...['0000-00-00', '-5877611-06-21Z', '1970-01-01T00:00:00Z', '1900', 'AQ==', '\\x00', '0'],
  ...[
    'BEGIN',
    'END',
    'TABLE_SCAN_COMPLETED',
    'Incremental Snapshot',
    'execute-snapshot',
    'strangler_tick',
    'strangler',
  ],
  ...[
    ',"source":{"table":"strangler_tick"}',
    '{"op":"c","after":null}',
    '{"$binary":"00"}',
    '__proto__',
    'constructor',
  ],
  ...['orders 17', '["a","b"]', '?', "'; DROP TABLE notes; --", '$HOME', '%s', '🌱\u2028', '12345678901234567890'],
];

const TABLES = {
  monolith: [
    'CREATE TABLE notes (id BIGINT PRIMARY KEY, user_id INT NOT NULL, body LONGTEXT, short VARCHAR(200), doc JSON, raw LONGBLOB)',
  ],
  service: [
    'CREATE TABLE notes (id BIGINT PRIMARY KEY, user_id INT NOT NULL, body TEXT, short VARCHAR(200), doc JSONB, raw BYTEA)',
  ],
  plan: { notes: { user: 'user_id' } },
};

let world: World;
let cdc: Cdc;
let connect: Connect;

const write = (on: 'monolith' | 'service', from: number) =>
  world[on].transaction(async () => {
    for (const [at, text] of MARKERS.entries()) {
      const bytes = on === 'monolith' ? '?' : "convert_to(?, 'UTF8')";
      await world[on].query(
        `INSERT INTO notes (id, user_id, body, short, doc, raw) VALUES (${from + at}, 1, ?, ?, ?, ${bytes})`,
        [text, text, JSON.stringify({ [text]: text }), text],
      );
    }
  });
const arrived = (on: 'monolith' | 'service', id: number) =>
  until(`row ${id}`, async () => (await world[on].query(`SELECT id FROM notes WHERE id = ${id}`)).rows.length);
const equal = async () => (await verify(world.plan, 'orders')).mismatches;
const configOf = async (name: string) => {
  const response = await fetch(`${world.plan.kafka!.connect}/connectors/${name}/config`);
  return (await response.json()) as Record<string, string>;
};
const placeholderOf = async () =>
  (await configOf(connectorName(world.plan, { capability: 'orders' })))['unavailable.value.placeholder'];

beforeAll(async () => {
  world = await makeWorld(await servers(), TABLES);
  connect = new Connect(world.plan.kafka!.connect);
  await write('monolith', 1);
  cdc = world.start();
  await untilRunning(cdc);
});
afterAll(() => world?.destroy());

describe('texts of customers that mean something to somebody on the way (faults 89)', () => {
  test('are plain data in the copy and in the monolith’s log', async () => {
    await write('monolith', 1_001);
    await world.monolith.query('UPDATE notes SET body = short WHERE id > 1000');
    await arrived('service', 1_000 + MARKERS.length);
    expect(await equal()).toBe(0);
  });

  test('are plain data in the service’s log, inserted and put in the place of NULL or of a long text', async () => {
    await world.moveToService(1);
    await write('service', 2_001);
    await world.service.query('UPDATE notes SET body = NULL, doc = NULL, raw = NULL WHERE id BETWEEN 1001 AND 1999');
    await world.service.query('UPDATE notes SET body = repeat(md5(id::text), 999) WHERE id < 1000');
    await world.service.query(
      `UPDATE notes SET body = short, raw = convert_to(short, 'UTF8'), doc = to_jsonb(short) WHERE id < 2000`,
    );
    await arrived('monolith', 2_000 + MARKERS.length);
    await until('nothing differing', async () => (await equal()) === 0);
    expect(cdc.streams.map((one) => one.status().state)).toEqual(['running', 'running']);
  });

  test('are plain data in a transaction that does not fit into memory', async () => {
    await world.service.query('INSERT INTO notes (id, user_id) VALUES (10001, 1)');
    await world.service.transaction(async () => {
      await world.service.query(
        "INSERT INTO notes (id, user_id, body) VALUES (10003, 1, repeat('x', 17 * 1024 * 1024))",
      );
      await world.service.query(`UPDATE notes SET body = '${DEBEZIUMS}' WHERE id = 10001`);
    });
    await arrived('monolith', 10_003);
    const { rows } = await world.monolith.query('SELECT body FROM notes WHERE id = 10001');
    expect(rows).toEqual([{ body: DEBEZIUMS }]);
  });
});

describe('what a connector writes for a value that was not in the log', () => {
  test('is a text that nobody can guess, the same after a restart', async () => {
    const placeholder = await placeholderOf();
    expect(placeholder).toMatch(/^strangler-unavailable-[0-9a-f-]{36}$/);
    await cdc.stop();
    cdc = world.start();
    await untilRunning(cdc);
    expect(await placeholderOf()).toBe(placeholder);
  });

  test('a connector from before is given its text and every other setting at start; its rows in the log are read as they are', async () => {
    await cdc.stop();
    for (const name of [connectorName(world.plan, {}), connectorName(world.plan, { capability: 'orders' })]) {
      const old: Record<string, string> = { ...(await configOf(name)), transforms: 'one' };
      for (const setting in old) if (/placeholder|replace\.null|time\.adjuster/.test(setting)) delete old[setting];
      // It refuses while Connect rebalances.
      await until('its old settings', async () => {
        const response = await fetch(`${world.plan.kafka!.connect}/connectors/${name}/config`, {
          method: 'PUT',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(old),
        });
        return response.ok;
      });
    }
    await until('the old connectors', async () => {
      const names = [connectorName(world.plan, {}), connectorName(world.plan, { capability: 'orders' })];
      return (await Promise.all(names.map((name) => connect.state(name)))).every((state) => state?.state === 'RUNNING');
    });
    await world.service.query(`INSERT INTO notes (id, user_id, body) VALUES (3001, 1, '${DEBEZIUMS}'), (3003, 1, 'x')`);
    await world.service.query(`UPDATE notes SET body = '${DEBEZIUMS}' WHERE id = 3003`);
    cdc = world.start();
    await untilRunning(cdc);
    await arrived('monolith', 3_003);
    expect(await placeholderOf()).toMatch(/^strangler-unavailable-/);
    const forward = await configOf(connectorName(world.plan, {}));
    expect(forward).toMatchObject({
      'value.converter.replace.null.with.default': 'false',
      'enable.time.adjuster': 'false',
    });
    await until('nothing differing', async () => (await equal()) === 0);
  });

  test('a value that is really missing stops the stream by name, and recopy brings it', async () => {
    await world.service.query(
      `INSERT INTO notes (id, user_id, body) SELECT 4001, 1, string_agg(md5(n::text), '') FROM generate_series(1, 1000) n`,
    );
    await arrived('monolith', 4_001);
    await world.service.query('ALTER TABLE notes REPLICA IDENTITY DEFAULT');
    await world.service.query("UPDATE notes SET short = 'changed' WHERE id = 4001");
    const reverse = cdc.streams.find(({ name }) => name === stream('reverse'))!;
    await until('the stop', () => reverse.status().state === 'stopped');
    expect(reverse.status().reason).toContain(
      'notes.body is missing from the log; run: ALTER TABLE "notes" REPLICA IDENTITY FULL. ',
    );
    await world.service.query('ALTER TABLE notes REPLICA IDENTITY FULL');
    await until('recopy, ten seconds after the last handoff', () =>
      recopy(world.plan, 'orders', { by: 'ada', reason: 'a test', progress: () => {} }).then(
        () => true,
        (error: Error) => {
          if (error.message.includes('try again in 10 s')) return false;
          throw error;
        },
      ),
    );
    expect((await world.monolith.query("SELECT id FROM notes WHERE short = 'changed'")).rows).toEqual([{ id: 4001 }]);
    expect(await equal()).toBe(0);
  });
});
