import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { barrierArrived, openSession, readApplier, readBackfill, readOwnership } from '@strangler/ledger';
import { servers } from '@strangler/servers';
import type { Cdc } from './cdc.ts';
import { doctor } from './doctor/doctor.ts';
import { remove } from './setup/remove.ts';
import { makeWorld, stream, until, untilRunning, type World } from './testing/world.ts';
import { verify } from './verify.ts';

type Order = { id: number; user_id: number; idempotency_key: string; status: string; note: string | null };

let world: World;
let cdc: Cdc;

const orderOf = async (on: 'monolith' | 'service', key: string): Promise<Order | undefined> =>
  (
    await world[on].query<Order>(
      'SELECT id, user_id, idempotency_key, status, note FROM orders WHERE idempotency_key = ?',
      [key],
    )
  ).rows[0];
const placed = (on: 'monolith' | 'service', key: string, user = 1) =>
  world[on].query('INSERT INTO orders (user_id, idempotency_key) VALUES (?, ?)', [user, key]);
const kept = async (on: 'monolith' | 'service', cause: string) =>
  (
    await world[on].query<{ status: string; table_name: string; user_id: string }>(
      'SELECT status, table_name, user_id FROM strangler_quarantine WHERE cause = ?',
      [cause],
    )
  ).rows;

/** One of each type at its edges, then NULLs. */
const SAMPLES = `
  ('6f1c2f2e-0000-4000-8000-000000000001', 1, 18446744073709551615, '12345678901234567890123456.123456789012', 1, 'two',
   '{"b": [1, 2.5, null], "a": {"n": 9007199254740993}}', X'00FF10', '2026-01-31 23:59:59.123456',
   '2026-06-30 12:00:00.000001', '2024-02-29', 0.1, 'naïve 🌱 \\\\ "quoted" \n'),
  ('6f1c2f2e-0000-4000-8000-000000000002', 1, 0, '-0.5', 0, 'one', '"x"', X'', '1970-01-01 00:00:00', '2038-01-19 03:14:07',
   '1000-01-01', -1e300, ''),
  ('6f1c2f2e-0000-4000-8000-000000000003', 2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`;

beforeAll(async () => {
  world = await makeWorld(await servers());
  const rows = Array.from({ length: 9_000 }, (_, at) => `(${at % 100}, 'old-${at}', ${at % 7}.50)`);
  await world.monolith.query(`INSERT INTO orders (user_id, idempotency_key, total) VALUES ${rows.join(', ')}`);
  await world.monolith.query('INSERT INTO order_items (order_id, quantity) SELECT id, 1 FROM orders');
  await world.monolith.query(`INSERT INTO samples VALUES ${SAMPLES}`);
  cdc = world.start();
});
afterAll(() => world?.destroy());

describe('the sync of one capability, both ways', () => {
  test('copies existing rows while the monolith goes on writing, and resurrects nothing (faults 67)', async () => {
    await until('the first rows', async () => (await world.service.query('SELECT id FROM orders LIMIT 1')).rows.length);
    await world.monolith.query("DELETE FROM orders WHERE idempotency_key IN ('old-3', 'old-8999')");
    await world.monolith.query("UPDATE orders SET status = 'cancelled' WHERE idempotency_key IN ('old-5', 'old-8998')");
    await untilRunning(cdc);
    const { compared, mismatches } = await verify(world.plan, 'orders');
    expect({ compared, mismatches }).toEqual({ compared: 18_001, mismatches: 0 });
    expect(await orderOf('service', 'old-3')).toBeUndefined();
    expect(await readBackfill(world.monolith, 'orders')).toMatchObject([
      { table: 'order_items', finished: true },
      { table: 'orders', finished: true },
      { table: 'samples', finished: true },
    ]);
  });

  test('finds nothing to fix after init', async () => {
    expect(await doctor(world.plan)).toEqual([]);
  });

  test('carries the monolith’s writes to the service, and never back (faults 68)', async () => {
    await placed('monolith', 'live');
    await until('the insert', () => orderOf('service', 'live'));
    await world.monolith.query("UPDATE orders SET status = 'cancelled' WHERE idempotency_key = 'live'");
    await until('the update', async () => (await orderOf('service', 'live'))?.status === 'cancelled');
    await world.monolith.query("UPDATE orders SET id = id + 1000000 WHERE idempotency_key = 'live'");
    await until('the new key', async () => (await orderOf('service', 'live'))!.id > 1_000_000);
    await world.monolith.query("DELETE FROM orders WHERE idempotency_key = 'live'");
    await until('the delete', async () => !(await orderOf('service', 'live')));
    expect(await orderOf('monolith', 'live')).toBeUndefined();
  });

  test('hands everybody to the service: the barrier arrives after everything before it', async () => {
    await placed('monolith', 'before-the-barrier', 7);
    await world.handoff('monolith', 1, 'barrier');
    await until('arrival', () => barrierArrived(world.service, stream('forward'), 1));
    expect(await orderOf('service', 'before-the-barrier')).toMatchObject({ user_id: 7 });
    await world.handoff('service', 1, 'grant');
    await placed('service', 'after-the-grant', 7);
    const order = await until('the way back', () => orderOf('monolith', 'after-the-grant'));
    expect(order!.id % 2).toBe(0);
    await until('the grant', async () => (await readOwnership(world.monolith, stream('reverse'))).length === 1);
  });

  test('keeps every value of every type, copied, live, and on the way back (faults 70)', async () => {
    await world.monolith.query(`INSERT INTO samples VALUES ${SAMPLES.replaceAll('-8000-', '-9000-')}`);
    await world.service.query(
      `INSERT INTO samples SELECT replace(uid::text, '-8000-', '-a000-')::uuid, 1, big, exact, flag, sort, document, raw,
         happened, stamped, day, ratio, words FROM samples WHERE uid::text LIKE '%-8000-%'`,
    );
    await until(
      'the rows of both',
      async () => (await world.monolith.query('SELECT id FROM samples')).rows.length === 9,
    );
    await until('nothing differing', async () => (await verify(world.plan, 'orders')).mismatches === 0);
    const values = (on: 'monolith' | 'service', of: string) =>
      world[on].query(`SELECT big, ${of} AS raw, words FROM samples WHERE user_id = 1 AND big > 0`);
    const wanted = { big: '18446744073709551615', raw: '00FF10', words: 'naïve 🌱 \\ "quoted" \n' };
    expect((await values('monolith', 'HEX(raw)')).rows).toEqual([wanted, wanted, wanted]);
    expect((await values('service', "upper(encode(raw, 'hex'))")).rows).toEqual([wanted, wanted, wanted]);
  });

  test('applies a late insert of something new without an alarm: rows may be born on either side', async () => {
    await placed('monolith', 'born-here');
    await until('its arrival', () => orderOf('service', 'born-here'));
    expect(await kept('service', 'late-write')).toEqual([]);
  });

  test('supersedes a late insert of what the owner has, and replaces it on the other side', async () => {
    await world.service.query("INSERT INTO orders (user_id, idempotency_key) VALUES (9, 'twice')");
    await world.monolith.transaction(async () => {
      await world.monolith.query(
        "INSERT INTO orders (user_id, idempotency_key) VALUES (9, 'twice') ON DUPLICATE KEY UPDATE note = 'late'",
      );
      await world.monolith.query(
        "INSERT INTO order_items (order_id, quantity) SELECT id, 5 FROM orders WHERE idempotency_key = 'twice'",
      );
    });
    const winner = await orderOf('service', 'twice');
    await until('the same order on both sides', async () => {
      const mine = await orderOf('monolith', 'twice');
      return mine?.id === winner!.id && mine.note === null;
    });
    await until('nothing left of the loser', async () => (await verify(world.plan, 'orders')).mismatches === 0);
    expect(
      (await kept('service', 'retried-purchase')).length + (await kept('service', 'late-write')).length,
    ).toBeGreaterThan(0);
  });

  test('keeps a late update for a person, and brings the owner’s row back (faults 69)', async () => {
    await world.service.query("UPDATE orders SET note = 'owner' WHERE idempotency_key = 'old-10'");
    await world.monolith.query("UPDATE orders SET note = 'late' WHERE idempotency_key = 'old-10'");
    await until('an open entry', async () =>
      (await kept('service', 'late-write')).some(({ status }) => status === 'open'),
    );
    await until('the owner’s row', async () => (await orderOf('monolith', 'old-10'))?.note === 'owner');
    expect((await orderOf('service', 'old-10'))?.note).toBe('owner');
  });

  test('an item whose order the other side has deleted meanwhile stops no stream; the owner says what is so', async () => {
    const idOf = async (key: string) => (await orderOf('service', key))!.id;
    const [gone, stays] = [await idOf('old-50'), await idOf('old-51')];
    const item = (on: 'monolith' | 'service', order: number) =>
      world[on].query('INSERT INTO order_items (order_id, quantity) VALUES (?, 7)', [order]);
    const remove = async (on: 'monolith' | 'service', order: number) => {
      await world[on].query('DELETE FROM order_items WHERE order_id = ?', [order]);
      await world[on].query('DELETE FROM orders WHERE id = ?', [order]);
    };
    await cdc.stop();
    await remove('service', gone); // the owner
    await item('monolith', gone); // late
    await remove('monolith', stays); // a job, past the proxy
    await item('service', stays);
    cdc = world.start();
    await untilRunning(cdc);
    const sevens = async (on: 'monolith' | 'service', order: number) =>
      (await world[on].query('SELECT id FROM order_items WHERE order_id = ? AND quantity = 7', [order])).rows.length;
    await until('no item of an order that is gone', async () => (await sevens('monolith', gone)) === 0);
    await until('the order back', async () => (await orderOf('monolith', 'old-51')) !== undefined);
    await until('its item', async () => (await sevens('monolith', stays)) === 1);
    expect(await orderOf('monolith', 'old-50')).toBeUndefined();
    expect(await sevens('service', stays)).toBe(1);
    await until('nothing differing', async () => (await verify(world.plan, 'orders')).mismatches === 0);
  });

  test('waits behind an undecided barrier, and goes on as its cancel says', async () => {
    await world.handoff('service', 2, 'barrier');
    await until('arrival', () => barrierArrived(world.monolith, stream('reverse'), 2));
    await world.service.query("UPDATE orders SET note = 'during' WHERE idempotency_key = 'old-11'");
    await world.handoff('service', 2, 'cancel');
    await until('the update', async () => (await orderOf('monolith', 'old-11'))?.note === 'during');
    expect(await kept('monolith', 'late-write')).toEqual([]);
    await until('the cancel', async () =>
      (await readOwnership(world.monolith, stream('reverse'))).some(
        (row) => row.epoch === 2 && row.owns && !row.undecided,
      ),
    );
  });

  test('keeps a row that does not fit and what follows for its user, while others go on (faults 60)', async () => {
    await world.handoff('service', 3, 'barrier');
    await until('arrival', () => barrierArrived(world.monolith, stream('reverse'), 3));
    await world.handoff('monolith', 3, 'grant');
    await world.monolith.query(
      "INSERT INTO orders (user_id, idempotency_key, note) VALUES (21, 'long', REPEAT('x', 100))",
    );
    await placed('monolith', 'behind-long', 21);
    await placed('monolith', 'other-user', 22);
    await until('the other user', () => orderOf('service', 'other-user'));
    expect(await kept('service', 'inapplicable')).toEqual([{ status: 'open', table_name: 'orders', user_id: '21' }]);
    expect(await kept('service', 'behind-inapplicable')).toHaveLength(1);
    await world.monolith.query("DELETE FROM orders WHERE user_id = 21 AND idempotency_key IN ('long', 'behind-long')");
  });

  test('loses and doubles nothing when it is stopped and started again under load (faults 63)', async () => {
    const before = await verify(world.plan, 'orders');
    const writer = async (from: number) => {
      for (let at = from; at < from + 150; at++) await placed('monolith', `load-${at}`, 30 + (at % 10));
    };
    const writing = writer(0);
    await cdc.stop();
    await writing;
    await placed('service', 'both', 40); // the monolith owns: this is the late one
    await placed('monolith', 'both', 40);
    await world.monolith.query(
      "INSERT INTO order_items (order_id, quantity) SELECT id, 5 FROM orders WHERE idempotency_key = 'both'",
    );
    await world.service.query(
      "INSERT INTO order_items (order_id, quantity) SELECT id, 6 FROM orders WHERE idempotency_key = 'both'",
    );
    cdc = world.start();
    await writer(150);
    await untilRunning(cdc);
    await until('the last', () => orderOf('service', 'load-299'));
    const after = await verify(world.plan, 'orders');
    expect(after.compared - before.compared).toBe(302);
    expect(after.mismatches).toBe(before.mismatches);
    expect((await orderOf('service', 'both'))!.id % 2).toBe(1);
    const superseded = await kept('monolith', 'retried-purchase');
    expect(superseded.map(({ status, user_id }) => [status, user_id])).toContainEqual(['superseded', '40']);
    expect((await world.service.query('SELECT quantity FROM order_items WHERE quantity > 1')).rows).toContainEqual({
      quantity: 5,
    });
    expect((await world.service.query('SELECT quantity FROM order_items WHERE quantity = 6')).rows).toEqual([]);
  });

  describe('users taken back by force', () => {
    const note = async (on: 'monolith' | 'service', key: string, text: string) =>
      world[on].query('UPDATE orders SET note = ? WHERE id = ?', [text, (await orderOf(on, key))!.id]);
    const proven = (epoch: number) => barrierArrived(world.monolith, stream('reverse'), epoch);

    beforeAll(async () => {
      await world.moveToService(4);
      await until(
        'the grant',
        async () => (await readOwnership(world.monolith, stream('reverse'))).at(-1)?.epoch === 4,
      );
    });

    test('faults 66: an applier caught in its transaction begins again; what the service wrote before is late, none of it lost', async () => {
      const blocker = await openSession(world.plan.monolith.database!.admin, 'reader');
      await blocker.query('START TRANSACTION');
      await blocker.query('SELECT id FROM orders WHERE id = ? FOR UPDATE', [(await orderOf('monolith', 'old-12'))!.id]);
      await note('service', 'old-12', 'written before');
      await note('service', 'old-14', 'written before');
      await until('the applier in its transaction', async () => {
        const { rows } = await blocker.query(
          "SELECT 1 FROM performance_schema.data_locks WHERE OBJECT_NAME = 'orders' AND LOCK_STATUS = 'WAITING' AND OBJECT_SCHEMA = DATABASE()",
        );
        return rows.length;
      });
      await world.force(5);
      await note('monolith', 'old-14', 'owner');
      await blocker.query('COMMIT');
      await blocker.close();
      await until('the late write', async () => (await orderOf('monolith', 'old-12'))?.note === 'written before');
      await until('the other one kept', async () =>
        (await kept('monolith', 'late-write')).some(({ status }) => status === 'open'),
      );
      await until('the owner’s row there', async () => (await orderOf('service', 'old-14'))?.note === 'owner');
      expect((await orderOf('monolith', 'old-14'))?.note).toBe('owner');
      expect(await proven(5)).toBe(false);
      await world.handoff('service', 5, 'barrier');
      await until('the proof', () => proven(5));
    });

    test('a stream that waits behind an undecided barrier goes on when force decides', async () => {
      await world.moveToService(6);
      await world.handoff('service', 7, 'barrier');
      await until('arrival', () => proven(7));
      await note('service', 'old-15', 'behind the barrier');
      await world.force(8);
      await until('the late write', async () => (await orderOf('monolith', 'old-15'))?.note === 'behind the barrier');
      await world.handoff('service', 8, 'barrier');
      await until('the proof', () => proven(8));
    });
  });

  test('finds a planted mismatch, and says how each stream does', async () => {
    const before = await verify(world.plan, 'orders');
    await world.secretly('service', "UPDATE orders SET total = 999 WHERE idempotency_key = 'old-77'");
    await world.secretly('service', "DELETE FROM orders WHERE idempotency_key = 'old-78'");
    const { mismatches } = await verify(world.plan, 'orders');
    expect(mismatches).toBe(before.mismatches + 2);
    expect(await readApplier(world.service, stream('forward'))).toMatchObject({ state: 'running', reason: null });
  });

  test('stops loudly when a tick is missing (silent loss)', async () => {
    await world.secretly('monolith', 'UPDATE strangler_tick SET n = n + 5');
    const forward = cdc.streams.find(({ name }) => name === stream('forward'))!;
    await until('the stop', () => forward.status().state === 'stopped');
    expect(forward.status()).toMatchObject({ lag: null, reason: expect.stringMatching(/^tick \d+ was followed by/) });
  });

  test('leaves nothing behind when it is removed', async () => {
    await cdc.stop();
    await remove(world.plan, () => {});
    await remove(world.plan, () => {});
    const name = world.plan.name;
    const ours = await world.monolith.query(`SHOW TABLES LIKE 'strangler%'`);
    const theirs = await world.service.query(
      `SELECT tablename FROM pg_tables WHERE tablename LIKE 'strangler%'
       UNION ALL SELECT pubname FROM pg_publication
       UNION ALL SELECT slot_name FROM pg_replication_slots WHERE database = '${name}'
       UNION ALL SELECT roname FROM pg_replication_origin WHERE roname LIKE 'strangler_${name}%'`,
    );
    expect([...ours.rows, ...theirs.rows]).toEqual([]);
  });
});
