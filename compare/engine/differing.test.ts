import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isContainer, type Json, parseJson } from '../reply/json.ts';
import { BUDGET, Meter, PATIENT } from './budget.ts';
import { Differing } from './differing.ts';

const names = fc.constantFrom('a', 'b', '0', '__proto__', 'constructor', 'toString', 'valueOf');
const leaves = fc.constantFrom('null', '0', '1', '"0"', '""', 'false', '9007199254740993', '9007199254740992', '1e400');
const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaves,
    fc.array(tie('json'), { maxLength: 3 }).map((elements) => `[${elements.join()}]`),
    fc
      .array(fc.tuple(names, tie('json')), { maxLength: 3 })
      .map((members) => `{${members.map(([name, value]) => `"${name}":${value}`).join()}}`),
  ),
}));
/** Two documents, alike more often than not: one text in which some leaves are replaced. */
const LEAF = /(?<=[[:,]|^)[^[\]{},:]+(?=[\]},]|$)/g;
const alike = fc
  .tuple(json, leaves, leaves)
  .map(([text, from, to]) => [text, text.replace(LEAF, (leaf) => (leaf === from ? to : leaf))] as const);

type Pair = readonly [old: Json, newer: Json];

/** Two values and all inside of them that the look sees side by side. */
function pairsIn(old: Json, newer: Json): Pair[] {
  const here: Pair = [old, newer];
  if (!isContainer(old) || !isContainer(newer) || Array.isArray(old) !== Array.isArray(newer)) return [here];
  if (Array.isArray(old) && old.length !== newer.length) return [here];
  const [olds, news] = [old, newer] as unknown as [Record<string, Json>, Record<string, Json>];
  const common = Object.keys(old).filter((name) => Object.hasOwn(newer, name));
  return [here, ...common.flatMap((name) => pairsIn(olds[name]!, news[name]!))];
}

const look = (old: Json, newer: Json, budget = PATIENT) => {
  const differing = new Differing();
  return { differs: differing.mayDiffer(old, newer, new Meter(budget)), differing };
};

describe('a look through two documents', () => {
  test.each([
    ['that are alike', alike],
    ['of any kind', fc.tuple(json, json)],
  ])('%s says of each pair of values in them whether they are deeply equal', (_, documents) => {
    fc.assert(
      fc.property(documents, ([a, b]) => {
        const [old, newer] = [parseJson(a), parseJson(b)];
        const { differs, differing } = look(old, newer);
        expect(differs).toBe(!isDeepStrictEqual(old, newer));
        for (const pair of pairsIn(old, newer)) expect(differing.differ(...pair)).toBe(!isDeepStrictEqual(...pair));
        expect(differing.complete).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  test.each([
    ['{"__proto__":{}}', '{"a":1}'],
    ['{"a":{}}', '{"__proto__":{}}'],
    ['{"toString":null}', '{"a":null}'],
    ['{"a":1}', '{"b":1}'],
    ['{"a":1}', '{"a":1,"b":1}'],
    ['{"0":1}', '[1]'],
    ['[9007199254740993]', '[9007199254740992]'],
    ['[9007199254740993]', '[{}]'],
    ['[{"a":[1,2]}]', '[{"a":[1]}]'],
  ])('tells %s from %s, both ways', (a, b) => {
    expect(look(parseJson(a), parseJson(b)).differs).toBe(true);
    expect(look(parseJson(b), parseJson(a)).differs).toBe(true);
  });

  test('takes 9007199254740993 and 9007199254740993.0 for the same number', () => {
    expect(look(parseJson('[9007199254740993]'), parseJson('[9007199254740993.0]')).differs).toBe(false);
  });

  test('counts every place, and is incomplete if there are more than its budget has', () => {
    const document = parseJson('{"a":[1,{"b":2}],"c":3}');
    for (let nodes = 0; nodes < 8; nodes++) {
      const { differs, differing } = look(document, structuredClone(document), { ...PATIENT, nodes });
      expect([differs, differing.complete]).toEqual([false, nodes >= 6]);
    }
  });

  test('ends once its time is up', () => {
    let now = 0;
    const differing = new Differing();
    const lists = parseJson(`[${'[1,2,3],'.repeat(10_000)}0]`);
    const meter = new Meter(BUDGET, () => now++ * 100);
    expect(differing.mayDiffer(lists, structuredClone(lists), meter)).toBe(false);
    expect(differing.complete).toBe(false);
  });
});
