import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Rule, ruleSet } from '../index.ts';
import { type Json, parseJson } from '../reply/json.ts';
import { IdMap } from '../rules/id-map.ts';
import { BUDGET, type Budget, PATIENT } from './budget.ts';
import { walk } from './walk.ts';

function compare(old: Json, newer: Json, rules: readonly Rule[] = [], budget: Budget = PATIENT) {
  return walk(old, newer, { root: '$', state: ruleSet(rules).counting({}, 200).body, ids: new IdMap(), budget });
}

const found = (old: Json, newer: Json, rules?: readonly Rule[]) =>
  compare(old, newer, rules).differences.map(({ kind, at }) => `${kind} ${at}`);

/** Any JSON as it looks after a trip over the wire, with arrays of alike elements often enough to matter. */
const anyJson = fc
  .oneof(fc.jsonValue({ maxDepth: 5 }), fc.array(fc.constantFrom<unknown>(1, 2, 'a', null, { id: 1 }, { id: 2 }, [1])))
  .map((value) => parseJson(JSON.stringify(value)));

type Container = Record<string, Json> | Json[];

function containersIn(value: Json): Container[] {
  if (typeof value !== 'object' || value === null) return [];
  return [value as Container, ...Object.values(value).flatMap(containersIn)];
}

/** Changes one place of a document: another value, another type, a member or element less or more, two swapped. */
function mutate(original: Json, seed: number, how: number): Json {
  const root = { document: structuredClone(original) };
  const containers = containersIn(root as unknown as Json).filter((container) => Object.keys(container).length > 0);
  const container = containers[seed % containers.length]! as Record<string, Json>;
  const keys = Object.keys(container);
  const key = keys[Math.floor(seed / containers.length) % keys.length]!;
  const value = container[key]!;
  const isRoot = container === (root as unknown);
  if (how === 0) container[key] = value === 12_345.5 ? 7 : 12_345.5;
  else if (how === 1) container[key] = typeof value === 'string' ? `${value}x` : 'another';
  else if (how === 2) container[key] = value === null ? false : null;
  else if (how === 3) container[key] = [value];
  else if (isRoot) container[key] = { other: value };
  else if (Array.isArray(container) && how === 4) container.splice(Number(key), 1);
  else if (Array.isArray(container)) container.splice(Number(key), 0, { inserted: true });
  else if (how === 4) delete container[key];
  else container['a name nobody has'] = value;
  return root.document;
}

describe('walk', () => {
  test('any JSON equals itself', () => {
    fc.assert(fc.property(anyJson, (value) => expect(found(value, structuredClone(value))).toEqual([])));
  });

  test('any one change is found', () => {
    fc.assert(
      fc.property(anyJson, fc.nat(), fc.integer({ min: 0, max: 5 }), (value, seed, how) => {
        expect(found(value, mutate(value, seed, how))).not.toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  test('agrees with node about what is equal', () => {
    fc.assert(
      fc.property(anyJson, anyJson, (a, b) => expect(found(a, b).length === 0).toBe(isDeepStrictEqual(a, b))),
      { numRuns: 1000 },
    );
  });

  test('finds as much one way as the other, what is missing being extra', () => {
    const count = (a: Json, b: Json) => {
      const counts = { missing: 0, extra: 0, other: 0 };
      for (const { kind } of compare(a, b).differences)
        counts[kind === 'missing' || kind === 'extra' ? kind : 'other']++;
      return counts;
    };
    fc.assert(
      fc.property(anyJson, anyJson, (a, b) => {
        const [there, back] = [count(a, b), count(b, a)];
        expect(there).toEqual({ missing: back.extra, extra: back.missing, other: back.other });
      }),
      { numRuns: 1000 },
    );
  });

  test('that must go everywhere, to learn ids, calls equal what one calls equal that goes where the quick look points', () => {
    const everywhere: Rule = { id: 'r', reason: 'test', path: '$..nobody', kind: 'id-map', map: 'm' };
    const isEqual = (a: Json, b: Json, ...rules: Rule[]) => found(a, b, rules).length === 0;
    fc.assert(
      fc.property(anyJson, anyJson, fc.nat(), fc.integer({ min: 0, max: 5 }), (a, b, seed, how) => {
        for (const other of [b, structuredClone(a), mutate(a, seed, how)]) {
          expect(isEqual(a, other, everywhere)).toBe(isEqual(a, other));
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('never excuses a change outside of what its rules name', () => {
    const rules: Rule[] = (
      ['ignore', 'shape-only', 'unordered', 'numeric-string-is-number', 'null-is-absent'] as const
    ).map((kind) => ({ id: kind, reason: 'test', path: '$.named', kind }));
    fc.assert(
      fc.property(anyJson, fc.nat(), fc.integer({ min: 0, max: 5 }), (value, seed, how) => {
        const old = { named: 1, other: { named: value } };
        expect(found(old, { named: 'x', other: { named: mutate(value, seed, how) } }, rules)).not.toEqual([]);
      }),
    );
  });

  test('tells value, type, missing and extra apart, and shows both values', () => {
    const { differences } = compare({ a: 1, b: 'x', c: null, d: [1] }, { a: 2, b: 5, d: { 0: 1 }, e: false });
    expect(differences).toEqual([
      { kind: 'value', severity: 'medium', path: '$.a', at: '$.a', old: '1', new: '2' },
      { kind: 'type', severity: 'high', path: '$.b', at: '$.b', old: '"x"', new: '5' },
      { kind: 'missing', severity: 'high', path: '$.c', at: '$.c', old: 'null', new: undefined },
      { kind: 'type', severity: 'high', path: '$.d', at: '$.d', old: '[1]', new: '{"0": 1}' },
      { kind: 'extra', severity: 'low', path: '$.e', at: '$.e', old: undefined, new: 'false' },
    ]);
  });

  test('reports an element more or less as one difference, not as a shift of all that follow', () => {
    expect(found([1, 2, 3, 4], [9, 1, 2, 3, 4])).toEqual(['extra $[0]']);
    expect(found([{ a: 1 }, { a: 2 }, { a: 3 }], [{ a: 1 }, { a: 3 }])).toEqual(['missing $[1]']);
  });

  test('reports another order as one difference', () => {
    expect(found({ list: [1, 2, 3] }, { list: [3, 1, 2] })).toEqual(['order $.list']);
    expect(found([{ a: [1, 2] }, 5], [{ a: [2, 1] }, 5])).toEqual(['order $[0].a']);
  });

  test('finds what changed in one element of many', () => {
    const list = Array.from({ length: 50 }, (_, id) => ({ id, price: id * 1.1 }));
    const changed = list.with(20, { id: 20, price: 1 });
    expect(compare(list, changed).differences).toMatchObject([
      { path: '$[*].price', at: '$[20].price', old: '22', new: '1' },
    ]);
  });

  test('counts 19.90 and 19.9 as the same number, "19.90" as another type', () => {
    expect(found(parseJson('{"a":19.90}'), parseJson('{"a":19.9}'))).toEqual([]);
    expect(found(parseJson('{"a":"19.90"}'), parseJson('{"a":19.9}'))).toEqual(['type $.a']);
    expect(found(parseJson('{"a":-0,"b":1e2}'), parseJson('{"a":0,"b":100}'))).toEqual([]);
  });

  test('distinguishes integers beyond 2^53', () => {
    expect(found(parseJson('[9007199254740992]'), parseJson('[9007199254740993]'))).toEqual(['value $[0]']);
    expect(found(parseJson('[9007199254740993]'), parseJson('[9007199254740993.0]'))).toEqual([]);
    expect(found(parseJson('[9007199254740993,1]'), parseJson('[1,9007199254740993]'))).toEqual(['order $']);
  });

  test('treats __proto__, constructor and toString as names like any other', () => {
    const hostile = parseJson('{"__proto__":{"x":1},"constructor":1,"toString":2,"hasOwnProperty":3}');
    expect(found(hostile, parseJson('{"__proto__":{"x":2},"constructor":1,"toString":2,"hasOwnProperty":3}'))).toEqual([
      'value $.__proto__.x',
    ]);
    expect(found({}, hostile)).toHaveLength(4);
    expect(found(hostile, {})).toHaveLength(4);
    expect(found([hostile, 1], [1, hostile])).toEqual(['order $']);
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });
});

describe('the budget of a walk', () => {
  const nested = (depth: number, inside: string) =>
    parseJson(`${'{"a":['.repeat(depth / 2)}${inside}${']}'.repeat(depth / 2)}`);

  test('lets 90,000 levels be compared without a stack overflow, and finds a change at the bottom', () => {
    expect(compare(nested(90_000, '1'), nested(90_000, '1'))).toMatchObject({ differences: [], complete: true });
    const { differences } = compare(nested(90_000, '1'), nested(90_000, '2'));
    expect(differences).toMatchObject([{ kind: 'value', old: '1', new: '2' }]);
  });

  test('ends a comparison deeper than 100,000 levels as incomplete', () => {
    expect(compare(nested(120_000, '1'), nested(120_000, '1'))).toMatchObject({ differences: [], complete: false });
  });

  test('ends a comparison of more places than it may look at as incomplete', () => {
    const many = Array(300_000).fill(1);
    expect(compare(many, [...many], [], BUDGET)).toMatchObject({ differences: [], complete: false });
    expect(compare([1, 2, 3], [1, 2, 3], [], { ...PATIENT, nodes: 3 }).complete).toBe(false);
  });

  test('stops at a thousand differences', () => {
    const { differences, complete } = compare(Array(5000).fill({ a: 1 }), Array(5000).fill({ a: 2 }));
    expect(differences).toHaveLength(1000);
    expect(complete).toBe(false);
  });
});
