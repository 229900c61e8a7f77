import { Router } from 'express';
import type pg from 'pg';
import type { Writing } from './database.ts';
import { beforeOf, idInPath, limitOf, mistakes, pageOf } from './http/fields.ts';
import { notFound } from './http/http-error.ts';
import { userOf } from './identity.ts';
import type { MonolithClient } from './monolith-client.ts';
import { findOrder, listOrders, withItems } from './order.ts';
import { parseOrderRequest } from './order-request.ts';
import { cancelOrder } from './saga/cancel.ts';
import { createSaga } from './saga/place.ts';

/** The monolith's order API, answer for answer. */
export const ordersRoutes = (pool: pg.Pool, writing: Writing, monolith: MonolithClient): Router => {
  const saga = createSaga(pool, writing, monolith);
  const router = Router();

  router.post('/', async (request, response) => {
    const asked = parseOrderRequest(request.body, request.get('idempotency-key'));
    const { order, replayed } = await saga.place(userOf(response), asked, response.locals.requestId);
    if (replayed) response.set('Idempotent-Replayed', 'true');
    response.status(replayed ? 200 : 201).json(order);
  });

  router.get('/', async (request, response) => {
    const found = mistakes();
    const limit = limitOf(request.query, found);
    const before = beforeOf(request.query, found);
    found.refuse();
    const { page, next } = pageOf(await listOrders(pool, userOf(response), before, limit + 1), limit);
    response.json({ orders: await withItems(pool, page), next });
  });

  router.get('/:id', async (request, response) => {
    const order = await findOrder(pool, userOf(response), idInPath(request.params.id, 'order'));
    if (!order) throw notFound('order');
    response.json(order);
  });

  router.post('/:id/cancel', async (request, response) => {
    response.json(await cancelOrder(pool, writing, monolith, userOf(response), idInPath(request.params.id, 'order')));
  });

  return router;
};
