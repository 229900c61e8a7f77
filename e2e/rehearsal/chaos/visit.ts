import { setTimeout as sleep } from 'node:timers/promises';
import type { Customer } from '../customer.ts';
import type { Visit } from '../traffic.ts';

type Order = { readonly id: number };

/** How long a customer looks for an order that is not there yet, in milliseconds. */
const TIMEOUT_MS = 120_000;

/**
 * Buys; a fixed tenth looks for the order, a fixed twentieth cancels it. A rollback by force may overtake an order: it
 * is not there for a moment, and whoever looks again finds it.
 */
export const visit =
  (bought: (purchase: Parameters<Visit>[1]) => void): Visit =>
  async (client, purchase, tally) => {
    const { number, key, product } = purchase;
    const wanted = { items: [{ productId: product.id, quantity: 1 }] };
    const { id } = (await client.ask('POST', '/api/orders', [200, 201], wanted, key)) as Order;
    tally.acknowledged.add(key);
    bought(purchase);
    if (number % 10 === 3 && !(await insist(client, 'GET', `/api/orders/${id}`)))
      tally.failed(`order ${id} could not be read for ${TIMEOUT_MS / 1_000} s`);
    if (number % 20 !== 7) return;
    if (await insist(client, 'POST', `/api/orders/${id}/cancel`)) tally.cancelled.add(key);
    else tally.failed(`order ${id} could not be cancelled for ${TIMEOUT_MS / 1_000} s`);
  };

/** Asks for an order until it is there; false if it never is. */
async function insist(client: Customer, method: 'GET' | 'POST', path: string): Promise<boolean> {
  for (const deadline = Date.now() + TIMEOUT_MS; Date.now() < deadline; await sleep(100)) {
    const order = (await client.ask(method, path, [200, 404], method === 'POST' ? {} : undefined)) as Partial<Order>;
    if (order.id !== undefined) return true;
  }
  return false;
}
