import { Router } from 'express';
import type pg from 'pg';
import type { Writing } from './database.ts';
import { beforeOf, idInPath, limitOf, mistakes, pageOf } from './http/fields.ts';
import { notFound } from './http/http-error.ts';
import { userOf } from './identity.ts';
import { listNotifications, markRead, toNotification } from './notification.ts';

/** The monolith's notification API, answer for answer. */
export const notificationsRoutes = (pool: pg.Pool, writing: Writing): Router => {
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
    const id = idInPath(request.params.id, 'notification');
    const row = await writing((db) => markRead(db, userOf(response), id, new Date()));
    if (!row) throw notFound('notification');
    response.json(toNotification(row));
  });

  return router;
};
