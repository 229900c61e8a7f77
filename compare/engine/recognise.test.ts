import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compareReplies, PATIENT, type Rule, toReply } from '../index.ts';

const reply = (body: unknown) =>
  toReply({ status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const compare = (old: unknown, newer: unknown, rules: readonly Rule[] = []) =>
  compareReplies(reply(old), reply(newer), rules, { budget: PATIENT });
const found = (old: unknown, newer: unknown) => compare(old, newer).differences.map(({ kind, at }) => `${kind} ${at}`);
const unordered = (path: string): Rule => ({ id: path, reason: 'test', path, kind: 'unordered' });

const scalar = fc.constantFrom<unknown>(0, 1, 2, 'a', 'b', null, true);
const element = fc.oneof(
  scalar,
  fc.record({ id: fc.nat(6), v: scalar }),
  fc.record({ id: fc.nat(3), list: fc.array(scalar, { maxLength: 3 }) }),
  fc.record({ a: scalar, b: fc.record({ c: scalar }) }, { requiredKeys: ['b'] }),
  fc.array(scalar, { maxLength: 2 }),
);
/** A list and another order of it. */
const permuted = fc
  .array(element, { maxLength: 9 })
  .chain((list) =>
    fc
      .shuffledSubarray([...list.keys()], { minLength: list.length, maxLength: list.length })
      .map((order) => [list, order.map((at) => list[at])] as const),
  );

describe('elements that are recognised', () => {
  test('make any order of a list equal where order does not count', () => {
    fc.assert(
      fc.property(permuted, ([old, newer]) => {
        expect(compare({ old }, { old: newer }, [unordered('$.old')]).differences).toEqual([]);
      }),
      { numRuns: 3000 },
    );
  });

  test('make another order one difference, or none, where it does', () => {
    fc.assert(
      fc.property(permuted, ([old, newer]) => {
        const differences = compare(old, newer).differences;
        const same = JSON.stringify(old) === JSON.stringify(newer);
        if (same) expect(differences).toEqual([]);
        else expect(differences.length).toBeGreaterThan(0);
      }),
      { numRuns: 3000 },
    );
  });

  test('never let an element be another one: one value changed in any order is found', () => {
    fc.assert(
      fc.property(permuted, fc.nat(), ([old, newer], at) => {
        fc.pre(newer.length > 0);
        const changed = newer.with(at % newer.length, 'nothing else is this');
        expect(compare(old, changed, [unordered('$')]).kind).toBe('mismatch');
      }),
      { numRuns: 2000 },
    );
  });

  test('are told apart by their ids first, so what moved and changed is compared with itself', () => {
    const old = [1, 2, 3].map((id) => ({ id, total: id * 10 }));
    expect(
      found(old, [
        { id: 3, total: 30 },
        { id: 1, total: 11 },
        { id: 2, total: 20 },
      ]),
    ).toEqual(['order $', 'value $[0].total']);
    expect(
      found(old, [
        { id: 1, total: 10 },
        { id: 3, total: 31 },
      ]),
    ).toEqual(['missing $[1]', 'value $[2].total']);
    expect(
      found(old, [
        { id: 1, total: 10 },
        { id: 9, total: 20 },
        { id: 3, total: 30 },
      ]),
    ).toEqual(['value $[1].id']);
  });

  test('without ids are told apart by their content', () => {
    expect(found([{ a: [1] }, { a: [2] }, { a: [3] }], [{ a: [2] }, { a: [3] }])).toEqual(['missing $[0]']);
    expect(
      found(
        [
          [1, 2],
          [3, 4],
        ],
        [
          [3, 4],
          [1, 2],
        ],
      ),
    ).toEqual(['order $']);
    expect(found(['x', 'y', 'y', 'z'], ['y', 'x', 'y', 'z'])).toEqual(['order $']);
  });

  test('keep big ids apart that a double would make one', () => {
    const list = (...ids: string[]) =>
      toReply({
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: `[${ids.map((id) => `{"id":${id},"v":${id.slice(-1)}}`)}]`,
      });
    const { differences } = compareReplies(
      list('9007199254740992', '9007199254740993'),
      list('9007199254740993', '9007199254740992'),
    );
    expect(differences.map(({ kind, at }) => `${kind} ${at}`)).toEqual(['order $']);
  });
});
