import { afterEach, describe, expect, test } from '@jest/globals';
import { Spill } from './spill.ts';

const spills: Spill[] = [];
const make = (): Spill => {
  const spill = new Spill();
  spills.push(spill);
  return spill;
};
afterEach(() => {
  for (const spill of spills.splice(0)) spill.close();
});
const EVERYTHING = { rows: 1_000, bytes: 1_000_000 };
const texts = (batches: Iterable<Buffer[]>) => [...batches].map((batch) => batch.map(String));

describe('a transaction that does not fit into memory', () => {
  test('gives its messages in the order of their numbers, each once, however often they come', () => {
    const spill = make();
    for (const number of [2, 1, 3, 2, 1]) spill.add(number, Buffer.from(`row ${number}`));
    spill.add(4, null);
    expect(spill.size).toBe(4);
    expect([spill.has(4), spill.has(5)]).toEqual([true, false]);
    expect(texts(spill.batches(EVERYTHING))).toEqual([['row 1', 'row 2', 'row 3']]);
    expect(texts(spill.batches({ rows: 2, bytes: 1_000 }))).toEqual([['row 1', 'row 2'], ['row 3']]);
    expect(texts(spill.batches({ rows: 100, bytes: 5 }))).toEqual([['row 1'], ['row 2'], ['row 3']]);
  });

  test('finds the newest message that carries a row', () => {
    const spill = make();
    spill.add(1, Buffer.from('old'), ['orders 7']);
    spill.add(2, Buffer.from('new'), ['orders 7']);
    expect(String(spill.find('orders 7'))).toBe('new');
    expect(spill.find('orders 8')).toBeUndefined();
  });

  test('keeps late changes of an aggregate together, in the order in which the aggregates came', () => {
    const spill = make();
    for (const [root, body] of [
      ['b', 'b1'],
      ['a', 'a1'],
      ['b', 'b2'],
      ['c', 'c1'],
    ] as const)
      spill.addLate({ root, body });
    expect([...spill.lateBatches({ rows: 1, bytes: 1_000 })]).toEqual([['b1', 'b2'], ['a1'], ['c1']]);
    expect([...spill.lateBatches(EVERYTHING)]).toEqual([['b1', 'b2', 'a1', 'c1']]);
    spill.clearLate();
    expect([...spill.lateBatches(EVERYTHING)]).toEqual([]);
  });
});
