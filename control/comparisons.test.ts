import { describe, expect, test } from '@jest/globals';
import { compareReplies, type Rule, routeName, Tally, toReply, without } from '@strangler/compare';
import type { Comparison } from '@strangler/plan';
import { Comparisons } from './comparisons.ts';

const order = (total: number) =>
  toReply({ status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ total }) });
const none = new Tally().report();

/** What a proxy says of reads of one path, of which so many differ. */
function found(path: string, equal: number, mismatch = 0, more: Partial<Comparison> = {}): Comparison {
  const tally = new Tally();
  const add = (newer: number) =>
    tally.add({ route: routeName('GET', path), result: compareReplies(order(1), order(newer)), at: path });
  for (let nth = 0; nth < equal; nth++) add(1);
  for (let nth = 0; nth < mismatch; nth++) add(2 + nth);
  return { capability: 'shop', replies: tally.report(), noise: none, again: [], rules: [], ...more };
}

describe('the gate', () => {
  test('is closed until something was compared, and until every route was compared often enough', () => {
    const comparisons = new Comparisons();
    expect(comparisons.gates(0.01)).toEqual(['no replies have been compared yet']);
    comparisons.add(found('/orders', 298));
    comparisons.add(found('/orders/7', 500));
    expect(comparisons.gates(0.01)).toEqual([
      'GET /orders: 298 of the 299 comparisons it takes to be sure of less than 1 %',
    ]);
    comparisons.add(found('/orders', 1));
    expect(comparisons.gates(0.01)).toEqual([]);
  });

  test('faults 90 names ten routes that lack comparisons, and of more says that they may be one', () => {
    const comparisons = new Comparisons();
    for (const letter of 'abcdefghijklmnop') comparisons.add(found(`/articles/${letter}`, 1));
    const gates = comparisons.gates(0.01);
    expect(gates).toHaveLength(11);
    expect(gates[10]).toBe(
      'and 6 more routes with too few comparisons; if these are one route, name what varies among the Plan’s routes, such as GET /articles/:slug',
    );
  });

  test('one difference among many takes more comparisons than none', () => {
    const comparisons = new Comparisons();
    comparisons.add(found('/orders', 399, 1));
    expect(comparisons.gates(0.01)[0]).toContain('1 of 400 replies differ; it takes more of them');
    comparisons.add(found('/orders', 100));
    expect(comparisons.gates(0.01)).toEqual([]);
  });

  test('closes at once when a route differs more than the limit, and opens when told to forget and shown again', () => {
    const comparisons = new Comparisons();
    comparisons.add(found('/orders', 10_000));
    comparisons.add(found('/orders/7', 95, 5));
    expect(comparisons.gates(0.01)).toEqual(['GET /orders/{id}: 5 of 100 replies differ, above 1 %']);
    comparisons.forget();
    comparisons.add(found('/orders/7', 300));
    expect(comparisons.gates(0.01)).toEqual([]);
  });

  test('what was not comparable is shown beside the rate and is no evidence', () => {
    const comparisons = new Comparisons();
    const tally = new Tally();
    for (let nth = 0; nth < 9; nth++) tally.add({ route: 'GET /orders', result: without('dropped', 'no room') });
    tally.merge(found('/orders', 200).replies);
    comparisons.add(found('/orders', 0, 0, { replies: tally.report() }));
    expect(comparisons.gates(0.01)[0]).toContain('200 of the 299');
    expect(comparisons.found.replies.routes[0]).toMatchObject({ comparable: 200, counts: { equal: 200, dropped: 9 } });
  });

  test('a difference in every twentieth reply closes it within 200 of them, whichever they are', () => {
    for (let first = 0; first < 20; first++) {
      const comparisons = new Comparisons();
      let asked = 0;
      do {
        comparisons.add(found('/orders', 1, Number(asked % 20 === first)));
        asked++;
      } while (!comparisons.gates(0.01)[0]!.includes('replies differ, above 1 %'));
      expect(asked).toBeLessThanOrEqual(200);
    }
  });

  test('closes where a rule excuses more than the monolith shows against itself', () => {
    const comparisons = new Comparisons();
    const rule: Rule = { id: 'age', reason: 'drifts', path: '$.age', kind: 'shape-only', usual: 0.1 };
    const used = (pairs: number, hits: number) => ({
      rules: [{ rule, pairs, hits, excused: { 'value $.age': hits } }],
    });
    comparisons.add(found('/orders', 300, 0, used(300, 30)));
    expect(comparisons.gates(0.01)).toEqual([]);
    comparisons.add(found('/orders', 300, 0, used(300, 100)));
    expect(comparisons.gates(0.01)).toEqual([
      expect.stringContaining('rule age excused 0.217 differences per pair, old against old showed 0.100'),
    ]);
  });
});

describe('what several proxies found', () => {
  test('of one kind at one path is one group, with a few samples', () => {
    const comparisons = new Comparisons();
    for (let proxy = 0; proxy < 9; proxy++) comparisons.add(found('/orders/7', 0, 2));
    const [group] = comparisons.found.replies.groups;
    expect(group).toMatchObject({ path: '$.total', pairs: 18, differences: 18, numbers: { minimum: 1, maximum: 3 } });
    expect(group!.samples).toHaveLength(5);
  });

  test('the use of a rule is added up, and begins again when the rule is another', () => {
    const comparisons = new Comparisons();
    const rule = { id: 'total', reason: 'rounded', path: '$.total', kind: 'tolerance', absolute: 1 } as const;
    const say = (said: Rule) =>
      comparisons.add(
        found('/orders', 1, 0, { rules: [{ rule: said, pairs: 4, hits: 3, excused: { 'value $.total': 3 } }] }),
      );
    say(rule);
    say(rule);
    expect(comparisons.found.rules).toEqual([{ rule, pairs: 8, hits: 6, excused: { 'value $.total': 6 } }]);
    say({ ...rule, absolute: 2 });
    expect(comparisons.found.rules).toMatchObject([{ rule: { absolute: 2 }, pairs: 4, hits: 3 }]);
  });
});
