import type { Statements } from '../database.ts';
import { gatewayDeclines } from './gateway.ts';
import type { Purchase } from './reservation.ts';

export interface PaymentRow {
  id: number | string;
  amount: string;
  status: 'captured' | 'declined' | 'refunded';
  attempt: string;
}

/** Locks the purchase's payment row, if there is one. */
export const lockPayment = async (tx: Statements, { userId, key }: Purchase): Promise<PaymentRow | undefined> => {
  const [row] = await tx.rows<PaymentRow>(
    `SELECT id, amount, status, attempt FROM payments
     WHERE user_id = :userId AND idempotency_key = :key FOR UPDATE`,
    { userId, key },
  );
  return row;
};

/**
 * Captures the amount at most once for a purchase: one captured already stays captured (at the amount now claimed) and
 * only changes its claimant; one declined or refunded is tried again.
 */
export const claimPayment = async (
  tx: Statements,
  purchase: Purchase,
  claim: { attempt: string; amount: string; card: string | undefined; now: Date },
): Promise<PaymentRow> => {
  const existing = await lockPayment(tx, purchase);
  const { attempt, amount, card, now } = claim;
  const declined = existing?.status !== 'captured' && gatewayDeclines(amount, card);
  const status = declined ? 'declined' : 'captured';
  if (existing) {
    await tx.run(
      `UPDATE payments SET status = :status, amount = :amount, attempt = :attempt, updated_at = :now WHERE id = :id`,
      { id: existing.id, status, amount, attempt, now },
    );
    return { id: existing.id, status, amount, attempt };
  }
  const id = await tx.insert(
    `INSERT INTO payments (user_id, idempotency_key, amount, status, attempt, created_at, updated_at)
     VALUES (:userId, :key, :amount, :status, :attempt, :now, :now)`,
    { ...purchase, amount, status, attempt, now },
  );
  return { id, status, amount, attempt };
};

/** Refunds a captured payment, once, and records who did; one declined or refunded already stays as it is. */
export const refund = async (tx: Statements, payment: PaymentRow | undefined, attempt: string, now: Date) => {
  if (payment?.status !== 'captured') return;
  await tx.run(`UPDATE payments SET status = 'refunded', attempt = :attempt, updated_at = :now WHERE id = :id`, {
    id: payment.id,
    attempt,
    now,
  });
};
