import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import { createMonolith } from './app.ts';
import { listen } from './http/listen.ts';
import { hashPassword } from './password.ts';
import { clientOf, send } from './testing/client.ts';
import { type Shop, startShop } from './testing/shop.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await startShop((await servers()).mysql);
});
afterAll(() => shop.stop());

describe('a user', () => {
  const ann = { email: 'Ann@Example.com', password: 'correct horse', name: 'Ann' };
  const post = (path: string, body: unknown) => send(shop.url, 'POST', path, body);

  test('registers, logs in and reads the profile', async () => {
    const registered = await post('/api/auth/register', ann);
    expect(registered).toMatchObject({ status: 201, body: { user: { email: 'ann@example.com', name: 'Ann' } } });
    const { status, body } = await post('/api/auth/login', { ...ann, email: 'ann@EXAMPLE.com' });
    expect(status).toBe(200);
    const profile = await send(shop.url, 'GET', '/api/profile', undefined, { authorization: `Bearer ${body.token}` });
    expect(profile).toMatchObject({ status: 200, body: registered.body.user });
    const claims = JSON.parse(Buffer.from(body.token.split('.')[1], 'base64url').toString());
    expect(claims.sub).toBe(String(registered.body.user.id));
  });

  test('cannot take an email that is taken, nor log in with a wrong one or a wrong password', async () => {
    await post('/api/auth/register', { ...ann, email: 'taken@example.com' });
    expect(await post('/api/auth/register', { ...ann, email: 'TAKEN@example.com' })).toMatchObject({
      status: 409,
      body: { error: { code: 'email_taken' } },
    });
    const wrong = { status: 401, body: { error: { code: 'wrong_credentials' } } };
    expect(await post('/api/auth/login', { email: 'taken@example.com', password: 'wrong' })).toMatchObject(wrong);
    expect(await post('/api/auth/login', { email: 'nobody@example.com', password: 'wrong' })).toMatchObject(wrong);
  });

  test('seeded with a cheap hash logs in like any other', async () => {
    await shop.sql('INSERT INTO users (email, password_hash, name) VALUES (?, ?, ?)', [
      'cheap@example.com',
      await hashPassword('a shared password', { cost: 2 ** 10 }),
      'Cheap',
    ]);
    const login = { email: 'cheap@example.com', password: 'a shared password' };
    expect((await post('/api/auth/login', login)).status).toBe(200);
  });

  test('with every field wrong is told of every field', async () => {
    const { status, body } = await post('/api/auth/register', { email: 'none', password: 'short', name: ' ' });
    expect(status).toBe(400);
    expect(body.error.details.map((mistake: { path: string }) => mistake.path)).toEqual(['email', 'password', 'name']);
  });
});

test('products are listed in pages by id', async () => {
  const ids: number[] = [];
  for (const price of ['1.00', '2.00', '3.50']) ids.push(await shop.addProduct({ price, stock: 1 }));
  const { body } = await send(shop.url, 'GET', '/api/products?limit=2');
  expect(body).toEqual({
    products: [
      { id: ids[0], title: 'A CD', price: '1.00', stock: 1 },
      { id: ids[1], title: 'A CD', price: '2.00', stock: 1 },
    ],
    next: ids[1],
  });
  expect((await send(shop.url, 'GET', `/api/products?limit=2&after=${body.next}`)).body).toEqual({
    products: [{ id: ids[2], title: 'A CD', price: '3.50', stock: 1 }],
    next: null,
  });
  expect((await send(shop.url, 'GET', `/api/products/${ids[2]}`)).body.price).toBe('3.50');
  expect((await send(shop.url, 'GET', '/api/products/1e3')).status).toBe(404);
});

test('notifications are read once and can be listed without those read', async () => {
  for (const [second, reference] of [
    [1, 'old'],
    [2, 'new'],
  ] as const)
    await shop.sql(
      "INSERT INTO notifications (user_id, kind, reference, title, body, created_at) VALUES (9, 'order_placed', ?, 't', 'b', ?)",
      [reference, new Date(Date.UTC(1997, 0, 1, 0, 0, second))],
    );
  const user = shop.as(9);
  const { notifications } = (await user('GET', '/api/notifications')).body;
  expect(notifications.map((one: { reference: string }) => one.reference)).toEqual(['new', 'old']);
  const first = await user('POST', `/api/notifications/${notifications[0].id}/read`);
  expect(first.body).toEqual({ ...notifications[0], readAt: expect.any(String) });
  expect((await user('POST', `/api/notifications/${notifications[0].id}/read`)).body).toEqual(first.body);
  expect((await user('GET', '/api/notifications?unread=true')).body.notifications).toEqual([notifications[1]]);
  expect((await shop.as(10)('POST', `/api/notifications/${notifications[1].id}/read`)).status).toBe(404);
});

test('payments are listed newest first', async () => {
  const productId = await shop.addProduct({ price: '2.50', stock: 10 });
  const user = shop.as(11);
  for (const quantity of [1, 2]) await user('POST', '/api/orders', { items: [{ productId, quantity }] });
  const { payments } = (await user('GET', '/api/payments')).body;
  expect(payments).toMatchObject([
    { amount: '5.00', status: 'captured' },
    { amount: '2.50', status: 'captured' },
  ]);
});

describe('an error', () => {
  test('is a code, a message and the request id the client gave', async () => {
    const reply = await send(shop.url, 'GET', '/nowhere', undefined, { 'x-request-id': 'mine-1' });
    expect([reply.status, reply.body]).toEqual([
      404,
      { error: { code: 'not_found', message: 'there is nothing at this path', requestId: 'mine-1' } },
    ]);
    expect(reply.headers.get('x-request-id')).toBe('mine-1');
  });

  test.each([
    ['a token that is none', 401, 'unauthorized', { authorization: 'Bearer x.y.z' }, undefined],
    ['a body that is not JSON', 400, 'validation', {}, '{"items": ['],
    ['a body over 100 kB', 413, 'too_large', {}, JSON.stringify({ items: 'x'.repeat(102_400) })],
    ['a body of another type', 400, 'validation', { 'content-type': 'text/plain' }, 'hello'],
    ['an unknown charset', 415, 'bad_request', { 'content-type': 'application/json; charset=x' }, '{}'],
  ])('meets %s', async (_what, status, code, headers, body) => {
    const reply = await shop.as(1)('POST', '/api/orders', body, headers);
    expect([reply.status, reply.body.error.code]).toEqual([status, code]);
    expect(JSON.stringify(reply.body)).not.toContain('node_modules');
  });

  test('is 503, and the process lives, while the database is away', async () => {
    const away = createMonolith({
      databaseUrl: 'mysql://root@127.0.0.1:9/shop',
      jwtSecret: shop.jwtSecret,
      internalToken: shop.internalToken,
    });
    const { url, stop } = await listen(away.app, 0, '127.0.0.1');
    const client = clientOf(url, 1, shop.jwtSecret);
    for (const reply of [await client('GET', '/health'), await client('GET', '/api/orders')]) {
      expect(reply).toMatchObject({ status: 503, body: { error: { code: 'unavailable' } } });
      expect(reply.headers.get('retry-after')).toBe('1');
    }
    await stop();
    await away.stop();
  });
});

test('connections that die in the pool cost a 503 at most, then the shop goes on', async () => {
  await Promise.all(Array.from({ length: 10 }, () => shop.as(1)('GET', '/api/orders')));
  const others = await shop.sql<{ id: number }>(
    'SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id != CONNECTION_ID()',
  );
  expect(others.length).toBeGreaterThan(0);
  for (const { id } of others) await shop.sql(`KILL ${id}`);
  let reply = await shop.as(1)('GET', '/api/orders');
  for (let again = 0; reply.status === 503 && again < 20; again++) reply = await shop.as(1)('GET', '/api/orders');
  expect(reply.status).toBe(200);
});

test('health is the database answering', async () => {
  expect(await send(shop.url, 'GET', '/health')).toMatchObject({ status: 200, body: { status: 'ok' } });
});
