import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { barrierArrived } from '@strangler/ledger';
import { servers } from '@strangler/servers';
import type { Cdc } from '../cdc.ts';
import { makeWorld, stream, until, untilRunning, type World } from '../testing/world.ts';
import { verify } from '../verify.ts';

type On = 'monolith' | 'service';

let world: World;
let cdc: Cdc;

const ROWS = 12_000;
const query = (on: On, sql: string) => world[on].query<Record<string, unknown>>(sql);
const count = async (on: On, where: string) =>
  Number((await query(on, `SELECT COUNT(*) AS n FROM ${where}`)).rows[0]!.n);
const arrive = (on: On, where: string, wanted = ROWS) =>
  until(`${wanted} ${where} on the ${on}`, async () => (await count(on, where)) === wanted);
const kept = (status: string) => count('service', `strangler_quarantine WHERE status = '${status}'`);

/** Orders of 100 users with an item each, in one transaction. */
async function insertMany(on: On, key: string, rows = ROWS): Promise<void> {
  const numbers = Array.from({ length: rows }, (_, at) => `(${at % 100}, '${key}-${at}')`);
  await world[on].transaction(async () => {
    for (let at = 0; at < rows; at += 2_000) {
      await query(
        on,
        `INSERT INTO orders (user_id, idempotency_key) VALUES ${numbers.slice(at, at + 2_000).join(', ')}`,
      );
    }
    await query(
      on,
      `INSERT INTO order_items (order_id, quantity) SELECT id, 1 FROM orders WHERE idempotency_key LIKE '${key}-%'`,
    );
  });
}

beforeAll(async () => {
  world = await makeWorld(await servers());
  cdc = world.start();
  await untilRunning(cdc);
});
afterAll(() => world?.destroy());

describe('a transaction that does not fit into memory (faults 64)', () => {
  test('arrives whole or not at all, and what comes after it comes after', async () => {
    await insertMany('monolith', 'one');
    await query('monolith', "DELETE FROM orders WHERE idempotency_key = 'one-7'");
    const seen: number[] = [];
    await until('the items', async () => seen[seen.push(await count('service', 'order_items')) - 1] === ROWS);
    expect([...new Set(seen)].filter((one) => one !== 0 && one !== ROWS)).toEqual([]);
    await arrive('service', 'orders', ROWS - 1);
  });

  test('keeps aside what the target does not take, and what follows for that user', async () => {
    await query('monolith', "UPDATE orders SET status = 'long', note = IF(user_id = 3, REPEAT('x', 100), 'short')");
    await arrive('service', "orders WHERE status = 'long'", ((ROWS - 1) / 100 + 0.01) * 99 - 1);
    const open = await count('service', "strangler_quarantine WHERE status = 'open' AND user_id = '3'");
    expect([open, await kept('open')]).toEqual([ROWS / 100, ROWS / 100]);
    await query('monolith', 'UPDATE orders SET note = NULL WHERE user_id = 3');
    await until('they wait', async () => (await kept('open')) === 2 * (ROWS / 100));
    await query('service', "UPDATE strangler_quarantine SET status = 'resolved'");
    await query('monolith', "UPDATE orders SET status = 'fits' WHERE user_id = 3");
    await arrive('service', "orders WHERE status = 'fits'", ROWS / 100);
  });

  test('waits outside of a transaction while the outcome of a barrier is open', async () => {
    await world.handoff('monolith', 1, 'barrier');
    await until('arrival', () => barrierArrived(world.service, stream('forward'), 1));
    await insertMany('monolith', 'during', 6_000);
    await world.handoff('monolith', 1, 'cancel');
    await arrive('service', "orders WHERE idempotency_key LIKE 'during-%'", 6_000);
    expect(await kept('superseded')).toBe(0);
  });

  test('late: what the owner has not touched is applied, what it has goes to quarantine with its aggregate', async () => {
    await world.moveToService(2);
    await query('service', "UPDATE orders SET status = 'paid' WHERE idempotency_key LIKE 'during-1%'");
    const paid = await count('service', "orders WHERE status = 'paid'");
    await arrive('monolith', "orders WHERE status = 'paid'", paid);
    await world.secretly('service', "UPDATE orders SET status = 'sent' WHERE idempotency_key LIKE 'during-1%'");
    await world.monolith.transaction(async () => {
      await query('monolith', "UPDATE orders SET note = 'late' WHERE idempotency_key LIKE 'during-%'");
      await query(
        'monolith',
        "UPDATE order_items SET quantity = 9 WHERE order_id IN (SELECT id FROM orders WHERE idempotency_key LIKE 'during-%')",
      );
    });
    await arrive('service', "orders WHERE note = 'late'", 6_000 - paid);
    await arrive('service', 'order_items WHERE quantity = 9', 6_000 - paid);
    expect(await kept('open')).toBe(2 * paid);
    await arrive('monolith', "orders WHERE status = 'sent' AND note IS NULL", paid);
    await until('nothing differing', async () => (await verify(world.plan, 'orders')).mismatches === 0);
  });
});
