import type pg from 'pg';
import type { Cursor } from './http/fields.ts';

/** Whose purchase it is: side effects belong to the user and the idempotency key, on this side and the monolith's. */
export interface Purchase {
  userId: string;
  key: string;
}

export interface OrderRow {
  id: number | string;
  idempotency_key: string | null;
  status: 'placed' | 'cancelled';
  total: string;
  created_at: Date;
  updated_at: Date;
}

interface ItemRow {
  order_id: number | string;
  product_id: number;
  quantity: number;
  unit_price: string;
}

/** An order as the API answers it. */
export interface Order {
  id: number | string;
  status: 'placed' | 'cancelled';
  idempotencyKey: string | null;
  total: string;
  createdAt: string;
  updatedAt: string;
  items: { productId: number; quantity: number; unitPrice: string }[];
}

const COLUMNS = 'id, idempotency_key, status, total, created_at, updated_at';

const toOrder = (row: OrderRow, items: readonly ItemRow[]): Order => ({
  id: row.id,
  status: row.status,
  idempotencyKey: row.idempotency_key,
  total: row.total,
  createdAt: row.created_at.toISOString(),
  updatedAt: row.updated_at.toISOString(),
  items: items.map((item) => ({
    productId: item.product_id,
    quantity: item.quantity,
    unitPrice: item.unit_price,
  })),
});

/** Reads the items of the orders, in the order they were placed. */
export const withItems = async (pool: pg.Pool, rows: readonly OrderRow[]): Promise<Order[]> => {
  if (rows.length === 0) return [];
  const { rows: items } = await pool.query<ItemRow>({
    name: 'items',
    text: 'SELECT order_id, product_id, quantity, unit_price FROM order_items WHERE order_id = ANY($1) ORDER BY id',
    values: [rows.map((row) => row.id)],
  });
  const byOrder = Map.groupBy(items, (item) => item.order_id);
  return rows.map((row) => toOrder(row, byOrder.get(row.id) ?? []));
};

/** The user's order of that id, or undefined. */
export const findOrder = async (pool: pg.Pool, userId: string, id: string): Promise<Order | undefined> => {
  const { rows } = await pool.query<OrderRow>({
    name: 'order',
    text: `SELECT ${COLUMNS} FROM orders WHERE id = $1 AND user_id = $2`,
    values: [id, userId],
  });
  return (await withItems(pool, rows))[0];
};

/** The order of that purchase, or undefined. */
export const findOrderByKey = async (pool: pg.Pool, { userId, key }: Purchase): Promise<Order | undefined> => {
  const { rows } = await pool.query<OrderRow>({
    name: 'order-by-key',
    text: `SELECT ${COLUMNS} FROM orders WHERE user_id = $1 AND idempotency_key = $2`,
    values: [userId, key],
  });
  return (await withItems(pool, rows))[0];
};

/** The user's orders, newest first: at most `limit` of those before the cursor. */
export const listOrders = async (
  pool: pg.Pool,
  userId: string,
  before: Cursor | undefined,
  limit: number,
): Promise<OrderRow[]> => {
  const { rows } = await pool.query<OrderRow>(
    `SELECT ${COLUMNS} FROM orders WHERE user_id = $1 ${before ? 'AND (created_at, id) < ($3, $4)' : ''}
     ORDER BY created_at DESC, id DESC LIMIT $2`,
    before ? [userId, limit, before.createdAt, before.id] : [userId, limit],
  );
  return rows;
};
