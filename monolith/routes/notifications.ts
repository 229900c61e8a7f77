import { Router } from 'express';
import type { Sequelize } from 'sequelize';
import { statements } from '../database.ts';
import { beforeOf, idInPath, limitOf, mistakes, pageOf } from '../http/fields.ts';
import { notFound } from '../http/http-error.ts';
import { userOf } from '../identity.ts';
import { listNotifications, markRead, toNotification } from '../notifications/notification.ts';

export const notificationsRoutes = (sequelize: Sequelize): Router => {
  const db = statements(sequelize);
  const router = Router();

  router.get('/', async (request, response) => {
    const found = mistakes();
    const limit = limitOf(request.query, found);
    const before = beforeOf(request.query, found);
    const unread = request.query.unread === 'true';
    found.refuse();
    const rows = await listNotifications(db, userOf(response), { before, limit: limit + 1, unread });
    const { page, next } = pageOf(rows, limit);
    response.json({ notifications: page.map(toNotification), next });
  });

  router.post('/:id/read', async (request, response) => {
    const row = await markRead(db, userOf(response), idInPath(request.params.id, 'notification'), new Date());
    if (!row) throw notFound('notification');
    response.json(toNotification(row));
  });

  return router;
};
