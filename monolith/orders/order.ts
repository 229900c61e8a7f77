import type { Statements } from '../database.ts';
import type { Cursor } from '../http/fields.ts';

export interface OrderRow {
  id: number | string;
  idempotency_key: string | null;
  status: 'placed' | 'cancelled';
  total: string;
  created_at: Date;
  updated_at: Date;
}

export interface ItemRow {
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
export const withItems = async (db: Statements, rows: readonly OrderRow[]): Promise<Order[]> => {
  if (rows.length === 0) return [];
  const items = await db.rows<ItemRow>(
    'SELECT order_id, product_id, quantity, unit_price FROM order_items WHERE order_id IN (:ids) ORDER BY id',
    { ids: rows.map((row) => row.id) },
  );
  const byOrder = Map.groupBy(items, (item) => item.order_id);
  return rows.map((row) => toOrder(row, byOrder.get(row.id) ?? []));
};

/** The user's order of that id, or undefined; locked until the transaction ends if asked. */
export const findOrder = async (
  db: Statements,
  userId: string,
  id: string,
  { lock = false } = {},
): Promise<OrderRow | undefined> => {
  const [row] = await db.rows<OrderRow>(
    `SELECT ${COLUMNS} FROM orders WHERE id = :id AND user_id = :userId ${lock ? 'FOR UPDATE' : ''}`,
    { id, userId },
  );
  return row;
};

/** The order the user placed with that idempotency key, or undefined. */
export const findOrderByKey = async (db: Statements, userId: string, key: string): Promise<Order | undefined> => {
  const rows = await db.rows<OrderRow>(
    `SELECT ${COLUMNS} FROM orders WHERE user_id = :userId AND idempotency_key = :key`,
    { userId, key },
  );
  return (await withItems(db, rows))[0];
};

/** The user's orders, newest first: at most `limit` of those before the cursor. */
export const listOrders = (
  db: Statements,
  userId: string,
  before: Cursor | undefined,
  limit: number,
): Promise<OrderRow[]> =>
  db.rows(
    `SELECT ${COLUMNS} FROM orders WHERE user_id = :userId
     ${before ? 'AND (created_at < :createdAt OR (created_at = :createdAt AND id < :id))' : ''}
     ORDER BY created_at DESC, id DESC LIMIT :limit`,
    { userId, limit, ...before },
  );
