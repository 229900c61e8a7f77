import type { Statements } from '../database.ts';
import type { Cursor } from '../http/fields.ts';

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
export const listNotifications = (
  db: Statements,
  userId: string,
  { before, limit, unread }: { before: Cursor | undefined; limit: number; unread: boolean },
): Promise<NotificationRow[]> =>
  db.rows(
    `SELECT ${COLUMNS} FROM notifications WHERE user_id = :userId ${unread ? 'AND read_at IS NULL' : ''}
     ${before ? 'AND (created_at < :createdAt OR (created_at = :createdAt AND id < :id))' : ''}
     ORDER BY created_at DESC, id DESC LIMIT :limit`,
    { userId, limit, ...before },
  );

/** Marks the user's notification read, once, and answers it; undefined if there is none of that id. */
export const markRead = async (
  db: Statements,
  userId: string,
  id: string,
  now: Date,
): Promise<NotificationRow | undefined> => {
  await db.run('UPDATE notifications SET read_at = :now WHERE id = :id AND user_id = :userId AND read_at IS NULL', {
    id,
    userId,
    now,
  });
  const [row] = await db.rows<NotificationRow>(
    `SELECT ${COLUMNS} FROM notifications WHERE id = :id AND user_id = :userId`,
    { id, userId },
  );
  return row;
};
