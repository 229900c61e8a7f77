import { setTimeout as sleep } from 'node:timers/promises';
import { openSession } from '@strangler/ledger';
import type { Side } from '@strangler/plan';
import type { Fault, Scene } from '../fault.ts';
import { holding, inSession } from '../holding.ts';
import { homeOf, pastOrders } from '../regulars.ts';

const BOTH: readonly Side[] = ['monolith', 'service'];

/** Somebody else holds a lock for a while: in both databases at once. */
const locked = (statements: (scene: Scene, side: Side) => string[], ms: number) => async (scene: Scene) => {
  const { stack, over } = scene;
  await Promise.all(BOTH.map((side) => holding(homeOf(stack, side), statements(scene, side), () => sleep(ms))));
  over();
};

const checkpoint = (_: Scene, side: Side): string[] => [
  `SELECT version FROM strangler_checkpoint WHERE stream = 'orders:${side === 'service' ? 'forward' : 'reverse'}' FOR UPDATE`,
];

/** Every order these users have so far: cancelling one must wait. */
const theirOrders = ({ users }: Scene): string[] => [
  `SELECT id FROM orders WHERE user_id BETWEEN ${users[0]} AND ${users.at(-1)} FOR UPDATE`,
];

/** What is bought most often: purchases on the monolith hang in the middle of their transaction, longer than a hold. */
const products = ({ stack }: Scene, side: Side): string[] =>
  side === 'service' ? [] : [`SELECT id FROM products WHERE id <= ${stack.shop.products[20]} FOR UPDATE`];

const STORM_MS = 4_000;

/** Lockers take rows of the run's users in any order, so that everybody deadlocks with everybody. */
async function deadlockStorm(scene: Scene): Promise<void> {
  const { stack, users, chance, note, over } = scene;
  const until = Date.now() + STORM_MS;
  let deadlocks = 0;
  const locker = async (side: Side) => {
    const session = await openSession(homeOf(stack, side), 'reader');
    const lock = 'SELECT id FROM orders WHERE user_id BETWEEN ? AND ? FOR UPDATE';
    while (Date.now() < until) {
      await session.query(session.dialect === 'mysql' ? 'START TRANSACTION' : 'BEGIN');
      try {
        for (let nth = 0; nth < 6; nth++) {
          const user = users[chance.below(users.length)]!;
          await session.query(lock, [user, user + 20]);
          await sleep(chance.between(0, 20));
        }
      } catch {
        deadlocks++; // that is what we are here for
      }
      await session.query('ROLLBACK');
    }
    await session.close();
  };
  await Promise.all(BOTH.flatMap((side) => Array.from({ length: 4 }, () => locker(side))));
  note('deadlocks', String(deadlocks));
  over();
}

/** An application's transaction on users who stay, open over many handoffs of users who move. */
async function longTransaction({ stack, pause }: Scene): Promise<void> {
  await Promise.all(
    BOTH.map(async (side) => {
      const orders = await pastOrders(stack, side);
      await inSession(homeOf(stack, side), (session) =>
        session.transaction(async () => {
          for (const { id } of orders.slice(0, 50)) {
            await session.query('UPDATE orders SET total = total + 1, updated_at = CURRENT_TIMESTAMP(3) WHERE id = ?', [
              id,
            ]);
          }
          await pause(2_000, 4_000);
        }),
      );
    }),
  );
}

/** Others' locks, and transactions that take long. */
export const locks: readonly Fault[] = [
  { name: 'checkpoints locked by somebody else', lines: [61], chapter: 'ramping', strike: locked(checkpoint, 3_000) },
  { name: 'rows locked by somebody else', lines: [61], chapter: 'steady', strike: locked(theirOrders, 3_000) },
  {
    name: 'requests that hang longer than a hold',
    lines: [41, 54],
    chapter: 'ramping',
    strike: locked(products, 3_000),
    mayRollBack: true,
  },
  { name: 'deadlock storm', lines: [61], chapter: 'ramping', strike: deadlockStorm, mayRollBack: true },
  { name: 'handoffs during a long transaction', lines: [54, 64], chapter: 'ramping', strike: longTransaction },
];
