import { describe, expect, test } from '@jest/globals';
import type { Comparison } from '@strangler/plan';
import { Comparisons } from './comparisons.ts';

describe('the gate', () => {
  const found = (route: string, equal: number, mismatch = 0): Comparison => ({
    capability: 'shop',
    route,
    results: { equal, mismatch },
    differences: mismatch
      ? [{ kind: 'value', severity: 'medium', path: '$.total', count: mismatch, samples: [sample('/orders/1')] }]
      : [],
  });
  const sample = (target: string) => ({ target, at: '$.total', monolith: '"1.00"', service: '"1.01"' });

  test('is closed until something was compared, and until every route was compared often enough', () => {
    const comparisons = new Comparisons();
    expect(comparisons.gates(0.01)).toEqual(['no replies have been compared yet']);
    comparisons.add(found('GET /orders', 298));
    comparisons.add(found('GET /orders/*', 500));
    expect(comparisons.gates(0.01)).toEqual([
      'GET /orders: 298 of the 299 comparisons it takes to be sure of less than 1 %',
    ]);
    comparisons.add(found('GET /orders', 1));
    expect(comparisons.gates(0.01)).toEqual([]);
  });

  test('one difference among many takes more comparisons than none', () => {
    const comparisons = new Comparisons();
    comparisons.add(found('GET /orders', 399, 1));
    expect(comparisons.gates(0.01)[0]).toContain('1 of 400 replies differ; it takes more of them');
    comparisons.add(found('GET /orders', 100));
    expect(comparisons.gates(0.01)).toEqual([]);
  });

  test('closes at once when a route differs more than the limit, and opens when told to forget and shown anew', () => {
    const comparisons = new Comparisons();
    comparisons.add(found('GET /orders', 10_000));
    comparisons.add(found('GET /orders/*', 95, 5));
    expect(comparisons.gates(0.01)).toEqual(['GET /orders/*: 5 of 100 replies differ, above 1 %']);
    comparisons.forget();
    comparisons.add(found('GET /orders/*', 300));
    expect(comparisons.gates(0.01)).toEqual([]);
  });

  test('what was not comparable is shown beside the rate and is no evidence', () => {
    const comparisons = new Comparisons();
    const results = { equal: 200, 'not-comparable': 500, dropped: 9 };
    comparisons.add({ capability: 'shop', route: 'GET /orders', results, differences: [] });
    expect(comparisons.gates(0.01)[0]).toContain('200 of the 299');
    expect(comparisons.routes[0]!.results).toEqual(results);
  });

  test('differences of several proxies are one group, with a few samples', () => {
    const comparisons = new Comparisons();
    for (let proxy = 0; proxy < 9; proxy++) comparisons.add(found('GET /orders/*', 0, 2));
    const [route] = comparisons.routes;
    expect(route!.differences).toMatchObject([{ path: '$.total', count: 18 }]);
    expect(route!.differences[0]!.samples).toHaveLength(5);
  });
});
