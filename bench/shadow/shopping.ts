import type { Client, Shop } from '@example/monolith/testing';
import { clientOf } from '@example/monolith/testing';

const USERS = 60;
/** Users who do something at the same time. */
const AT_A_TIME = 6;
const PRODUCTS = 20;

/** Customers of a shop until they are stopped. */
export type Shopping = {
  readonly done: { readonly purchases: number };
  /** Throws if a customer was answered wrongly. */
  readonly check: () => void;
  /** Ends it, and waits for what is under way; safe to call twice. */
  readonly stop: () => Promise<void>;
};

/** Customers buy and read through a proxy at `url`, several at a time, also the same one: a read meets writes. */
export async function shopping(shop: Shop, url: string): Promise<Shopping> {
  const products: number[] = [];
  for (let nth = 0; nth < PRODUCTS; nth++) {
    products.push(await shop.addProduct({ price: `${nth + 5}.90`, stock: 1_000_000 }));
  }
  await shop.sql('INSERT INTO users (id, email, password_hash, name) VALUES ?', [
    Array.from({ length: USERS }, (_, at) => [2 * at + 1, `user${at}@example.test`, '-', `User ${at}`]),
  ]);
  const clients = Array.from({ length: USERS }, (_, at) => clientOf(url, 2 * at + 1, shop.jwtSecret));
  const done = { purchases: 0 };
  let wrong: Error | undefined;
  let stopped = false;
  let next = 0;

  const visit = async (client: Client, nth: number): Promise<void> => {
    const ask: Client = async (...request) => {
      const reply = await client(...request);
      if (reply.status < 300) return reply;
      throw new Error(`${request[0]} ${request[1]} was answered ${reply.status}: ${JSON.stringify(reply.body)}`);
    };
    const items = [{ productId: products[nth % PRODUCTS]!, quantity: 1 + (nth % 3) }];
    const { body: order } = await ask('POST', '/api/orders', { items }, { 'idempotency-key': `aa-${nth}` });
    done.purchases++;
    await ask('GET', `/api/orders/${order.id}`);
    await ask('GET', '/api/orders?limit=20');
    if (nth % 5 === 0) await ask('POST', `/api/orders/${order.id}/cancel`, {});
    const { body } = await ask('GET', '/api/notifications?limit=20');
    if (nth % 3 === 0) await ask('POST', `/api/notifications/${body.notifications[0].id}/read`, {});
    await ask('GET', '/api/notifications?unread=true&limit=20');
    await ask('GET', `/api/orders/${order.id}`);
  };
  const worker = async (): Promise<void> => {
    while (!stopped && !wrong) {
      const nth = next++;
      // Two workers serve the same user now and then.
      await visit(clients[Math.floor(nth / 2) % USERS]!, nth).catch((error: Error) => {
        wrong ??= error;
      });
    }
  };
  const all = Promise.all(Array.from({ length: AT_A_TIME }, worker));
  return {
    done,
    check: () => {
      if (wrong) throw wrong;
    },
    stop: async () => {
      stopped = true;
      await all;
    },
  };
}
