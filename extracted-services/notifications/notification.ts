import type pg from 'pg';
import type { Queries } from './database.ts';
import type { Cursor } from './http/fields.ts';

export interface NotificationRow {
  id: number | string;
  kind: string;
  reference: string;
  title: string;
  body: string;
  read_at: Date | null;
  created_at: Date;
}

const COLUMNS = 'id, kind, reference, title, body, read_at, created_at';

/** A notification as the API answers it. */
export const toNotification = (row: NotificationRow) => ({
  id: row.id,
  kind: row.kind,
  reference: row.reference,
  title: row.title,
  body: row.body,
  readAt: row.read_at?.toISOString() ?? null,
  createdAt: row.created_at.toISOString(),
});

/** The user's notifications, newest first: at most `limit` of those before the cursor, only unread ones if asked. */
export const listNotifications = async (
  pool: pg.Pool,
  userId: string,
  { before, limit, unread }: { before: Cursor | undefined; limit: number; unread: boolean },
): Promise<NotificationRow[]> => {
  const { rows } = await pool.query<NotificationRow>(
    `SELECT ${COLUMNS} FROM notifications WHERE user_id = $1 ${unread ? 'AND read_at IS NULL' : ''}
     ${before ? 'AND (created_at, id) < ($3, $4)' : ''}
     ORDER BY created_at DESC, id DESC LIMIT $2`,
    before ? [userId, limit, before.createdAt, before.id] : [userId, limit],
  );
  return rows;
};

/** Marks the user's notification read, once, and answers it; undefined if there is none of that id. */
export const markRead = async (
  db: Queries,
  userId: string,
  id: string,
  now: Date,
): Promise<NotificationRow | undefined> => {
  await db.query('UPDATE notifications SET read_at = $3 WHERE id = $1 AND user_id = $2 AND read_at IS NULL', [
    id,
    userId,
    now,
  ]);
  const { rows } = await db.query<NotificationRow>(
    `SELECT ${COLUMNS} FROM notifications WHERE id = $1 AND user_id = $2`,
    [id, userId],
  );
  return rows[0];
};
