import { describe, expect, test } from '@jest/globals';
import { IdMap } from './id-map.ts';

describe('an id map', () => {
  test('learns pairs met for the first time and enforces them in both directions', () => {
    const ids = new IdMap();
    expect(ids.corresponds('order', '1', '2')).toBe(true);
    expect(ids.corresponds('order', '1', '2')).toBe(true);
    expect(ids.corresponds('order', '1', '4')).toBe(false);
    expect(ids.corresponds('order', '3', '2')).toBe(false);
    expect(ids.corresponds('user', '1', '4')).toBe(true);
  });

  test('forgets a draft that is not kept', () => {
    const ids = new IdMap();
    ids.draft().corresponds('order', '1', '9');
    expect(ids.newFor('order', '1')).toBeUndefined();
    const draft = ids.draft();
    draft.corresponds('order', '1', '2');
    draft.keep();
    expect(ids.newFor('order', '1')).toBe('2');
    expect(ids.oldFor('order', '2')).toBe('1');
  });

  test('knows in a draft what lies below it', () => {
    const ids = new IdMap();
    ids.corresponds('order', '1', '2');
    expect(ids.draft().draft().corresponds('order', '1', '4')).toBe(false);
  });
});
