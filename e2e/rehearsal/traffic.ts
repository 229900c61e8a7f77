import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from 'undici';
import { Customer } from './customer.ts';
import type { Input, Purchase } from './input.ts';
import { ShoppingTally } from './tally.ts';

/** How many customers shop at the same time. */
export const CUSTOMERS_AT_A_TIME = 48;

/** Over how many seconds the purchases of 1998 are replayed. */
export const REPLAY_SECONDS = { quick: 75, full: 160 };

/** The live traffic while it runs. */
export type LiveTraffic = {
  readonly tally: ShoppingTally;
  /** Share of the purchases acknowledged, 0…1. */
  readonly share: () => number;
  /** Lets customers buy up to this share, 0…1; those who have come further look around until more is open. */
  readonly open: (share: number) => void;
  /** Resolves once this share is reached. Rejects if the traffic has failed. */
  readonly reached: (share: number) => Promise<void>;
  /** Rejects if the traffic fails. */
  readonly failed: Promise<never>;
  /** Resolves when every purchase has been made. */
  readonly done: Promise<void>;
};

type Order = { readonly id: number; readonly total: string };

/** What a customer does about one purchase. If it throws, the traffic has failed. */
export type Visit = (client: Customer, purchase: Purchase, tally: ShoppingTally) => Promise<void>;

/** How the purchases are replayed. */
export type Replay = {
  /** Over how many seconds they are spread. */
  readonly seconds: number;
  readonly signal: AbortSignal;
  /** What a customer does; unless given, buys and looks around. */
  readonly visit?: Visit;
  /** How long a customer retries, in milliseconds; a minute unless given. */
  readonly patience?: number;
  /** Up to which share of the purchases, 0…1, customers buy until more is opened; all of them unless given. */
  readonly upTo?: number;
};

/** How often a customer who waits for more to be opened looks around, ms. */
const POLL_MS = 500;

/**
 * Replays purchases through the proxies in order of date, per customer one after another. However slow the machine is,
 * somebody uses the shop until the last purchase: customers who may not buy yet look at what they have bought.
 */
export function startTraffic(
  { live }: Pick<Input, 'live'>,
  bases: readonly string[],
  { seconds, signal: stop, visit = shop, patience = 60_000, upTo = 1 }: Replay,
): LiveTraffic {
  const tally = new ShoppingTally();
  const dispatcher = new Agent({ connections: CUSTOMERS_AT_A_TIME, pipelining: 1 });
  const clients = new Map<number, Customer>();
  const busy = new Map<number, Promise<void>>();
  const total = live.length;
  const gap = (seconds * 1_000) / total;
  let due = Date.now() - gap;
  let next = 0;
  let failure: Error | undefined;

  const clientOf = (customer: number): Customer => {
    let client = clients.get(customer);
    if (!client) {
      client = new Customer(customer, bases[customer % bases.length]!, { dispatcher, tally, patience, signal: stop });
      clients.set(customer, client);
    }
    return client;
  };
  const worker = async (): Promise<void> => {
    while (next < total && !stop.aborted && !failure) {
      const at = next++;
      while (at / total >= upTo && !stop.aborted && !failure) {
        if (at >= CUSTOMERS_AT_A_TIME) await lookAround(clientOf(live[at - CUSTOMERS_AT_A_TIME]!.customer));
        await sleep(POLL_MS);
      }
      due = Math.max(due + gap, Date.now());
      await sleep(due - Date.now());
      if (stop.aborted) return;
      const purchase = live[at]!;
      const before = busy.get(purchase.customer) ?? Promise.resolve();
      const turn = before.then(() => visit(clientOf(purchase.customer), purchase, tally));
      busy.set(
        purchase.customer,
        turn.catch(() => {}),
      );
      await turn;
    }
  };
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {}); // whoever waits gets the error
  const workers = Array.from({ length: CUSTOMERS_AT_A_TIME }, () =>
    worker().catch((error: Error) => {
      failure ??= error;
      failed.reject(error);
    }),
  );
  const done = Promise.all(workers).then(async () => {
    await dispatcher.close();
    if (failure) throw failure;
  });
  done.catch(() => {}); // whoever waits gets the error
  const share = () => tally.acknowledged.size / total;
  return {
    tally,
    share,
    failed: failed.promise,
    open: (share) => {
      upTo = share;
    },
    reached: async (wanted) => {
      while (share() < wanted) {
        if (failure) throw failure;
        if (stop.aborted) throw new Error('stopped');
        await sleep(20);
      }
    },
    done,
  };
}

/**
 * Buys; a fixed tenth reads the order back at once and lists orders, a fixed twentieth cancels, another tenth reads
 * notifications and marks one read.
 */
async function shop(client: Customer, purchase: Purchase, tally: ShoppingTally): Promise<void> {
  const { number, key, product } = purchase;
  const wanted = { items: [{ productId: product.id, quantity: 1 }] };
  const order = (await client.ask('POST', '/api/orders', [200, 201], wanted, key)) as Order;
  tally.acknowledged.add(key);
  if (number % 10 === 3) {
    const again = (await client.ask('GET', `/api/orders/${order.id}`, [200])) as Order;
    if (again.total !== order.total) tally.failed(`order ${order.id} reads ${again.total} after ${order.total}`);
    const { orders } = (await client.ask('GET', '/api/orders', [200])) as { orders: Order[] };
    if (!orders.some(({ id }) => id === order.id)) tally.failed(`order ${order.id} is missing from its owner’s list`);
  }
  if (number % 20 === 7) {
    await client.ask('POST', `/api/orders/${order.id}/cancel`, [200], {});
    tally.cancelled.add(key);
  }
  if (number % 10 === 5) {
    const { notifications } = (await client.ask('GET', '/api/notifications', [200])) as { notifications: Order[] };
    const newest = notifications[0];
    // The purchase has made it on the monolith; if this customer is moved just now, the service gets it a moment later.
    if (newest) await client.askForNew('POST', `/api/notifications/${newest.id}/read`, [200], {});
  }
}

/** Reads notifications and orders, and the newest order alone. */
async function lookAround(client: Customer): Promise<void> {
  await client.ask('GET', '/api/notifications', [200]);
  const { orders } = (await client.ask('GET', '/api/orders', [200])) as { orders: Order[] };
  if (orders[0]) await client.ask('GET', `/api/orders/${orders[0].id}`, [200]);
}
