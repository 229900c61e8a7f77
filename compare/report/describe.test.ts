import { describe, expect, test } from '@jest/globals';
import { compareReplies, describeResult, toReply } from '../index.ts';

const json = (body: unknown) =>
  toReply({ status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

describe('describeResult', () => {
  test('groups by path, most severe first, shows three of many, and names the rules that excused something', () => {
    const prices = (price: number) => [1, 2, 3, 4, 5].map((id) => ({ id, price: price * id }));
    const old = json({ at: 'a', items: prices(1), total: 15, id: 1 });
    const newer = json({ at: 'b', items: prices(2), total: '15', id: 1, more: true });
    const result = compareReplies(old, newer, [{ id: 'clock', reason: 'moves', path: '$.at', kind: 'ignore' }]);
    expect(describeResult(result)).toBe(
      [
        'The new reply differs from the old one',
        '',
        '  $.total  type (high)',
        '    15 → "15"',
        '',
        '  $.items[*].price  value, 5 times (medium)',
        '    $.items[0].price: 1 → 2',
        '    $.items[1].price: 2 → 4',
        '    $.items[2].price: 3 → 6',
        '    … and 2 more',
        '',
        '  $.more  extra (low)',
        '    absent → true',
        '',
        'Excused by rule: clock (1).',
        '',
        'If a difference is meant to be, name it in a rule, for example:',
        "  { id: 'total', reason: 'why this may differ', path: '$.total', kind: 'numeric-string-is-number' }",
      ].join('\n'),
    );
  });

  test('shows of lists in another order the part that moved', () => {
    const ids = (...list: number[]) => json(list.map((id) => ({ id })));
    const same = Array.from({ length: 40 }, (_, at) => at);
    const { differences } = compareReplies(ids(...same, 50, 51), ids(...same, 51, 50));
    expect(differences).toMatchObject([
      { kind: 'order', old: '[… 40 alike, {"id": 50}, {"id": 51}]', new: '[… 40 alike, {"id": 51}, {"id": 50}]' },
    ]);
  });

  test('says why there was nothing to compare', () => {
    expect(describeResult(compareReplies({ error: 'reset' }, json(1)))).toBe(
      'The replies cannot be compared: the old side gave no reply: reset',
    );
  });
});
