import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { Writing } from '../database.ts';
import { HttpError } from '../http/http-error.ts';
import { totalOf } from '../money.ts';
import type { MonolithClient, PricedItem } from '../monolith-client.ts';
import { findOrderByKey, type Order, type Purchase } from '../order.ts';
import { type OrderRequest, sameItems } from '../order-request.ts';
import { type Attempt, abandonAttempt, beginAttempt, finishAttempt, forgetAttempt } from './attempts.ts';
import { settle } from './settle.ts';

export interface Placed {
  order: Order;
  /** True if the key had been used for the same order before: nothing was done this time. */
  replayed: boolean;
}

/** Places orders as a saga: attempt recorded, stock claimed, payment claimed, order placed; undone if refused. */
export interface Saga {
  /** Errors: 402, 404, 409 out_of_stock, 422; 502, 503, 504 with the outcome unknown: the same key may go on later. */
  place(userId: string, request: OrderRequest, requestId: string): Promise<Placed>;
}

export const createSaga = (pool: pg.Pool, writing: Writing, monolith: MonolithClient): Saga => {
  const claim = async (attempt: Attempt, { items, card }: OrderRequest, requestId: string) => {
    const priced = await claimStock(attempt, items, requestId);
    const total = totalOf(priced);
    try {
      await monolith.claimPayment(attempt, { attempt: attempt.attempt, amount: total, card }, requestId);
    } catch (thrown) {
      if (isRefusal(thrown)) await undo(attempt);
      throw thrown;
    }
    return { items: priced, total };
  };

  const claimStock = async (attempt: Attempt, items: OrderRequest['items'], requestId: string) => {
    try {
      return await monolith.claimStock(attempt, attempt.attempt, items, requestId);
    } catch (thrown) {
      if (isRefusal(thrown)) await forgetAttempt(pool, attempt.attempt);
      throw thrown;
    }
  };

  /** Undoes now what can be undone now; the rest is left to recovery. */
  const undo = async (attempt: Attempt): Promise<void> => {
    await abandonAttempt(pool, attempt.attempt);
    await settle(pool, monolith, attempt).catch(() => {});
  };

  const replay = async (purchase: Purchase, { items }: OrderRequest): Promise<Placed> => {
    const order = await findOrderByKey(pool, purchase);
    // Placed elsewhere and not arrived here yet, or recovery has overtaken a very slow attempt.
    if (!order) throw new HttpError(503, 'unavailable', 'this order is still being settled, try again');
    if (!sameItems(order.items, items)) throw keyReused();
    return { order, replayed: true };
  };

  const place: Saga['place'] = async (userId, request, requestId) => {
    const attempt = { attempt: randomUUID(), userId, key: request.key };
    if (!(await writing((db) => beginAttempt(db, attempt)))) return replay(attempt, request);
    let claimed: { items: PricedItem[]; total: string };
    try {
      claimed = await claim(attempt, request, requestId);
    } catch (thrown) {
      if (thrown instanceof HttpError && thrown.code === 'order_exists') return replay(attempt, request);
      throw thrown;
    }
    const now = new Date();
    const id = await writing((db) => finishAttempt(db, attempt.attempt, { ...claimed, now }));
    if (id !== undefined) return { order: orderOf(id, request.key, claimed, now), replayed: false };
    await settle(pool, monolith, attempt);
    return replay(attempt, request);
  };

  return { place };
};

const isRefusal = (thrown: unknown): boolean => thrown instanceof HttpError && thrown.status < 500;

const keyReused = (): HttpError =>
  new HttpError(422, 'idempotency_key_reused', 'this Idempotency-Key belongs to an order with other items');

const orderOf = (
  id: number | string,
  key: string,
  { items, total }: { items: readonly PricedItem[]; total: string },
  now: Date,
): Order => ({
  id,
  status: 'placed',
  idempotencyKey: key,
  total,
  createdAt: now.toISOString(),
  updatedAt: now.toISOString(),
  items: items.map(({ productId, quantity, unitPrice }) => ({ productId, quantity, unitPrice })),
});
