import { type Client, clientOf, type Reply, type Shop, send, startShop } from '@example/monolith/testing';
import { createDatabase, type Database, masker } from '@example/orders/testing';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import { createApp, type NotificationsService } from './app.ts';
import { type Listening, listen } from './http/listen.ts';
import { migrate } from './migrate.ts';

// The same cases, in the same order, against the monolith and the service, over the same rows.

let shop: Shop;
let database: Database;
let service: NotificationsService;
let listening: Listening;

beforeAll(async () => {
  const { mysql, postgres } = await servers();
  shop = await startShop(mysql);
  database = await createDatabase(postgres, 'notifications', migrate);
  service = createApp({ databaseUrl: database.url, jwtSecret: shop.jwtSecret });
  listening = await listen(service.app, 0, '127.0.0.1');
  // Ids out of the order of time, as rows born on two sides have them; two at the same millisecond.
  const rows = [
    [12, 1, 3, null],
    [15, 1, 1, null],
    [11, 1, 2, new Date('1998-02-01T00:00:00.000Z')],
    [14, 1, 2, null],
    [17, 3, 9, null],
  ] as const;
  for (const [id, userId, second, readAt] of rows) {
    const createdAt = new Date(Date.UTC(1998, 0, 1, 0, 0, second, 7));
    const values = [id, userId, 'order_placed', `k${id}`, 'Order placed', 'Thank you.', readAt, createdAt];
    const insert = (parameters: string) =>
      `INSERT INTO notifications (id, user_id, kind, reference, title, body, read_at, created_at) VALUES (${parameters})`;
    await shop.sql(insert('?, ?, ?, ?, ?, ?, ?, ?'), values);
    await database.sql(insert('$1, $2, $3, $4, $5, $6, $7, $8'), values);
  }
});
afterAll(async () => {
  await listening.stop();
  await service.stop();
  await database.drop();
  await shop.stop();
});

interface Side {
  url: string;
  ann: Client;
}

const cases: [title: string, ask: (side: Side) => Promise<Reply>][] = [
  ['the list', ({ ann }) => ann('GET', '/api/notifications')],
  ['the unread', ({ ann }) => ann('GET', '/api/notifications?unread=true')],
  ['those read or not', ({ ann }) => ann('GET', '/api/notifications?unread=false')],
  ['the newest page', ({ ann }) => ann('GET', '/api/notifications?limit=2')],
  ['the page after it', ({ ann }) => ann('GET', '/api/notifications?limit=2&before=1998-01-01T00:00:02.007Z_14')],
  ['one marked read', ({ ann }) => ann('POST', '/api/notifications/15/read')],
  ['the same marked read again', ({ ann }) => ann('POST', '/api/notifications/15/read')],
  ['one read long ago', ({ ann }) => ann('POST', '/api/notifications/11/read')],
  ['what is left unread', ({ ann }) => ann('GET', '/api/notifications?unread=true&limit=1')],
  ["somebody else's", ({ ann }) => ann('POST', '/api/notifications/17/read')],
  ['one that does not exist', ({ ann }) => ann('POST', '/api/notifications/999/read')],
  ['an id that cannot be', ({ ann }) => ann('POST', '/api/notifications/x/read')],
  ['a wrong limit and a wrong cursor', ({ ann }) => ann('GET', '/api/notifications?limit=201&before=2')],
  ['a body that is not JSON', ({ ann }) => ann('POST', '/api/notifications/15/read', '{')],
  ['no token', ({ url }) => send(url, 'GET', '/api/notifications')],
  ['a path that is none', ({ ann }) => ann('GET', '/api/notifications/15')],
  ['the health', ({ url }) => send(url, 'GET', '/health')],
];

test('the service answers what the monolith answers, case for case', async () => {
  const sides: Side[] = [shop.url, listening.url].map((url) => ({ url, ann: clientOf(url, 1, shop.jwtSecret) }));
  const masks = sides.map(() => masker());
  for (const [title, ask] of cases) {
    const [monolith, answered] = await Promise.all(sides.map(async (side, at) => masks[at]!(await ask(side))));
    expect({ title, answer: answered }).toEqual({ title, answer: monolith });
    expect(monolith!.status).toBeLessThan(500);
  }
});
