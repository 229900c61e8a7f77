import { Router } from 'express';
import type { Sequelize } from 'sequelize';
import { statements } from '../database.ts';
import { beforeOf, limitOf, mistakes, pageOf } from '../http/fields.ts';
import { userOf } from '../identity.ts';

interface PaymentRow {
  id: number | string;
  idempotency_key: string;
  amount: string;
  status: string;
  created_at: Date;
  updated_at: Date;
}

export const paymentsRoutes = (sequelize: Sequelize): Router => {
  const db = statements(sequelize);
  const router = Router();

  router.get('/', async (request, response) => {
    const found = mistakes();
    const limit = limitOf(request.query, found);
    const before = beforeOf(request.query, found);
    found.refuse();
    const rows = await db.rows<PaymentRow>(
      `SELECT id, idempotency_key, amount, status, created_at, updated_at FROM payments WHERE user_id = :userId
       ${before ? 'AND (created_at < :createdAt OR (created_at = :createdAt AND id < :id))' : ''}
       ORDER BY created_at DESC, id DESC LIMIT :limit`,
      { userId: userOf(response), limit: limit + 1, ...before },
    );
    const { page, next } = pageOf(rows, limit);
    const payments = page.map((row) => ({
      id: row.id,
      idempotencyKey: row.idempotency_key,
      amount: row.amount,
      status: row.status,
      createdAt: row.created_at.toISOString(),
      updatedAt: row.updated_at.toISOString(),
    }));
    response.json({ payments, next });
  });

  return router;
};
