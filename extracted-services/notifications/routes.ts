import { Router } from 'express';
import type pg from 'pg';
import { beforeOf, idInPath, limitOf, mistakes, pageOf } from './http/fields.ts';
import { notFound } from './http/http-error.ts';
import { userOf } from './identity.ts';
import { listNotifications, markRead, toNotification } from './notification.ts';

/** The monolith's notification API, answer for answer. */
export const notificationsRoutes = (pool: pg.Pool): Router => {
  const router = Router();

  router.get('/', async (request, response) => {
    const found = mistakes();
    const limit = limitOf(request.query, found);
    const before = beforeOf(request.query, found);
    const unread = request.query.unread === 'true';
    found.refuse();
    const rows = await listNotifications(pool, userOf(response), { before, limit: limit + 1, unread });
    const { page, next } = pageOf(rows, limit);
    response.json({ notifications: page.map(toNotification), next });
  });

  router.post('/:id/read', async (request, response) => {
    const row = await markRead(pool, userOf(response), idInPath(request.params.id, 'notification'), new Date());
    if (!row) throw notFound('notification');
    response.json(toNotification(row));
  });

  return router;
};
