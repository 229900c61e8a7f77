import { describe, expect, test } from '@jest/globals';
import { parametersIn, parseRoute, routeMatches } from './routes.ts';

const matches = (pattern: string, method: string, path: string) => routeMatches(parseRoute(pattern), method, path);

describe('a route', () => {
  test('takes its path and what lies below it, and nothing that only begins alike', () => {
    expect(matches('ANY /api/orders', 'GET', '/api/orders')).toBe(true);
    expect(matches('ANY /api/orders', 'GET', '/api/orders/1')).toBe(false);
    expect(matches('ANY /api/orders/**', 'POST', '/api/orders/1/cancel')).toBe(true);
    expect(matches('ANY /api/orders/**', 'GET', '/api/orders')).toBe(true);
    expect(matches('ANY /api/orders/**', 'GET', '/api/orders-export')).toBe(false);
    expect(matches('GET /api/*/items', 'GET', '/api/7/items')).toBe(true);
    expect(matches('GET /api/*/items', 'GET', '/api/7/8/items')).toBe(false);
  });

  test('sees paths as Express does: case and one final slash do not matter', () => {
    expect(matches('ANY /api/Orders', 'GET', '/API/orders/')).toBe(true);
    expect(matches('ANY /', 'GET', '/')).toBe(true);
  });

  test('takes HEAD where it takes GET, and only its own methods otherwise', () => {
    expect(matches('GET /a', 'HEAD', '/a')).toBe(true);
    expect(matches('GET /a', 'POST', '/a')).toBe(false);
    expect(matches('POST /a', 'HEAD', '/a')).toBe(false);
  });

  test('takes a parameter of Express as one segment, and tells what it is', () => {
    const route = parseRoute('ANY /api/Articles/:slug/comments/:commentId');
    expect(routeMatches(route, 'DELETE', '/api/articles/A-Story/comments/7/')).toBe(true);
    expect(routeMatches(route, 'DELETE', '/api/articles/A-Story/comments')).toBe(false);
    expect(Object.fromEntries(parametersIn(route, '/api/articles/A-Story/comments/7'))).toEqual({
      slug: 'A-Story',
      commentId: '7',
    });
  });

  test.each([
    ['GET /articles/{slug}', ':slug'],
    ['GET /articles/:slug?', ':slug'],
    ['GET /articles/:id(\\d+)', ':id'],
    ['GET /articles/:id.json', ':id'],
    ['GET /articles{/:slug}', ':name'],
    ['GET /v1/users:batch', ':name'],
  ])('says of %j, which would match nothing, what to write instead', (pattern, instead) => {
    expect(() => parseRoute(pattern)).toThrow(`one whole segment, ${instead},`);
  });

  test('names a parameter once', () => {
    expect(() => parseRoute('GET /a/:id/b/:id')).toThrow('once');
  });

  test.each(['/a', 'FETCH /a', 'GET a', 'GET /a b', 'GET /a*', 'GET /**/b'])('cannot be %j', (pattern) => {
    expect(() => parseRoute(pattern)).toThrow();
  });
});
