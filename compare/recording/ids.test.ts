import { describe, expect, test } from '@jest/globals';
import { type Json, parseJson, stringifyJson } from '../reply/json.ts';
import { IdMap } from '../rules/id-map.ts';
import { fieldsWithIds, idPairs, pathPairs, pathWithIds, withIds } from './ids.ts';

const learn = (recorded: Json, live: Json, path: string, { trustOrder = true, names = [] as string[] } = {}) =>
  [...idPairs(recorded, live, { path, names: new Set(names), trustOrder })].map((pair) => pair.join(' '));

function known(...pairs: string[]): IdMap {
  const ids = new IdMap();
  for (const pair of pairs) {
    const [kind = '', was = '', is = ''] = pair.split(' ');
    ids.corresponds(kind === 'any' ? '' : kind, was, is);
  }
  return ids;
}
const UUIDS = ['11111111-2222-4333-8444-555555555555', '99999999-2222-4333-8444-555555555555'] as const;

describe('ids', () => {
  test('are told by their names, and of what they are by what holds them', () => {
    expect(learn({ id: 1 }, { id: 2 }, '/api/orders')).toEqual(['order 1 2']);
    expect(learn({ id: 1 }, { id: 2 }, '/api/orders/7/items?page=2')).toEqual(['item 1 2']);
    expect(learn({ orderId: 1, order_id: 3, paid: 5 }, { orderId: 2, order_id: 4, paid: 6 }, '/x').sort()).toEqual([
      'order 1 2',
      'order 3 4',
    ]);
    expect(
      learn({ order: { id: 1, customer: { _id: 'a' } } }, { order: { id: 2, customer: { _id: 'b' } } }, '/x'),
    ).toEqual(['order 1 2', 'customer a b']);
    expect(learn({ orderIds: [1, 2], ids: [5] }, { orderIds: [3, 4], ids: [6] }, '/cart').sort()).toEqual([
      'cart 5 6',
      'order 1 3',
      'order 2 4',
    ]);
    expect(learn({ categories: [{ id: 1 }] }, { categories: [{ id: 2 }] }, '/x')).toEqual(['category 1 2']);
  });

  test('of wrapped replies are of what was asked for, but items of an order are items', () => {
    expect(learn({ data: { id: 1 } }, { data: { id: 2 } }, '/orders/1')).toEqual(['order 1 2']);
    expect(learn({ items: [{ id: 1 }], page: 1 }, { items: [{ id: 2 }], page: 1 }, '/orders')).toEqual(['order 1 2']);
    expect(learn({ id: 1, items: [{ id: 5 }] }, { id: 2, items: [{ id: 6 }] }, '/orders')).toEqual([
      'order 1 2',
      'item 5 6',
    ]);
  });

  test('are not learned from lists of which nobody knows that their order is the same', () => {
    const lists = [[{ id: 1 }, { id: 2 }], [{ id: 2 }, { id: 1 }], [{ id: 11 }, { id: 12 }], [{ id: 11 }]] as Json[];
    expect(learn(lists[0]!, lists[1]!, '/orders', { trustOrder: false })).toEqual([]);
    expect(learn(lists[0]!, lists[2]!, '/orders', { trustOrder: false }).sort()).toEqual(['order 1 11', 'order 2 12']);
    expect(learn(lists[0]!, lists[3]!, '/orders')).toEqual([]);
  });

  test('that nobody could guess are the same wherever they stand; others only where they are of the same kind', () => {
    const ids = known('order 1 2001', 'product 1 7', `any ${UUIDS[0]} ${UUIDS[1]}`);
    expect(pathWithIds('/shop/orders/1/items/1?product_id=1&page=1&x', ids)).toBe(
      '/shop/orders/2001/items/1?product_id=7&page=1&x',
    );
    expect(pathWithIds(`/track/${UUIDS[0]}?of=${UUIDS[0]}`, ids)).toBe(`/track/${UUIDS[1]}?of=${UUIDS[1]}`);
    expect(fieldsWithIds('orderId=1&quantity=1', '/x', ids)).toBe('orderId=2001&quantity=1');
  });

  test('are put into bodies with their type and all their digits, and beside them nothing changes', () => {
    const ids = known('order 9007199254740993 9007199254740995', 'item 5 abc', 'order 7 8');
    const body = parseJson(
      '{"orderId":9007199254740993,"quantity":7,"items":[{"itemId":5}],"__proto__":{"order_id":"7"},"id":7}',
    );
    const text = (one: string) => one;
    expect(stringifyJson(withIds(body, { path: '/orders', ids, names: new Set(), text }))).toBe(
      '{"orderId":9007199254740995,"quantity":7,"items":[{"itemId":"abc"}],"__proto__":{"order_id":"8"},"id":8}',
    );
  });

  test('that are called otherwise have to be named', () => {
    const names = ['number'];
    expect(learn({ number: 'A-1' }, { number: 'B-7' }, '/orders', { names })).toEqual([
      'order A-1 B-7',
      'number A-1 B-7',
      ' A-1 B-7',
    ]);
    expect(learn({ number: 17 }, { number: 18 }, '/orders', { names })).toEqual(['order 17 18', 'number 17 18']);
    expect(learn({ number: 17 }, { number: 18 }, '/orders')).toEqual([]);
    const ids = known('order A-1 B-7');
    expect(pathWithIds('/orders/A-1/items', ids)).toBe('/orders/B-7/items');
  });

  test('are learned from where a reply leads to', () => {
    expect([...pathPairs('http://old/orders/1', '/orders/2001?x')]).toEqual([['order', '1', '2001']]);
    expect([...pathPairs('/orders/1', '/login')]).toEqual([]);
    expect([...pathPairs('/a/1', '/b/2')]).toEqual([]);
  });

  test('of a value that no program could walk by calling itself are found all the same', () => {
    const deep = (id: number) => parseJson(`${'{"a":'.repeat(20_000)}{"orderId":${id}}${'}'.repeat(20_000)}`);
    expect(learn(deep(1), deep(2), '/x')).toEqual(['order 1 2']);
  });
});
