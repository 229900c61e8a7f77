import { describe, expect, test } from '@jest/globals';
import { compareReplies, OTHER_ROUTES, Tally, type TallyReport, toReply, without } from '../index.ts';

const json = (body: unknown) =>
  toReply({ status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const result = (old: unknown, newer: unknown) => compareReplies(json(old), json(newer));

const stamp = (seconds: number) => new Date(1.8e12 + seconds * 1000).toISOString();

describe('a tally', () => {
  test('makes a rate of equal, equal by rule and mismatch alone, and shows the rest beside it', () => {
    const tally = new Tally();
    for (let n = 0; n < 8; n++) tally.add({ route: 'GET /a', result: result({ n }, { n }) });
    for (let n = 0; n < 2; n++) tally.add({ route: 'GET /a', result: result({ n }, { n: -1 }) });
    tally.add({ route: 'GET /a', result: without('dropped', 'the queue was full') });
    tally.add({ route: 'GET /b', result: without('candidate-timeout', 'nothing within 3 s') });
    const [a, b] = tally.report().routes;
    expect(a).toMatchObject({ route: 'GET /a', comparable: 10, mismatches: 2, rate: 0.2, counts: { dropped: 1 } });
    expect(b).toMatchObject({ route: 'GET /b', comparable: 0, rate: undefined, counts: { 'candidate-timeout': 1 } });
  });

  test('groups by endpoint, path and kind, counts replies and places, and puts the severe first', () => {
    const tally = new Tally();
    const list = (total: number) => ({ orders: [1, 2, 3].map((id) => ({ id, total })) });
    for (let n = 0; n < 4; n++) tally.add({ route: 'GET /a', result: result(list(1), list(2)), at: `pair ${n}` });
    tally.add({ route: 'GET /a', result: result({ id: 1, b: 1 }, { id: '1', b: 1 }) });
    tally.add({ route: 'GET /b', result: result(list(1), list(2)) });
    const { groups } = tally.report();
    expect(groups.map(({ route, kind, path, pairs, differences }) => [route, kind, path, pairs, differences])).toEqual([
      ['GET /a', 'type', '$.id', 1, 1],
      ['GET /a', 'value', '$.orders[*].total', 4, 12],
      ['GET /b', 'value', '$.orders[*].total', 1, 3],
    ]);
    expect(groups[1]!.samples[0]).toEqual({ at: 'pair 0', place: '$.orders[0].total', old: '1', new: '2' });
  });

  test('keeps a few samples, each pair as likely as any other', () => {
    const kept = new Map<string, number>();
    let seed = 7;
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    for (let round = 0; round < 400; round++) {
      const tally = new Tally({ samples: 3, random });
      for (let n = 0; n < 30; n++) tally.add({ route: 'GET /a', result: result(1, 2), at: `${n}` });
      const { samples } = tally.report().groups[0]!;
      expect(samples).toHaveLength(3);
      for (const { at } of samples) kept.set(at!, (kept.get(at!) ?? 0) + 1);
    }
    expect(kept.size).toBe(30);
    for (const times of kept.values()) {
      expect(times).toBeGreaterThan(15);
      expect(times).toBeLessThan(75);
    }
  });

  test('remembers what range values were in', () => {
    const tally = new Tally();
    tally.add({
      route: 'r',
      result: result({ n: 5, at: '2026-01-01T00:00:00Z', t: 'x' }, { n: '7', at: '2026-01-01T00:00:02.500Z', t: 'y' }),
    });
    const add = (n: number, other: number) => tally.add({ route: 'r', result: result({ n }, { n: other }) });
    add(3, 4);
    add(-2, 11);
    const group = (path: string, kind: string) =>
      tally.report().groups.find((one) => one.path === path && one.kind === kind)!;
    expect(group('$.n', 'value').numbers).toEqual({ minimum: -2, maximum: 11 });
    expect(group('$.at', 'value').milliseconds).toBe(2500);
    expect(group('$.t', 'value')).toMatchObject({ numbers: undefined, milliseconds: undefined });
  });

  test('cannot be made to grow by what it is given, and says what it left out', () => {
    const tally = new Tally({ groups: 10 });
    for (let n = 0; n < 50; n++) tally.add({ route: 'r', result: result({}, { [`key ${n}`]: 1 }) });
    expect(tally.report().groups).toHaveLength(10);
    expect(tally.report().ungrouped).toBe(40);
  });

  test('makes of 100,000 differences on 50 routes no more groups than there are kinds and paths', () => {
    const tally = new Tally();
    const differing = result({ a: 1, b: [1, 2], c: null }, { a: 2, b: [2, 1] });
    for (let n = 0; n < 34_000; n++) tally.add({ route: `GET /r${n % 50}`, result: differing });
    const { groups } = tally.report();
    expect(groups).toHaveLength(150);
    expect(groups.reduce((sum, { differences }) => sum + differences, 0)).toBe(102_000);
  });

  test('reports plain data', () => {
    const tally = new Tally();
    tally.add({ route: 'r', result: result({ a: 1 }, { a: 2 }) });
    const report = tally.report();
    expect(structuredClone(report)).toEqual(report);
    expect(JSON.parse(JSON.stringify(report)).groups[0].path).toBe('$.a');
  });

  test('kept in pieces and merged is the same as kept in one, but for which samples it keeps', () => {
    const results = Array.from({ length: 60 }, (_, n) => ({
      route: `GET /${n % 3}`,
      result: result({ n, list: [1, n % 7], at: stamp(n) }, { n: n % 5, list: [1, n % 4], at: stamp(n + (n % 2)) }),
      at: `pair ${n}`,
    }));
    const whole = new Tally();
    const merged = new Tally();
    for (let from = 0; from < results.length; from += 7) {
      const piece = new Tally();
      for (const one of results.slice(from, from + 7)) {
        piece.add(one);
        whole.add(one);
      }
      merged.merge(JSON.parse(JSON.stringify(piece.report())));
    }
    const plain = ({ routes, groups, ungrouped }: TallyReport) =>
      JSON.parse(JSON.stringify({ routes, ungrouped, groups: groups.map(({ samples, ...rest }) => rest) }));
    expect(plain(merged.report())).toEqual(plain(whole.report()));
    for (const { samples } of merged.report().groups) expect(samples.length).toBeLessThanOrEqual(5);
  });

  test('grows with neither endpoints nor groups: what there is no room for is counted together', () => {
    const small = { routes: 2, groups: 2 };
    const tally = new Tally(small);
    for (let n = 0; n < 9; n++) tally.add({ route: `GET /${n}`, result: result({ [`n${n}`]: 1 }, { [`n${n}`]: 2 }) });
    const twice = new Tally(small);
    for (const one of [tally.report(), tally.report()]) twice.merge(one);
    expect(twice.report()).toMatchObject({
      routes: [
        { route: 'GET /0', mismatches: 2 },
        { route: 'GET /1', mismatches: 2 },
        { route: OTHER_ROUTES, mismatches: 14 },
      ],
      groups: [{ pairs: 2 }, { pairs: 2 }],
      ungrouped: 14,
    });
  });
});
