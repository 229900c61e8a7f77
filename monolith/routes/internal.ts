import { type Request, Router } from 'express';
import type { Sequelize } from 'sequelize';
import { claimPayment } from '../claims/payment.ts';
import { hold, lockForClaim, type Purchase, planClaim } from '../claims/reservation.ts';
import { refundFor, refuseIfOrdered, releaseFor, undoForCancel } from '../claims/undo.ts';
import { inTransaction } from '../database.ts';
import { bodyObject, idInPath, type Mistakes, mistakes } from '../http/fields.ts';
import { HttpError } from '../http/http-error.ts';
import { cardOf, itemsOf } from '../orders/order-request.ts';

const purchaseOf = ({ params }: Request, found: Mistakes): Purchase => {
  const key = String(params.key);
  if (!/^[\x21-\x7e]{1,80}$/.test(key)) found.add('key', 'must be 1 to 80 visible ASCII characters');
  return { userId: idInPath(params.userId, 'user'), key };
};

const attemptOf = (fields: Record<string, unknown>, found: Mistakes): string => {
  const attempt = fields.attempt;
  if (typeof attempt === 'string' && /^[\w-]{1,40}$/.test(attempt)) return attempt;
  found.add('attempt', 'must be 1 to 40 letters, digits, _ and -');
  return '';
};

/** For the extracted orders service: claims and their undoing, shared by (user, key) with orders placed here. */
export const internalRoutes = (sequelize: Sequelize): Router => {
  const router = Router();

  router.put('/reservations/:userId/:key', async (request, response) => {
    const fields = bodyObject(request.body);
    const found = mistakes();
    const purchase = purchaseOf(request, found);
    const attempt = attemptOf(fields, found);
    const items = itemsOf(fields.items, found);
    found.refuse();
    const priced = await inTransaction(sequelize, async (tx) => {
      const locked = await lockForClaim(tx, purchase, items);
      await refuseIfOrdered(tx, purchase);
      const plan = planClaim(locked, items);
      await hold(tx, locked, items, attempt, plan.takeStock);
      return plan.priced;
    });
    response.json({ status: 'held', attempt, items: priced });
  });

  router.put('/payments/:userId/:key', async (request, response) => {
    const fields = bodyObject(request.body);
    const found = mistakes();
    const purchase = purchaseOf(request, found);
    const attempt = attemptOf(fields, found);
    const card = cardOf(fields.card, found);
    const amount = String(fields.amount);
    if (!/^\d{1,14}\.\d\d$/.test(amount)) found.add('amount', 'must be a decimal string with two digits');
    found.refuse();
    const payment = await inTransaction(sequelize, async (tx) => {
      await refuseIfOrdered(tx, purchase);
      return claimPayment(tx, purchase, { attempt, amount, card, now: new Date() });
    });
    if (payment.status === 'declined') throw new HttpError(402, 'payment_declined', 'the payment was declined');
    response.json({ status: payment.status, attempt, amount: payment.amount });
  });

  router.post('/reservations/:userId/:key/release', async (request, response) => {
    const { purchase, attempt } = undoingOf(request);
    await inTransaction(sequelize, (tx) => releaseFor(tx, purchase, attempt));
    response.json({ status: 'released', attempt });
  });

  router.post('/payments/:userId/:key/refund', async (request, response) => {
    const { purchase, attempt } = undoingOf(request);
    await inTransaction(sequelize, (tx) => refundFor(tx, purchase, attempt, new Date()));
    response.json({ status: 'refunded', attempt });
  });

  router.post('/cancellations/:userId/:key', async (request, response) => {
    const { purchase, attempt } = undoingOf(request);
    await inTransaction(sequelize, (tx) => undoForCancel(tx, purchase, attempt, new Date()));
    response.json({ status: 'cancelled', attempt });
  });

  return router;
};

const undoingOf = (request: Request): { purchase: Purchase; attempt: string } => {
  const fields = bodyObject(request.body);
  const found = mistakes();
  const undoing = { purchase: purchaseOf(request, found), attempt: attemptOf(fields, found) };
  found.refuse();
  return undoing;
};
