import { randomUUID } from 'node:crypto';
import type { Sequelize } from 'sequelize';
import { undoForCancel } from '../claims/undo.ts';
import { inTransaction } from '../database.ts';
import { notFound } from '../http/http-error.ts';
import { findOrder, type Order, withItems } from './order.ts';

/**
 * Cancels an order in one transaction: stock returned and payment refunded, each once. A cancelled order is answered
 * as it is, after making sure of its effects: a cancel may have begun on another side that died before undoing them.
 */
export const cancelOrder = (sequelize: Sequelize, userId: string, id: string): Promise<Order> =>
  inTransaction(sequelize, async (tx) => {
    const row = await findOrder(tx, userId, id, { lock: true });
    if (!row) throw notFound('order');
    const now = new Date();
    if (row.idempotency_key !== null) await undoForCancel(tx, { userId, key: row.idempotency_key }, randomUUID(), now);
    if (row.status === 'placed') {
      await tx.run("UPDATE orders SET status = 'cancelled', updated_at = :now WHERE id = :id", { id, now });
      Object.assign(row, { status: 'cancelled', updated_at: now });
    }
    const [order] = await withItems(tx, [row]);
    return order!;
  });
