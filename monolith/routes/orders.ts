import { Router } from 'express';
import type { Sequelize } from 'sequelize';
import { statements } from '../database.ts';
import { beforeOf, idInPath, limitOf, mistakes, pageOf } from '../http/fields.ts';
import { notFound } from '../http/http-error.ts';
import { userOf } from '../identity.ts';
import { cancelOrder } from '../orders/cancel.ts';
import { findOrder, listOrders, withItems } from '../orders/order.ts';
import { parseOrderRequest } from '../orders/order-request.ts';
import { placeOrder } from '../orders/place.ts';

export const ordersRoutes = (sequelize: Sequelize): Router => {
  const db = statements(sequelize);
  const router = Router();

  router.post('/', async (request, response) => {
    const asked = parseOrderRequest(request.body, request.get('idempotency-key'));
    const { order, replayed } = await placeOrder(sequelize, userOf(response), asked);
    if (replayed) response.set('Idempotent-Replayed', 'true');
    response.status(replayed ? 200 : 201).json(order);
  });

  router.get('/', async (request, response) => {
    const found = mistakes();
    const limit = limitOf(request.query, found);
    const before = beforeOf(request.query, found);
    found.refuse();
    const { page, next } = pageOf(await listOrders(db, userOf(response), before, limit + 1), limit);
    response.json({ orders: await withItems(db, page), next });
  });

  router.get('/:id', async (request, response) => {
    const row = await findOrder(db, userOf(response), idInPath(request.params.id, 'order'));
    if (!row) throw notFound('order');
    const [order] = await withItems(db, [row]);
    response.json(order);
  });

  router.post('/:id/cancel', async (request, response) => {
    response.json(await cancelOrder(sequelize, userOf(response), idInPath(request.params.id, 'order')));
  });

  return router;
};
