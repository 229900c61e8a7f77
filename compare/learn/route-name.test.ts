import { expect, test } from '@jest/globals';
import { routeName } from './route-name.ts';

test.each([
  ['/orders/17', 'GET /orders/{id}'],
  ['/orders?page=2', 'GET /orders'],
  ['/users/550e8400-e29b-41d4-a716-446655440000/orders/5', 'GET /users/{id}/orders/{id}'],
  ['/objects/5f2b1c9e8d7a6b5c4d3e2f1a', 'GET /objects/{id}'],
  ['/tokens/V1StGXR8_Z5jdHi6B-myT', 'GET /tokens/{id}'],
  ['/articles/a-story-115/comments', 'GET /articles/{id}/comments'],
  ['/v2/notifications/unread', 'GET /v2/notifications/unread'],
  ['/a-rather-long-but-ordinary-name', 'GET /a-rather-long-but-ordinary-name'],
])('%s is counted as %s', (path, name) => {
  expect(routeName('GET', path)).toBe(name);
});
