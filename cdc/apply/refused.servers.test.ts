import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Direction } from '@strangler/plan';
import { servers } from '@strangler/servers';
import type { Cdc } from '../cdc.ts';
import { makeWorld, stream, until, untilRunning, type World } from '../testing/world.ts';

type On = 'monolith' | 'service';
type Kept = { cause: string; status: string; user_id: string | null; aggregate: string; detail: string | null };

let world: World;
let cdc: Cdc;

/** Refuses, by what is in a note, as an application’s own rules do; `odd` with a code that nobody knows. */
const REFUSALS = {
  service: [
    `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       IF NEW.note = 'refuse' THEN RAISE EXCEPTION 'the service says no'; END IF;
       IF NEW.note = 'odd' THEN RAISE EXCEPTION 'how odd' USING ERRCODE = 'ZX001'; END IF;
       RETURN NEW; END $$`,
    'CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION refuse()',
    'ALTER TABLE orders ENABLE ALWAYS TRIGGER refuse',
    `CREATE FUNCTION refuse_at_the_end() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       IF NEW.note = 'at the end' THEN RAISE EXCEPTION 'no, at the end'; END IF; RETURN NULL; END $$`,
    `CREATE CONSTRAINT TRIGGER at_the_end AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED
       FOR EACH ROW EXECUTE FUNCTION refuse_at_the_end()`,
    'ALTER TABLE orders ENABLE ALWAYS TRIGGER at_the_end',
    'CREATE INDEX words ON samples (words)',
  ],
  monolith: ['INSERT', 'UPDATE'].map(
    (event) => `CREATE TRIGGER refuse_${event} BEFORE ${event} ON orders FOR EACH ROW BEGIN
       IF NEW.note = 'refuse' AND USER() LIKE '%_applier@%' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the monolith says no'; END IF;
       IF NEW.note = 'odd' AND USER() LIKE '%_applier@%' THEN
         SIGNAL SQLSTATE 'HY000' SET MESSAGE_TEXT = 'how odd', MYSQL_ERRNO = 30001; END IF; END`,
  ),
};

const place = (on: On, user: number, note: string | null = null, key = `of-${user}`) =>
  world[on].query('INSERT INTO orders (user_id, idempotency_key, note) VALUES (?, ?, ?)', [user, key, note]);
const orderOf = async (on: On, user: number) =>
  (
    await world[on].query<{ id: number; note: string | null }>('SELECT id, note FROM orders WHERE user_id = ?', [user])
  ).rows.at(-1);
const keptOf = async (on: On, user: number) =>
  (
    await world[on].query<Kept>(
      'SELECT cause, status, user_id, aggregate, detail FROM strangler_quarantine WHERE user_id = ? ORDER BY id',
      [String(user)],
    )
  ).rows;
const untilKept = (on: On, user: number, count = 1) =>
  until(`${count} entries of user ${user}`, async () => {
    const all = await keptOf(on, user);
    return all.length >= count ? all : undefined;
  }).then((all) => all!);
/** Somebody else’s purchase crosses: the stream goes on. */
const goesOn = async (on: On, user: number) => {
  await place(on, user);
  await until(`user ${user} crossing`, () => orderOf(on === 'monolith' ? 'service' : 'monolith', user));
};
const statusOf = (direction: Direction) => cdc.streams.find(({ name }) => name === stream(direction))!.status();

beforeAll(async () => {
  world = await makeWorld(await servers());
  for (const on of ['monolith', 'service'] as const) for (const sql of REFUSALS[on]) await world[on].query(sql);
  for (const user of [42, 43, 44, 45]) await place('monolith', user);
  cdc = world.start();
  await untilRunning(cdc);
});
afterAll(() => world?.destroy());

describe('rows that the other database refuses for ever (faults 60)', () => {
  test('the owner’s: a trigger’s RAISE, a row too large for an index, a code nobody knows, a constraint at the COMMIT', async () => {
    await place('monolith', 31, 'refuse');
    await place('monolith', 32, 'odd');
    const words = Array.from({ length: 9_000 }, () => Math.random().toString(36).at(-1)).join('');
    await world.monolith.query(
      "INSERT INTO samples (id, user_id, words) VALUES ('6f1c2f2e-0000-4000-8000-000000000033', 33, ?)",
      [words],
    );
    await place('monolith', 35, 'at the end');
    await place('monolith', 37, null, 'a\0b'); // which no text of Postgres holds
    await goesOn('monolith', 36);
    for (const [user, detail] of [
      [31, 'the service says no'],
      [32, 'how odd'],
      [33, /index row requires/],
      [35, 'no, at the end'],
      [37, 'unsupported Unicode escape sequence'],
    ] as const) {
      const [entry] = await untilKept('service', user);
      expect(entry).toMatchObject({ cause: 'inapplicable', status: 'open', detail: expect.stringMatching(detail) });
    }
    await until('the count', () => cdc.quarantined(stream('forward')) >= 4);
  });

  test('rogue ones: kept beside nothing, and taken back where they were written', async () => {
    await place('service', 51, 'rogue');
    await until('a rogue write that fits', () => orderOf('monolith', 51));
    await world.service.query('ALTER TABLE orders DISABLE TRIGGER refuse');
    await place('service', 52, 'refuse');
    await place('service', 53, 'odd');
    await world.service.query('ALTER TABLE orders ENABLE ALWAYS TRIGGER refuse');
    for (const [user, detail] of [
      [52, 'the monolith says no'],
      [53, 'how odd'],
    ] as const) {
      const [entry] = await untilKept('monolith', user);
      expect(entry).toMatchObject({ cause: 'rogue-write', status: 'open', detail });
      await until('the owner’s row, which is none', async () => !(await orderOf('service', user)));
    }
    await place('service', 54);
    await until('another rogue write', () => orderOf('monolith', 54));
  });

  test('late ones, with what belongs to them, whether it comes with them or afterwards', async () => {
    await world.moveToService(1);
    await cdc.stop();
    await world.monolith.transaction(async () => {
      await place('monolith', 41, 'refuse');
      await world.monolith.query(
        'INSERT INTO order_items (order_id, quantity) SELECT id, 3 FROM orders WHERE user_id = 41',
      );
    });
    await world.monolith.query(
      'INSERT INTO order_items (order_id, quantity) SELECT id, 4 FROM orders WHERE user_id = 41',
    );
    await world.monolith.query("UPDATE orders SET note = REPEAT('x', 100) WHERE user_id = 42");
    await world.monolith.query("UPDATE orders SET note = 'odd' WHERE user_id = 43");
    await world.monolith.query("UPDATE orders SET note = 'fits' WHERE user_id = 44");
    await place('monolith', 46, null, 'c\0d');
    cdc = world.start();
    await untilRunning(cdc);
    const entries = await untilKept('service', 41, 3);
    expect(entries.map(({ cause, status }) => [cause, status])).toEqual(Array(3).fill(['late-write', 'open']));
    expect(new Set(entries.map(({ aggregate }) => aggregate)).size).toBe(1);
    expect(entries[0]!.detail).toBe('the service says no');
    expect(await untilKept('service', 42)).toMatchObject(
      [{ cause: 'late-write', status: 'open', detail: /check constraint/ }].map(({ detail, ...rest }) => ({
        ...rest,
        detail: expect.stringMatching(detail),
      })),
    );
    expect(await untilKept('service', 43)).toMatchObject([{ cause: 'late-write', status: 'open', detail: 'how odd' }]);
    await until('what fits', async () => (await orderOf('service', 44))?.note === 'fits');
    expect(await keptOf('service', 44)).toMatchObject([{ cause: 'late-applied', status: 'kept' }]);
    expect(await untilKept('service', 46)).toMatchObject([{ cause: 'late-write', status: 'open' }]);
    await until('the owner’s rows on the other side', async () => {
      const [gone, too, ...back] = await Promise.all([41, 46, 42, 43].map((user) => orderOf('monolith', user)));
      return !gone && !too && back.every((order) => order?.note === null);
    });
  });

  test('the owner’s on the way back: a trigger’s SIGNAL, a number nobody knows; other users go on', async () => {
    await world.service.query('ALTER TABLE orders DISABLE TRIGGER refuse');
    await place('service', 61, 'refuse');
    await place('service', 62, 'odd');
    await world.service.query('ALTER TABLE orders ENABLE ALWAYS TRIGGER refuse');
    await place('service', 61, null, 'behind');
    await goesOn('service', 63);
    const entries = await untilKept('monolith', 61, 2);
    expect(entries.map(({ cause }) => cause)).toEqual(['inapplicable', 'behind-inapplicable']);
    expect(entries[0]!.detail).toBe('the monolith says no');
    expect(await untilKept('monolith', 62)).toMatchObject([
      { cause: 'inapplicable', status: 'open', detail: 'how odd' },
    ]);
  });

  test('corrections: the owner’s row that the late side does not take back is kept there', async () => {
    await world.secretly('service', 'ALTER TABLE orders DISABLE TRIGGER refuse');
    await world.secretly('service', "UPDATE orders SET note = 'refuse' WHERE user_id = 45");
    await world.secretly('service', 'ALTER TABLE orders ENABLE ALWAYS TRIGGER refuse');
    await world.monolith.query("UPDATE orders SET note = 'late' WHERE user_id = 45");
    expect(await untilKept('service', 45)).toMatchObject([{ cause: 'late-write', status: 'open', detail: null }]);
    expect(await untilKept('monolith', 45)).toMatchObject([
      { cause: 'inapplicable', status: 'open', detail: 'the monolith says no' },
    ]);
    await goesOn('service', 64);
  });

  test('everybody’s, for a reason nobody knows: the stream stops instead, keeps nothing, and goes on when that is over', async () => {
    await world.service.query('ALTER TABLE orders DISABLE TRIGGER refuse');
    await world.service.query(
      "INSERT INTO orders (user_id, idempotency_key, note) SELECT 1000 + n, 'everybody', 'odd' FROM generate_series(1, 20) n",
    );
    await until('the stop', () => statusOf('reverse').state === 'stopped');
    expect(statusOf('reverse').reason).toMatch(/refuses 10 rows in a row, and nobody knows why: how odd/);
    await world.monolith.query('DROP TRIGGER refuse_INSERT');
    await goesOn('service', 65);
    expect(statusOf('reverse').state).toBe('running');
    const arrived = await world.monolith.query('SELECT id FROM orders WHERE user_id BETWEEN 1001 AND 1020');
    expect(arrived.rows).toHaveLength(20);
    expect(await keptOf('monolith', 1_001)).toEqual([]);
  });
});
