import { readFileSync } from 'node:fs';
import type { Session } from '@strangler/ledger';
import type { Side } from '@strangler/plan';
import { killServer } from '../../servers.ts';
import type { Fault, Scene } from '../fault.ts';
import { eventually, firstOf, inSession } from '../holding.ts';
import { homeOf, pastOrders } from '../regulars.ts';

const SIDES: readonly Side[] = ['monolith', 'service'];
const CROSSED_WITHIN_MS = 300_000;
const otherOf = (side: Side): Side => (side === 'monolith' ? 'service' : 'monolith');

/** The example's tables name each other: a key can only be changed by somebody who looks away. */
const LOOK_AWAY = { mysql: 'SET SESSION foreign_key_checks = 0', postgres: 'SET session_replication_role = replica' };

/** Waits until a side counts so many rows. */
const counted = (session: Session, sql: string, wanted: number): Promise<unknown> =>
  eventually(`${wanted} of ${sql}`, CROSSED_WITHIN_MS, async () => Number(await firstOf(session, sql)) === wanted);

async function changeKeys({ stack, chance }: Scene): Promise<void> {
  const away = 2 * (1_000_000 + chance.below(1_000_000_000));
  for (const side of SIDES) {
    // The highest first: the counter jumps behind it, so no purchase made meanwhile is given one of the others.
    const some = (await pastOrders(stack, side)).slice(-20).reverse();
    await inSession(homeOf(stack, side), async (session) => {
      await session.query(LOOK_AWAY[session.dialect]);
      for (const { id } of some) {
        await session.transaction(async () => {
          await session.query('UPDATE orders SET id = ? WHERE id = ?', [id + away, id]);
          await session.query('UPDATE order_items SET order_id = ? WHERE order_id = ?', [id + away, id]);
        });
      }
    });
    await inSession(homeOf(stack, otherOf(side)), (session) =>
      counted(session, `SELECT COUNT(*) FROM orders WHERE id IN (${some.map(({ id }) => id + away)})`, some.length),
    );
  }
}

/** Deletes orders and inserts them again under the same key: in one transaction, and in two. */
async function deleteAndInsert({ stack }: Scene): Promise<void> {
  for (const side of SIDES) {
    await inSession(homeOf(stack, side), async (session) => {
      for (const [nth, { id, user, key }] of (await pastOrders(stack, side)).slice(0, 20).entries()) {
        const remove = async () => {
          await session.query('DELETE FROM order_items WHERE order_id = ?', [id]);
          await session.query('DELETE FROM orders WHERE id = ?', [id]);
        };
        const insert = async () => {
          const values = [id, user, key, String(nth)];
          await session.query('INSERT INTO orders (id, user_id, idempotency_key, total) VALUES (?, ?, ?, ?)', values);
        };
        if (nth % 2) await session.transaction(() => remove().then(insert));
        else await session.transaction(remove).then(() => session.transaction(insert));
      }
    });
  }
}

/** Inserts so many orders of one customer in one transaction, and tells when Postgres has them; then deletes them. */
async function bulk({ stack, note, over }: Scene, count: number, meanwhile: () => Promise<void>): Promise<void> {
  const [{ user } = { user: 0 }] = await pastOrders(stack, 'monolith');
  const begun = Date.now();
  const howMany = `SELECT COUNT(*) FROM orders WHERE user_id = ${user} AND idempotency_key LIKE 'bulk-%'`;
  await inSession(homeOf(stack, 'monolith'), async (monolith) => {
    await monolith.query('SET SESSION cte_max_recursion_depth = 1000000');
    await monolith.query(
      `INSERT INTO orders (user_id, idempotency_key, total)
       WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
       SELECT ?, CONCAT('bulk-', n), 1 FROM numbers`,
      [count, user],
    );
    await meanwhile();
    await inSession(homeOf(stack, 'service'), async (service) => {
      await counted(service, howMany, count);
      note('crossed in', Date.now() - begun);
      await monolith.query(`DELETE FROM orders WHERE user_id = ${user} AND idempotency_key LIKE 'bulk-%'`);
      await counted(service, howMany, 0);
    });
  });
  over();
}

const HUGE = 200_000;
const LARGE = 20_000;

async function hugeTransaction(scene: Scene): Promise<void> {
  await bulk(scene, HUGE, async () => {});
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${scene.stack.cdc.pid}/status`, 'utf8'))?.[1];
  scene.note('cdc’s memory at most', `${Math.round(Number(peak) / 1_024)} MB`);
}

const MEGABYTES = 10;

/** A letter of 10 MB, on the side that owns it. */
async function hugeRow({ stack, users, note }: Scene): Promise<void> {
  const { notifications, monolith } = stack.addresses;
  const body = 'Dear customer. '.repeat((MEGABYTES * 2 ** 20) / 15);
  const reference = `letter-${users[0]}`;
  const begun = Date.now();
  await inSession(notifications.admin, (session) =>
    session.query(
      "INSERT INTO notifications (user_id, kind, reference, title, body) VALUES (1, 'letter', ?, 'A letter', ?)",
      [reference, body],
    ),
  );
  await inSession(monolith.admin, (session) =>
    eventually('the letter', CROSSED_WITHIN_MS, async () => {
      const length = await firstOf(session, 'SELECT LENGTH(body) FROM notifications WHERE reference = ?', [reference]);
      return Number(length) === body.length;
    }),
  );
  note('crossed in', Date.now() - begun);
}

/** Writes that are rare, and large. */
export const rows: readonly Fault[] = [
  { name: 'primary keys changed', lines: [64], chapter: 'steady', strike: changeKeys },
  { name: 'deleted and inserted again', lines: [64], chapter: 'steady', strike: deleteAndInsert },
  { name: 'transaction of 200,000 rows', lines: [64], chapter: 'steady', strike: hugeTransaction },
  {
    name: 'Connect killed in the middle of a large transaction',
    lines: [62, 64],
    chapter: 'steady',
    strike: (scene) =>
      bulk(scene, LARGE, async () => {
        await scene.pause(0, 1_000);
        await killServer('connect');
      }),
  },
  { name: 'row of 10 MB', lines: [64], chapter: 'steady', strike: hugeRow, spends: true },
];
