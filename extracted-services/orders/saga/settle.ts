import type pg from 'pg';
import type { MonolithClient } from '../monolith-client.ts';
import { findOrderByKey } from '../order.ts';
import { type Attempt, forgetAttempt } from './attempts.ts';

/**
 * Brings an attempt that placed no order to its end. If the purchase has an order, its claims belong to that order, and
 * are undone only if it is cancelled. If not, the attempt's claims are undone; the monolith refuses where another
 * attempt, here or over there, has claimed them since. Throws 5xx if the monolith's answer did not come: try later.
 */
export const settle = async (pool: pg.Pool, monolith: MonolithClient, attempt: Attempt): Promise<void> => {
  const order = await findOrderByKey(pool, attempt);
  if (order?.status === 'cancelled') await monolith.undoForCancel(attempt, attempt.attempt);
  if (!order) await monolith.undoClaims(attempt, attempt.attempt);
  await forgetAttempt(pool, attempt.attempt);
};
