import type { Statements } from '../database.ts';
import { HttpError } from '../http/http-error.ts';
import { lockPayment, refund } from './payment.ts';
import { giveBack, lockReservations, type Purchase } from './reservation.ts';

const staleAttempt = () =>
  new HttpError(409, 'stale_attempt', 'another attempt has claimed this purchase since: nothing to undo for this one');

/** 409 `order_exists`: neither a claim nor a compensation may touch what an order stands on. */
export const refuseIfOrdered = async (tx: Statements, { userId, key }: Purchase): Promise<void> => {
  const found = await tx.rows('SELECT id FROM orders WHERE user_id = :userId AND idempotency_key = :key', {
    userId,
    key,
  });
  if (found.length > 0) throw new HttpError(409, 'order_exists', 'an order was placed with this key already');
};

/** Compensates a reservation for the attempt that holds it; 409 `stale_attempt` for any other, 409 `order_exists`. */
export const releaseFor = async (tx: Statements, purchase: Purchase, attempt: string): Promise<void> => {
  const reservations = await lockReservations(tx, purchase);
  if (reservations.some((row) => row.attempt !== attempt)) throw staleAttempt();
  await refuseIfOrdered(tx, purchase);
  await giveBack(tx, reservations, attempt);
};

/** Compensates a payment for the attempt that made it; refusals as for `releaseFor`. */
export const refundFor = async (tx: Statements, purchase: Purchase, attempt: string, now: Date): Promise<void> => {
  const payment = await lockPayment(tx, purchase);
  if (payment && payment.attempt !== attempt) throw staleAttempt();
  await refuseIfOrdered(tx, purchase);
  await refund(tx, payment, attempt, now);
};

/** A cancelled order's effects, undone for good whoever claimed them last: the stock returns once, the money once. */
export const undoForCancel = async (tx: Statements, purchase: Purchase, attempt: string, now: Date): Promise<void> => {
  await giveBack(tx, await lockReservations(tx, purchase), attempt);
  await refund(tx, await lockPayment(tx, purchase), attempt, now);
};
