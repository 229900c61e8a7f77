import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import type { Writing } from '../database.ts';
import { notFound } from '../http/http-error.ts';
import type { MonolithClient } from '../monolith-client.ts';
import { findOrder, type Order } from '../order.ts';
import { undoingOf } from './attempts.ts';
import { settle } from './settle.ts';

/**
 * Cancels an order: the decision and what is still to be undone are one statement, the undoing follows, here or in
 * recovery. Answers once all of it is undone; a cancelled order is answered as it is. 5xx: decided, but repeat to know.
 */
export const cancelOrder = async (
  pool: pg.Pool,
  writing: Writing,
  monolith: MonolithClient,
  userId: string,
  id: string,
): Promise<Order> => {
  const cancel = {
    name: 'cancel',
    text: `
      WITH cancelled AS (
        UPDATE orders SET status = 'cancelled', updated_at = $3::timestamptz
        WHERE id = $1::bigint AND user_id = $2::bigint AND status = 'placed'
        RETURNING user_id, idempotency_key
      )
      INSERT INTO order_attempts (attempt, user_id, idempotency_key, state)
      SELECT $4::uuid, user_id, idempotency_key, 'undoing' FROM cancelled WHERE idempotency_key IS NOT NULL`,
    values: [id, userId, new Date(), randomUUID()],
  };
  await writing((db) => db.query(cancel));
  const order = await findOrder(pool, userId, id);
  if (!order) throw notFound('order');
  if (order.idempotencyKey === null) return order;
  for (const attempt of await undoingOf(pool, { userId, key: order.idempotencyKey }))
    await settle(pool, monolith, attempt);
  return order;
};
