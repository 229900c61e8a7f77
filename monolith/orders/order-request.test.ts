import { describe, expect, test } from '@jest/globals';
import type { HttpError } from '../http/http-error.ts';
import { parseOrderRequest, sameItems } from './order-request.ts';

const mistakesOf = (body: unknown, key?: string): string[] => {
  try {
    parseOrderRequest(body, key);
    return [];
  } catch (error) {
    return (error as HttpError).details!.map((mistake) => mistake.path);
  }
};

describe('an order request', () => {
  test('keeps its items in their order, its card and its key', () => {
    const items = [
      { productId: 9, quantity: 1 },
      { productId: 3, quantity: 1000 },
    ];
    expect(parseOrderRequest({ items, card: '4242 4242', ignored: true }, 'my-key')).toEqual({
      items,
      card: '4242 4242',
      key: 'my-key',
    });
  });

  test('is given a key if it has none', () => {
    const { key } = parseOrderRequest({ items: [{ productId: 1, quantity: 1 }] }, undefined);
    expect(key).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('is refused with all its mistakes at once', () => {
    const items = [{ productId: 1, quantity: 1 }, { productId: 0, quantity: 1.5 }, null, { productId: 1, quantity: 1 }];
    expect(mistakesOf({ items, card: 'none' }, 'a key')).toEqual([
      'items[1].productId',
      'items[1].quantity',
      'items[2].productId',
      'items[2].quantity',
      'items[3].productId',
      'card',
      'Idempotency-Key',
    ]);
  });

  test.each([
    ['no object', 'text', 'body'],
    ['a list', [], 'body'],
    ['nothing', undefined, 'body'],
    ['without items', {}, 'items'],
    ['with an empty list', { items: [] }, 'items'],
    ['with too many items', { items: Array(101).fill({ productId: 1, quantity: 1 }) }, 'items'],
    ['with a quantity above 1000', { items: [{ productId: 1, quantity: 1001 }] }, 'items[0].quantity'],
    ['with an unsafe id', { items: [{ productId: 2 ** 53, quantity: 1 }] }, 'items[0].productId'],
    ['with __proto__ for items', JSON.parse('{"__proto__": {"items": []}}'), 'items'],
  ])('that is %s is refused', (_what, body, path) => {
    expect(mistakesOf(body)).toEqual([path]);
  });

  test('with a key of 81 characters is refused', () => {
    expect(mistakesOf({ items: [{ productId: 1, quantity: 1 }] }, 'k'.repeat(81))).toEqual(['Idempotency-Key']);
  });
});

test('items are the same in any order, and only with the same quantities', () => {
  const [a, b] = [
    { productId: 1, quantity: 2 },
    { productId: 3, quantity: 4 },
  ];
  expect(sameItems([a, b], [b, a])).toBe(true);
  expect(sameItems([a, b], [a])).toBe(false);
  expect(sameItems([a], [{ productId: 1, quantity: 3 }])).toBe(false);
});
