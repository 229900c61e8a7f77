import { describe, expect, test } from '@jest/globals';
import { compareReplies, propose, type Rule, suggestRule, Tally, toReply, whatItHides } from '../index.ts';

const json = (body: unknown, status = 200) =>
  toReply({ status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

describe('suggestRule', () => {
  test.each([
    ['id-map', { orders: [{ orderId: 1 }] }, { orders: [{ orderId: 2 }] }],
    ['numeric-string-is-number', { total: 19.9 }, { total: '19.90' }],
    ['number-is-boolean', { paid: 1 }, { paid: true }],
    ['empty-is-null', { note: '' }, { note: null }],
    ['unordered', { list: [1, 2, 3] }, { list: [2, 1, 3] }],
    ['null-is-absent', { note: null }, {}],
    ['same-instant', { at: '2026-01-01T00:00:00Z' }, { at: '2026-01-01T01:00:00.000+01:00' }],
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

describe('propose', () => {
  const pairs: [string, unknown, unknown][] = [
    ['GET /orders/{id}', { total: 19.9, at: '2026-01-01T00:00:00Z' }, { total: '19.90', at: '2026-01-01T00:00:05Z' }],
    ['GET /orders/{id}', { total: 5 }, { total: '5.00' }],
    ['GET /orders', { total: 3 }, { total: '3.0' }],
    ['GET /users/{id}', { createdAt: 'x', note: null }, { created_at: 'x' }],
  ];
  const groupsOf = (rules: readonly Rule[] = []) => {
    const tally = new Tally();
    for (const [route, old, newer] of pairs) {
      const asked = { method: route.split(' ')[0]!, path: route.split(' ')[1]!.replace('{id}', '7') };
      tally.add({ route, result: compareReplies(json(old), json(newer), rules, { asked }) });
    }
    return tally.report().groups;
  };

  test('makes of each group a rule for its endpoint that hides the group and nothing else', () => {
    const groups = groupsOf();
    const total = groups.find(({ route, path }) => route === 'GET /orders/{id}' && path === '$.total')!;
    const { rule, hides } = propose(total, groups)!;
    expect(rule).toMatchObject({ kind: 'numeric-string-is-number', path: '$.total', routes: ['GET /orders/*'] });
    expect(hides).toEqual([
      { route: 'GET /orders/{id}', kind: 'type', path: '$.total', differences: 2, samples: 2, of: 2 },
    ]);
    const left = groupsOf([rule]);
    expect(left).toHaveLength(groups.length - 1);
    expect(left.map(({ route, path }) => `${route} ${path}`)).toContain('GET /orders $.total');
  });

  test('sees that what is missing is called otherwise', () => {
    const groups = groupsOf();
    const missing = groups.find(({ kind, path }) => kind === 'missing' && path === '$.createdAt')!;
    const { rule, hides } = propose(missing, groups)!;
    expect(rule).toMatchObject({ kind: 'rename', path: '$.createdAt', to: 'created_at' });
    expect(hides.map(({ kind, path }) => `${kind} ${path}`)).toEqual(['missing $.createdAt', 'extra $.created_at']);
    expect(
      groupsOf([rule])
        .filter(({ route }) => route.includes('users'))
        .map(({ path }) => path),
    ).toEqual(['$.note']);
  });

  test('with all rules proposed one after the other nothing is left', () => {
    const rules: Rule[] = [];
    for (let groups = groupsOf(); groups.length > 0; groups = groupsOf(rules)) {
      expect(rules.length).toBeLessThan(10);
      rules.push(propose(groups[0]!, groups)!.rule);
    }
    expect(rules.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['rename', 'null-is-absent', 'shape-only', 'numeric-string-is-number']),
    );
  });

  test('shows what a broad rule would hide beyond what it was made for', () => {
    const broad: Rule = { id: 'b', reason: 'x', path: '$', kind: 'ignore' };
    expect(whatItHides(broad, groupsOf())).toHaveLength(groupsOf().length);
  });

  test('what it says a rule would hide is what the rule then hides', () => {
    const groups = groupsOf();
    for (const group of groups) {
      const proposal = propose(group, groups)!;
      const left = groupsOf([proposal.rule]).map(({ route, kind, path }) => `${route} ${kind} ${path}`);
      const hidden = proposal.hides.map(({ route, kind, path }) => `${route} ${kind} ${path}`);
      const before = groups.map(({ route, kind, path }) => `${route} ${kind} ${path}`);
      expect(before.filter((one) => !left.includes(one))).toEqual(hidden);
    }
  });
});
