import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { auditRules, compareReplies, NoiseLearner, noiseIn, type Rule, ruleSet, Tally, toReply } from '../index.ts';

const json = (body: unknown, status = 200) =>
  toReply({ status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const route = 'GET /orders/{id}';
const asked = { method: 'GET', path: '/orders/5' };

function learn(pairs: readonly (readonly [unknown, unknown])[]) {
  const learner = new NoiseLearner();
  for (const [one, other] of pairs) learner.observe(route, compareReplies(json(one), json(other), [], { asked }));
  return learner.learned();
}

const times = <T>(count: number, make: (n: number) => T) => Array.from({ length: count }, (_, n) => make(n));
const stamp = (seconds: number) => new Date(1.8e12 + seconds * 1000).toISOString();

describe('noise of old against old', () => {
  const noisy = times(
    30,
    (n) =>
      [
        { total: 5, age: 10 + (n % 3), at: stamp(n), token: `a${n}.b.c`, list: [1, 2] },
        { total: 5, age: 11, at: stamp(n + 1), token: `x${n}.b.c`, list: n % 2 ? [2, 1] : [1, 2] },
      ] as const,
  );

  test('becomes proposals at exact paths, for this endpoint, with the range it was seen in', () => {
    const rules = learn(noisy).map(({ proposal }) => proposal!);
    expect(rules.map(({ kind, path, routes }) => [kind, path, routes])).toEqual(
      expect.arrayContaining([
        ['shape-only', '$.age', ['GET /orders/*']],
        ['shape-only', '$.at', ['GET /orders/*']],
        ['shape-only', '$.token', ['GET /orders/*']],
        ['unordered', '$.list', ['GET /orders/*']],
      ]),
    );
    expect(rules.find(({ path }) => path === '$.age')).toMatchObject({ minimum: 8, maximum: 14 });
    expect(rules.find(({ path }) => path === '$.at')).toMatchObject({ milliseconds: 3000 });
    expect(rules.find(({ path }) => path === '$.age')!.usual).toBeCloseTo(0.667, 2);
  });

  test('is never applied by itself: learning changes no rule set', () => {
    const set = ruleSet([]);
    const learner = new NoiseLearner();
    for (const [one, other] of noisy) learner.observe(route, compareReplies(json(one), json(other), set));
    expect(learner.learned().length).toBeGreaterThan(0);
    expect(set.rules).toEqual([]);
    expect(compareReplies(json(noisy[0]![0]), json(noisy[0]![1]), set).kind).toBe('mismatch');
  });

  test('once accepted is still checked for shape and range', () => {
    const rules = learn(noisy).map(({ proposal }) => proposal!);
    const old = noisy[0]![0];
    const verdict = (change: object) => compareReplies(json(old), json({ ...old, ...change }), rules, { asked });
    const places = (change: object) => verdict(change).differences.map(({ kind, path }) => `${kind} ${path}`);
    expect(verdict({ age: 12, at: stamp(2), token: 'q.r.s', list: [2, 1] }).kind).toBe('equal-by-rule');
    expect(places({ age: 99 })).toEqual(['value $.age']);
    expect(places({ age: '12' })).toEqual(['type $.age']);
    expect(places({ age: undefined })).toEqual(['missing $.age']);
    expect(places({ at: stamp(3600) })).toEqual(['value $.at']);
    expect(places({ at: 'yesterday' })).toEqual(['format $.at']);
    expect(places({ token: 'no token' })).toEqual(['format $.token']);
    expect(places({ list: [2, 3] })).toEqual(['value $.list[*]']);
    expect(places({ total: 6 })).toEqual(['value $.total']);
  });

  test('is proposed for the one place of a list that drifts, so that its neighbours stay compared', () => {
    const point = (n: number) => ({ point: [n, 5, 7] });
    const [rule] = learn(times(30, (n) => [point(n), point(n + 1)] as const)).map(({ proposal }) => proposal!);
    expect(rule).toMatchObject({ kind: 'shape-only', path: '$.point[0]' });
    const verdict = (newer: unknown) => compareReplies(json(point(1)), json(newer), [rule!], { asked });
    expect(verdict({ point: [2, 5, 7] }).kind).toBe('equal-by-rule');
    expect(verdict({ point: [2, 6, 7] }).differences).toMatchObject([{ at: '$.point[1]' }]);
    const both = learn(times(30, (n) => [{ point: [n, 5] }, { point: [n, 5 + n] }] as const));
    const elsewhere = learn(times(30, (n) => [{ point: [n, n] }, { point: [n + 1, n + 1] }] as const));
    expect([both, elsewhere].map(([noise]) => noise!.proposal!.path)).toEqual(['$.point[1]', '$.point[*]']);
  });

  test('of live replies is only what was there again right after', () => {
    const tally = new Tally();
    for (const n of times(30, (each) => each)) {
      tally.add({ route, result: compareReplies(json({ age: n, paid: false }), json({ age: n + 1, paid: n === 3 })) });
    }
    const report = tally.report();
    const age = report.groups.find(({ path }) => path === '$.age')!;
    expect(noiseIn(report).map(({ group }) => group.path)).toEqual(['$.age', '$.paid']);
    expect(noiseIn(report, [age.id])).toMatchObject([{ group: { path: '$.age' }, proposal: { usual: 1 } }]);
  });

  test('is refused, with a reason, where a rule would hide more than noise', () => {
    const refusals = (one: unknown, other: unknown, count = 30) =>
      learn(times(count, () => [one, other] as const)).map(({ refused }) => refused);
    expect(refusals({ a: 1 }, {})).toEqual(['structural']);
    expect(refusals({ a: 1 }, { a: '1' })).toEqual(['structural']);
    expect(refusals({ a: [1] }, { a: [1, 2] })).toEqual(['array-length']);
    expect(refusals(1, 2)).toEqual(['root']);
    expect(refusals({ a: 1 }, { a: 2 }, 19)).toEqual(['too-few']);
    const learner = new NoiseLearner();
    for (let n = 0; n < 30; n++) learner.observe(route, compareReplies(json({}), json({}, 201)));
    expect(learner.learned()[0]!.refused).toBe('status');
  });

  test('a field that differs more than 1.5 times as often as noise did is never hidden: the audit fails', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 50 }), fc.integer({ min: 0, max: 100 }), (noisePercent, percent) => {
        const learned = learn(times(100, (n) => [{ a: 1 }, { a: n < noisePercent ? 2 : 1 }] as const));
        const rule = learned[0]!.proposal!;
        const set = ruleSet([rule]);
        for (let n = 0; n < 300; n++) {
          compareReplies(json({ a: 1 }), json({ a: n % 100 < percent ? 2 : 1 }), set, { asked });
        }
        const noisier = auditRules(set).some(({ kind, level }) => kind === 'noisier' && level === 'failure');
        expect(noisier).toBe(percent > noisePercent * 1.5);
      }),
      { numRuns: 25 },
    );
  });
});

describe('auditRules', () => {
  const rule = (more: object): Rule =>
    ({ id: 'r', reason: 'test', path: '$.a', kind: 'ignore', owner: 'orders', until: '2030-01-01', ...more }) as Rule;
  const now = () => new Date('2026-11-21T12:00:00Z');
  const audit = (one: Rule, ...pairs: [unknown, unknown][]) => {
    const set = ruleSet([one], now);
    for (const [old, newer] of pairs) compareReplies(json(old), json(newer), set, { asked });
    return auditRules(set).map(({ level, kind }) => `${level} ${kind}`);
  };

  test('finds nothing wrong with a rule that is needed and no broader than that', () => {
    expect(audit(rule({ kind: 'shape-only' }), [{ a: 1 }, { a: 2 }])).toEqual([]);
  });

  test('calls a rule dead that had its chance and excused nothing, but not one nobody has tried', () => {
    expect(audit(rule({}), [{ a: 1 }, { a: 1 }])).toEqual(['warning dead']);
    expect(audit(rule({}))).toEqual([]);
    expect(audit(rule({ routes: ['POST /never'] }), [{ a: 1 }, { a: 1 }])).toEqual([]);
  });

  test('fails for an expired rule, which excuses nothing any more', () => {
    expect(audit(rule({ until: '2026-11-20' }))).toEqual(['failure expired']);
    expect(audit(rule({ until: '2026-11-21' }))).toEqual([]);
    const set = ruleSet([rule({ until: '2026-11-20' })], now);
    expect(compareReplies(json({ a: 1 }), json({ a: 2 }), set).kind).toBe('mismatch');
  });

  test('warns of rules that cover more than they need to', () => {
    const meta = (at: number) => ({ a: { at, by: 'x' } });
    expect(audit(rule({}), [meta(1), meta(2)])).toEqual(['warning over-broad']);
    expect(auditRules(ruleSet([rule({ path: '$..a' })], now))[0]!.message).toContain('nobody has thought of');
    for (const path of ['$', '$.*', '$.a[*]', '$..a']) expect(audit(rule({ path }))).toEqual(['warning over-broad']);
    expect(audit(rule({}), [{ a: 1 }, { a: 2 }])).toEqual(['warning over-broad']);
    expect(audit(rule({}), [{ a: 1 }, { a: 2 }], [{ a: 1 }, {}])).toEqual([]);
  });

  test('asks for an owner and a last day', () => {
    expect(audit(rule({ owner: undefined, until: undefined, kind: 'unordered' }))).toEqual([
      'warning unowned',
      'warning endless',
    ]);
  });
});
