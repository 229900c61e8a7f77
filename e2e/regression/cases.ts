import type { Case, Rule } from '@strangler/compare';

const order = (productId: number, quantity = 1, more = {}) => ({ items: [{ productId, quantity }], ...more });
const auth = { authorization: 'Bearer {token}' };
const keyed = (key: string) => ({ ...auth, 'idempotency-key': key });

/** A user to be somebody, and what one asks of orders and notifications; the products are those of `two-shops.ts`. */
export const CASES: readonly Case[] = [
  {
    name: 'registers',
    method: 'POST',
    path: '/api/auth/register',
    body: { email: 'ada@example.test', password: 'correct horse', name: 'Ada' },
    capture: { token: '$.token' },
  },
  { name: 'asks for orders as nobody', method: 'GET', path: '/api/orders' },
  { name: 'asks with a forged token', method: 'GET', path: '/api/orders', headers: { authorization: 'Bearer a.b.c' } },
  { name: 'has no orders yet', method: 'GET', path: '/api/orders', headers: auth },
  { name: 'orders nothing', method: 'POST', path: '/api/orders', headers: auth, body: { items: [] } },
  {
    name: 'makes several mistakes',
    method: 'POST',
    path: '/api/orders',
    headers: auth,
    body: { items: [{ productId: 'x', quantity: 0 }] },
  },
  {
    name: 'sends no JSON',
    method: 'POST',
    path: '/api/orders',
    headers: { ...auth, 'content-type': 'application/json' },
    body: '{"items":',
  },
  {
    name: 'orders what does not exist',
    method: 'POST',
    path: '/api/orders',
    headers: keyed('k-none'),
    body: order(999_999),
  },
  {
    name: 'orders one',
    method: 'POST',
    path: '/api/orders',
    headers: keyed('k-1'),
    body: order(1),
    capture: { first: '$.id' },
  },
  {
    name: 'orders it again with the same key',
    method: 'POST',
    path: '/api/orders',
    headers: keyed('k-1'),
    body: order(1),
  },
  {
    name: 'orders something else with that key',
    method: 'POST',
    path: '/api/orders',
    headers: keyed('k-1'),
    body: order(3),
  },
  {
    name: 'orders something free',
    method: 'POST',
    path: '/api/orders',
    headers: keyed('k-free'),
    body: order(3, 2),
    capture: { second: '$.id' },
  },
  {
    name: 'orders two things',
    method: 'POST',
    path: '/api/orders',
    headers: keyed('k-2'),
    body: {
      items: [
        { productId: 1, quantity: 2 },
        { productId: 5, quantity: 1 },
      ],
    },
  },
  {
    name: 'orders more than there is',
    method: 'POST',
    path: '/api/orders',
    headers: keyed('k-much'),
    body: order(7, 9),
  },
  {
    name: 'pays with a card that is declined',
    method: 'POST',
    path: '/api/orders',
    headers: keyed('k-card'),
    body: order(1, 1, { card: '4000 0000 0000 0002' }),
  },
  { name: 'reads an order', method: 'GET', path: '/api/orders/{first}', headers: auth },
  { name: 'reads an order that is nobody’s', method: 'GET', path: '/api/orders/123456789', headers: auth },
  { name: 'reads an order by a word', method: 'GET', path: '/api/orders/first', headers: auth },
  { name: 'lists orders', method: 'GET', path: '/api/orders', headers: auth },
  { name: 'lists one order', method: 'GET', path: '/api/orders?limit=1', headers: auth },
  { name: 'lists too many', method: 'GET', path: '/api/orders?limit=1000', headers: auth },
  { name: 'cancels', method: 'POST', path: '/api/orders/{first}/cancel', headers: auth, body: {} },
  { name: 'cancels twice', method: 'POST', path: '/api/orders/{first}/cancel', headers: auth, body: {} },
  { name: 'cancels what is nobody’s', method: 'POST', path: '/api/orders/123456789/cancel', headers: auth, body: {} },
  { name: 'reads the cancelled order', method: 'GET', path: '/api/orders/{first}', headers: auth },
  { name: 'uses a method there is none of', method: 'DELETE', path: '/api/orders/{second}', headers: auth },
  { name: 'asks for notifications as nobody', method: 'GET', path: '/api/notifications' },
  {
    name: 'lists notifications',
    method: 'GET',
    path: '/api/notifications?limit=2',
    headers: auth,
    capture: { note: '$.notifications[0].id' },
  },
  { name: 'marks one read', method: 'POST', path: '/api/notifications/{note}/read', headers: auth, body: {} },
  { name: 'marks it read again', method: 'POST', path: '/api/notifications/{note}/read', headers: auth, body: {} },
  {
    name: 'marks one read that is nobody’s',
    method: 'POST',
    path: '/api/notifications/123456789/read',
    headers: auth,
    body: {},
  },
  { name: 'lists unread notifications', method: 'GET', path: '/api/notifications?unread=true&limit=1', headers: auth },
  { name: 'asks for a place that does not exist', method: 'GET', path: '/api/orders/1/2/3', headers: auth },
];

const everywhere = (paths: readonly string[], rule: (path: string) => Omit<Rule, 'path' | 'id'>): Rule[] =>
  paths.map((path) => ({ ...rule(path), path, id: `${rule(path).kind} ${path}` }) as Rule);

/** Why old and new answers may differ: two lives of the same story have their own ids, clocks and request ids. */
export const RULES: readonly Rule[] = [
  ...everywhere(
    ['$.id', '$.orders[*].id', '$.notifications[*].id'],
    () => ({ kind: 'id-map', map: 'ids', reason: 'each side mints its own ids' }) as never,
  ),
  ...everywhere(
    [
      '$.createdAt',
      '$.updatedAt',
      '$.readAt',
      '$.user.createdAt',
      '$.orders[*].createdAt',
      '$.orders[*].updatedAt',
      '$.next',
    ],
    () => ({ kind: 'shape-only', reason: 'the two sides are asked one after the other' }) as never,
  ),
  ...everywhere(
    ['$.token', '$.error.requestId'],
    () => ({ kind: 'shape-only', reason: 'minted per request' }) as never,
  ),
];
