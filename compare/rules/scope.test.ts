import { describe, expect, test } from '@jest/globals';
import { inScope, scopeMistakes } from './scope.ts';

describe('a scope', () => {
  const takes = (route: string, method: string, path: string) => inScope({ routes: [route] }, { method, path }, 200);

  test('reads routes as the Plan does', () => {
    expect(takes('GET /orders/*', 'GET', '/orders/5')).toBe(true);
    expect(takes('GET /orders/*', 'HEAD', '/Orders/5/?full=1')).toBe(true);
    expect(takes('GET /orders/*', 'GET', '/orders')).toBe(false);
    expect(takes('GET /orders/*', 'GET', '/orders/5/items')).toBe(false);
    expect(takes('GET /orders/*', 'POST', '/orders/5')).toBe(false);
    expect(takes('ANY /orders/**', 'DELETE', '/orders/5/items')).toBe(true);
    expect(takes('ANY /orders/**', 'GET', '/orders')).toBe(true);
    expect(takes('ANY /orders/**', 'GET', '/orders-export')).toBe(false);
    expect(takes('GET /', 'GET', '/')).toBe(true);
  });

  test('counts nowhere if it is not known what was asked', () => {
    expect(inScope({ routes: ['ANY /**'] }, {}, 200)).toBe(false);
    expect(inScope({}, {}, 200)).toBe(true);
  });

  test('reads statuses alone and in classes', () => {
    expect(inScope({ statuses: [404, '5xx'] }, {}, 404)).toBe(true);
    expect(inScope({ statuses: [404, '5xx'] }, {}, 503)).toBe(true);
    expect(inScope({ statuses: [404, '5xx'] }, {}, 400)).toBe(false);
  });

  test('names its mistakes', () => {
    for (const routes of [[], ['/orders'], ['GET orders'], ['FETCH /a'], ['GET /a*'], ['GET /**/a'], 'GET /a', [5]]) {
      expect(scopeMistakes({ routes })).toHaveLength(1);
    }
    for (const statuses of [[], [99], ['6xx'], ['404'], 404, [404.5]])
      expect(scopeMistakes({ statuses })).toHaveLength(1);
    expect(scopeMistakes({ routes: ['ANY /**', 'GET /a/*'], statuses: [404, '5xx'] })).toEqual([]);
  });
});
