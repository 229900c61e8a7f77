import { describe, expect, test } from '@jest/globals';
import { compareReplies, suggestRule, toReply } from './index.ts';

const json = (body: unknown, status = 200) =>
  toReply({ status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

describe('suggestRule', () => {
  test.each([
    ['id-map', { orders: [{ orderId: 1 }] }, { orders: [{ orderId: 2 }] }],
    ['numeric-string-is-number', { total: 19.9 }, { total: '19.90' }],
    ['unordered', { list: [1, 2, 3] }, { list: [2, 1, 3] }],
    ['null-is-absent', { note: null }, {}],
    ['shape-only', { at: '2026-01-01T00:00:00Z' }, { at: '2026-01-01T00:00:01Z' }],
    ['ignore', { "odd 'name": 'a' }, { "odd 'name": 'b' }],
  ])('proposes %s where that fits, and the rule then excuses the difference', (kind, old, newer) => {
    const { differences } = compareReplies(json(old), json(newer));
    const rule = suggestRule(differences[0]!)!;
    expect(rule.kind).toBe(kind);
    expect(compareReplies(json(old), json(newer), [rule]).kind).toBe('equal-by-rule');
  });

  test('proposes nothing for a status, nor for elements that are missing', () => {
    expect(compareReplies(json({}), json({}, 404)).differences.map(suggestRule)).toEqual([undefined]);
    expect(compareReplies(json([1, 2]), json([1])).differences.map(suggestRule)).toEqual([undefined]);
  });
});
