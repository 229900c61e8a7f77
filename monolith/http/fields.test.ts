import { describe, expect, test } from '@jest/globals';
import { beforeOf, idInPath, limitOf, mistakes, pageOf } from './fields.ts';

describe('a page', () => {
  const row = (id: number) => ({ id, created_at: new Date('2026-01-02T03:04:05.006Z') });

  test('ends where the next one begins', () => {
    const { page, next } = pageOf([row(5), row(3), row(1)], 2);
    expect(page).toEqual([row(5), row(3)]);
    expect(beforeOf({ before: next }, mistakes())).toEqual({ createdAt: row(3).created_at, id: '3' });
  });

  test('that reaches the end has no next', () => {
    expect(pageOf([row(5), row(3)], 2).next).toBeNull();
    expect(pageOf([], 2)).toEqual({ page: [], next: null });
  });

  test('holds 50 unless told, and 200 at most', () => {
    expect([limitOf({}, mistakes()), limitOf({ limit: '200' }, mistakes())]).toEqual([50, 200]);
  });

  test('refuses a wrong limit and a wrong cursor together', () => {
    for (const limit of ['0', '201', '-1', 'x', ['1', '2']]) {
      const found = mistakes();
      limitOf({ limit }, found);
      beforeOf({ before: 'yesterday' }, found);
      expect(found.refuse).toThrow(/limit .*before /);
    }
  });
});

test('an id in a path is what a BIGINT column can hold, anything else does not exist', () => {
  expect(idInPath('9223372036854775807', 'order')).toBe('9223372036854775807');
  for (const text of ['0', '-1', '1.5', 'x', '', '9223372036854775808', undefined])
    expect(() => idInPath(text, 'order')).toThrow('order does not exist');
});
