import { setTimeout as sleep } from 'node:timers/promises';
import { openSession } from '@strangler/ledger';
import type { Customer } from '../../e2e/rehearsal/customer.ts';
import type { Purchase } from '../../e2e/rehearsal/input.ts';
import type { Process } from '../../e2e/rehearsal/processes.ts';
import type { ShoppingTally } from '../../e2e/rehearsal/tally.ts';
import { startTraffic } from '../../e2e/rehearsal/traffic.ts';
import { say } from '../screen.ts';
import { type Count, count, type OrderRow } from './count.ts';
import type { Way } from './way.ts';

/** From which share of the purchases on which percentage is the service’s; then it is killed. */
export const RAMP = [
  { from: 0.05, percent: 10 },
  { from: 0.2, percent: 25 },
  { from: 0.4, percent: 50 },
] as const;
export const KILLED_AT = 0.6;

const SETTLED_WITHIN_MS = 60_000;
const QUIET_MS = 2_000;

/** What one way came to. */
export type WayCounts = Count & {
  readonly acknowledged: number;
  /** Orders that their owner could not read right after the shop had acknowledged them. */
  readonly unreadable: number;
  /** Of those, orders of the service that the monolith was asked for: no lag, they never arrive there. */
  readonly unreadableForGood: number;
  /** What customers could not get done at all, after every retry. */
  readonly failed: number;
  readonly requests: number;
  readonly retries: number;
  /** Milliseconds from the kill until the dead service was asked nothing any more. */
  readonly brokenFor: number;
  /** Seconds of the traffic. */
  readonly seconds: number;
  readonly sync: string;
};

/** What is the same for every way. */
export type Setting = {
  readonly live: readonly Purchase[];
  readonly seconds: number;
  readonly orders: Process;
  /** The addresses of the database that serves after the rollback, and of the other one. */
  readonly serving: string;
  readonly other: string;
  readonly signal: AbortSignal;
};

type Order = { readonly id: number };

/** The monolith mints odd ids, the service even ones. */
const bornInService = (id: number): boolean => id % 2 === 0;

const purchaseOf = ({ userId, key }: Purchase): string => `${userId}:${key}`;

/** Replays the purchases through one way: ramped up, the service killed, rolled back, and on to the end. */
export async function replay(way: Way, { live, seconds, orders, serving, other, signal }: Setting): Promise<WayCounts> {
  const own = new AbortController();
  const traffic = startTraffic({ live }, way.bases, {
    seconds,
    signal: AbortSignal.any([signal, own.signal]),
    visit,
  });
  const { tally } = traffic;
  const unreadable: number[] = [];
  async function visit(client: Customer, { key, product }: Purchase, { acknowledged }: ShoppingTally): Promise<void> {
    const wanted = { items: [{ productId: product.id, quantity: 1 }] };
    const order = await done<Order>(client.ask('POST', '/api/orders', [200, 201], wanted, key));
    if (!order) return;
    acknowledged.add(key);
    const read = await done<Partial<Order>>(client.ask('GET', `/api/orders/${order.id}`, [200, 404]));
    if (read?.id !== order.id) unreadable.push(order.id);
  }
  const begun = Date.now();
  try {
    for (const { from, percent } of RAMP) {
      await traffic.reached(from);
      await way.ramp(percent);
      say(`${way.name}: ${percent} %`);
    }
    await traffic.reached(KILLED_AT);
    const died = Date.now();
    await orders.kill();
    await way.broughtBack(tally, died);
    const brokenFor = Date.now() - died;
    say(`${way.name}: the service was killed, nobody asks it any more after ${brokenFor} ms`);
    await orders.start();
    await traffic.done;
    const seconds = Number(((Date.now() - begun) / 1_000).toFixed(1));
    const acknowledged = live.filter(({ key }) => tally.acknowledged.has(key)).map(purchaseOf);
    return {
      acknowledged: acknowledged.length,
      ...(await settled(serving, other, new Set(acknowledged))),
      unreadable: unreadable.length,
      unreadableForGood: unreadable.filter(bornInService).length,
      failed: tally.errors.length,
      requests: tally.requests,
      retries: tally.retryTimes.length,
      brokenFor,
      seconds,
      sync: await way.sync(),
    };
  } finally {
    own.abort();
    await traffic.done.catch(() => {}); // whoever called gets the error already
  }
}

/** What a customer got; undefined if, after every retry, nothing: the tally has it then. */
const done = <T>(asked: Promise<unknown>): Promise<T | undefined> =>
  asked.then(
    (answer) => answer as T,
    () => undefined,
  );

/** Counts until nothing has changed for a while, because the last rows are still under way. */
async function settled(serving: string, other: string, acknowledged: ReadonlySet<string>): Promise<Count> {
  const look = async () => [await ordersOf(serving), await ordersOf(other)] as const;
  const deadline = Date.now() + SETTLED_WITHIN_MS;
  for (let before = await look(); ; ) {
    await sleep(QUIET_MS);
    const now = await look();
    const same = JSON.stringify(now) === JSON.stringify(before);
    if (same || Date.now() > deadline) return count(acknowledged, ...now);
    before = now;
  }
}

async function ordersOf(url: string): Promise<OrderRow[]> {
  const session = await openSession(url, 'reader');
  try {
    const { rows } = await session.query<{ id: number; user_id: number; idempotency_key: string }>(
      'SELECT id, user_id, idempotency_key FROM orders ORDER BY id',
    );
    return rows.map((row) => ({ id: String(row.id), purchase: `${row.user_id}:${row.idempotency_key}` }));
  } finally {
    await session.close();
  }
}
