import { expect, test } from '@jest/globals';
import { Places } from './identity/places.ts';
import { readingsOf } from './path.ts';
import { isWrite, rewritten, routedCapabilities, routeTaken } from './route.ts';
import { planOf } from './testing/stage.ts';

const capabilities = routedCapabilities(planOf({ monolith: 'http://m', service: 'http://s' }), new Places());
const meets = (method: string, target: string) => routeTaken(capabilities, method, readingsOf(target))?.routed.name;

test.each([
  '/api/orders',
  '/API/Orders/',
  '/api/orders/7/items?x=1',
  '/api/%6frders',
  '//api/orders',
  '/api//orders/7',
  '/api/orders%2f7',
  '/api%2Forders/7',
])('faults 8 %s is a request of the capability, however it is spelt', (target) => {
  expect(meets('GET', target)).toBe('orders');
});

test.each(['/', '/api', '/api/order', '/api/ordersx', '/x/api/orders', '/api/products?path=/api/orders'])(
  '%s is none',
  (target) => {
    expect(meets('GET', target)).toBeUndefined();
  },
);

test('a write is any method but GET, HEAD and OPTIONS, unless the Plan says otherwise', () => {
  const orders = capabilities[0]!;
  const writes = (method: string, path: string) => isWrite(orders, method, [path]);
  expect(['GET', 'HEAD', 'OPTIONS'].map((method) => writes(method, '/api/orders'))).toEqual([false, false, false]);
  expect(['POST', 'PUT', 'PATCH', 'DELETE', 'PURGE'].every((method) => writes(method, '/api/orders'))).toBe(true);
  expect(writes('POST', '/api/orders/search')).toBe(false);
  expect(isWrite(undefined, 'POST', ['/x'])).toBe(true);
});

test('a rewrite changes the path, not the query, and leaves a path', () => {
  const rules = [[/^\/api/i, ''] as const];
  expect(rewritten(rules, '/api/orders?next=/api/x')).toBe('/orders?next=/api/x');
  expect(rewritten(rules, '/API')).toBe('/');
  expect(rewritten([], '/api')).toBe('/api');
});
