import { randomUUID } from 'node:crypto';
import type { Sequelize } from 'sequelize';
import { claimPayment } from '../claims/payment.ts';
import { hold, keyReused, lockForClaim, type PricedItem, planClaim } from '../claims/reservation.ts';
import { inTransaction, type Statements } from '../database.ts';
import { HttpError } from '../http/http-error.ts';
import { totalOf } from '../money.ts';
import { orderPlaced } from '../notifications/order-placed.ts';
import { findOrderByKey, type Order } from './order.ts';
import { type OrderRequest, sameItems } from './order-request.ts';

export interface Placed {
  order: Order;
  /** True if the key had been used for the same order before: nothing was done this time. */
  replayed: boolean;
}

/**
 * Places an order in one transaction: stock, payment, order, items and notification, or none of them. Whatever an
 * earlier attempt with the same key has reserved or paid already is claimed, not taken again. Only a declined payment
 * leaves its row behind. Errors: 402, 404, 409 out_of_stock, 422.
 */
export const placeOrder = async (sequelize: Sequelize, userId: string, request: OrderRequest): Promise<Placed> => {
  const placed = await inTransaction(sequelize, (tx) => place(tx, userId, request));
  if (placed) return placed;
  throw new HttpError(402, 'payment_declined', 'the payment was declined');
};

const place = async (tx: Statements, userId: string, request: OrderRequest): Promise<Placed | undefined> => {
  const { items, card, key } = request;
  const purchase = { userId, key };
  const attempt = randomUUID();
  const now = new Date();
  const locked = await lockForClaim(tx, purchase, items);
  const existing = await findOrderByKey(tx, userId, key);
  if (existing) return replay(existing, request);
  const { priced, takeStock } = planClaim(locked, items);
  const total = totalOf(priced);
  const payment = await claimPayment(tx, purchase, { attempt, amount: total, card, now });
  if (payment.status === 'declined') return undefined;
  await hold(tx, locked, items, attempt, takeStock);
  const order = await insertOrder(tx, userId, key, priced, total, now);
  await insertNotification(tx, userId, key, orderPlaced(items, total), now);
  return { order, replayed: false };
};

/** The order placed before with this key; 422 if it is of other items. */
const replay = (order: Order, { items }: OrderRequest): Placed => {
  if (!sameItems(order.items, items)) throw keyReused();
  return { order, replayed: true };
};

const insertOrder = async (
  tx: Statements,
  userId: string,
  key: string,
  items: readonly PricedItem[],
  total: string,
  now: Date,
): Promise<Order> => {
  const id = await tx.insert(
    `INSERT INTO orders (user_id, idempotency_key, status, total, created_at, updated_at)
     VALUES (:userId, :key, 'placed', :total, :now, :now)`,
    { userId, key, total, now },
  );
  await tx.run('INSERT INTO order_items (order_id, product_id, quantity, unit_price) VALUES :rows', {
    rows: items.map((item) => [id, item.productId, item.quantity, item.unitPrice]),
  });
  return {
    id,
    status: 'placed',
    idempotencyKey: key,
    total,
    createdAt: now.toISOString(),
    updatedAt: now.toISOString(),
    items: items.map(({ productId, quantity, unitPrice }) => ({ productId, quantity, unitPrice })),
  };
};

const insertNotification = (
  tx: Statements,
  userId: string,
  reference: string,
  { kind, title, body }: ReturnType<typeof orderPlaced>,
  now: Date,
): Promise<void> =>
  tx.run(
    `INSERT INTO notifications (user_id, kind, reference, title, body, created_at)
     SELECT :userId, :kind, :reference, :title, :body, :now FROM DUAL WHERE NOT EXISTS
       (SELECT 1 FROM notifications WHERE user_id = :userId AND kind = :kind AND reference = :reference)`,
    { userId, kind, reference, title, body, now },
  );
