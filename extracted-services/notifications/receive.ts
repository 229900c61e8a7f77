import type pg from 'pg';
import { type NewNotification, orderPlaced } from './order-placed.ts';

/** An event and where it is in its topic. */
export interface ReceivedEvent {
  topic: string;
  partition: number;
  offset: string;
  value: string | null;
}

const readOrReason = (value: string | null): NewNotification | string => {
  try {
    if (value === null) return 'the event is empty';
    return orderPlaced(value);
  } catch (error) {
    return (error as Error).message;
  }
};

/** Makes the notifications of a batch of events. An event seen before changes nothing; an unreadable one is kept aside. */
export const receive = async (pool: pg.Pool, events: readonly ReceivedEvent[]): Promise<{ unreadable: number }> => {
  const notifications: NewNotification[] = [];
  let unreadable = 0;
  for (const event of events) {
    const read = readOrReason(event.value);
    if (typeof read !== 'string') {
      notifications.push(read);
      continue;
    }
    unreadable++;
    await keepAside(pool, event, read);
  }
  if (notifications.length > 0) await insert(pool, notifications);
  return { unreadable };
};

const insert = (pool: pg.Pool, notifications: readonly NewNotification[]) =>
  pool.query({
    name: 'receive',
    text: `INSERT INTO notifications (user_id, kind, reference, title, body, created_at)
           SELECT * FROM unnest($1::bigint[], $2::varchar[], $3::varchar[], $4::varchar[], $5::varchar[],
             $6::timestamptz[])
           ON CONFLICT (user_id, kind, reference) DO NOTHING`,
    values: [
      notifications.map((n) => n.userId),
      notifications.map((n) => n.kind),
      notifications.map((n) => n.reference),
      notifications.map((n) => n.title),
      notifications.map((n) => n.body),
      notifications.map((n) => n.createdAt),
    ],
  });

const keepAside = (pool: pg.Pool, { topic, partition, offset, value }: ReceivedEvent, reason: string) =>
  pool.query(
    `INSERT INTO unreadable_events (topic, partition, message_offset, value, reason) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT DO NOTHING`,
    [topic, partition, offset, value?.replaceAll('\0', '') ?? null, reason],
  );
