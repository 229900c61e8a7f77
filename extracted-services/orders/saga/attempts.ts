import type pg from 'pg';
import type { Queries } from '../database.ts';
import type { PricedItem } from '../monolith-client.ts';
import type { Purchase } from '../order.ts';

/** An attempt that has not come to its end: nothing of it placed, or something of it still to be undone. */
export interface Attempt extends Purchase {
  attempt: string;
}

/** Records an attempt before its first claim; false, and nothing recorded, if the purchase has its order already. */
export const beginAttempt = async (db: Queries, { attempt, userId, key }: Attempt): Promise<boolean> => {
  const { rowCount } = await db.query({
    name: 'begin-attempt',
    text: `INSERT INTO order_attempts (attempt, user_id, idempotency_key, state)
           SELECT $1::uuid, $2::bigint, $3::varchar, 'open'
           WHERE NOT EXISTS (SELECT 1 FROM orders WHERE user_id = $2::bigint AND idempotency_key = $3::varchar)`,
    values: [attempt, userId, key],
  });
  return rowCount === 1;
};

/**
 * Places the order, its items and its event, and ends the attempt, all at once. Answers the order's id; undefined, and
 * nothing changed, if the purchase has its order already or the attempt is being undone.
 */
export const finishAttempt = async (
  db: Queries,
  attempt: string,
  { items, total, now }: { items: readonly PricedItem[]; total: string; now: Date },
): Promise<number | string | undefined> => {
  const quantity = items.reduce((sum, item) => sum + item.quantity, 0);
  const { rows } = await db.query<{ id: number | string }>({
    name: 'finish-attempt',
    text: `
      WITH mine AS (
        SELECT user_id, idempotency_key FROM order_attempts WHERE attempt = $1::uuid AND state = 'open' FOR UPDATE
      ), placed AS (
        INSERT INTO orders (user_id, idempotency_key, status, total, created_at, updated_at)
        SELECT user_id, idempotency_key, 'placed', $2::numeric, $3::timestamptz, $3::timestamptz FROM mine
        ON CONFLICT (user_id, idempotency_key) DO NOTHING
        RETURNING id, user_id, idempotency_key
      ), lines AS (
        INSERT INTO order_items (order_id, product_id, quantity, unit_price)
        SELECT placed.id, line.product_id, line.quantity, line.unit_price
        FROM placed, unnest($4::bigint[], $5::int[], $6::numeric[]) WITH ORDINALITY
          AS line (product_id, quantity, unit_price, position)
        ORDER BY position
      ), event AS (
        INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload)
        SELECT $1::uuid, 'order', user_id, 'order_placed',
          $7::jsonb || jsonb_build_object('orderId', id, 'userId', user_id, 'key', idempotency_key)
        FROM placed
      ), ended AS (
        DELETE FROM order_attempts WHERE attempt = $1::uuid AND EXISTS (SELECT 1 FROM placed)
      )
      SELECT id FROM placed`,
    values: [
      attempt,
      total,
      now,
      items.map((item) => item.productId),
      items.map((item) => item.quantity),
      items.map((item) => item.unitPrice),
      JSON.stringify({ quantity, total, createdAt: now.toISOString() }),
    ],
  });
  return rows[0]?.id;
};

/** Forgets an attempt that holds nothing (any more). */
export const forgetAttempt = async (pool: pg.Pool, attempt: string): Promise<void> => {
  await pool.query({
    name: 'forget-attempt',
    text: 'DELETE FROM order_attempts WHERE attempt = $1',
    values: [attempt],
  });
};

/** From now on the attempt can only be undone. */
export const abandonAttempt = async (pool: pg.Pool, attempt: string): Promise<void> => {
  await pool.query("UPDATE order_attempts SET state = 'undoing' WHERE attempt = $1", [attempt]);
};

const toAttempt = (row: { attempt: string; user_id: number | string; idempotency_key: string }): Attempt => ({
  attempt: row.attempt,
  userId: String(row.user_id),
  key: row.idempotency_key,
});

/** Takes attempts left behind by a crash (`open` for longer than `afterMs`) or by a failed undoing, to be undone. */
export const takeAbandoned = async (pool: pg.Pool, afterMs: number): Promise<Attempt[]> => {
  const { rows } = await pool.query(
    `UPDATE order_attempts SET state = 'undoing'
     WHERE attempt IN (
       SELECT attempt FROM order_attempts
       WHERE state = 'undoing' OR started_at <= now() - $1 * interval '1 millisecond'
       ORDER BY started_at LIMIT 100)
     RETURNING attempt, user_id, idempotency_key`,
    [afterMs],
  );
  return rows.map(toAttempt);
};

/** What of a purchase is still to be undone. */
export const undoingOf = async (pool: pg.Pool, { userId, key }: Purchase): Promise<Attempt[]> => {
  const { rows } = await pool.query(
    `SELECT attempt, user_id, idempotency_key FROM order_attempts
     WHERE user_id = $1 AND idempotency_key = $2 AND state = 'undoing'`,
    [userId, key],
  );
  return rows.map(toAttempt);
};
