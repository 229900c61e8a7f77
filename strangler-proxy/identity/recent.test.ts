import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Recent } from './recent.ts';

test('an answer lasts a while from when it was asked for, however often it is wanted', () => {
  const recent = new Recent<string>(10, 1_000);
  recent.set('a', 'one', 0);
  expect(recent.get('a', 999)).toEqual(expect.objectContaining({ answer: 'one' }));
  expect(recent.get('a', 1_000)).toBeUndefined();
  expect(recent.size).toBe(0);
});

test('an answer that was asked for earlier and comes later replaces none', () => {
  const recent = new Recent<string>(10, 1_000);
  recent.set('a', 'new', 5);
  recent.set('a', 'old', 4);
  expect(recent.get('a', 6)?.answer).toBe('new');
});

test('what was wanted longest ago makes room', () => {
  const recent = new Recent<number>(2, 1_000);
  for (const [at, key] of ['a', 'b'].entries()) recent.set(key, at, 0);
  recent.get('a', 1);
  recent.set('c', 2, 1);
  expect(['a', 'b', 'c'].map((key) => recent.get(key, 2)?.answer)).toEqual([0, undefined, 2]);
});

test('it never holds more than it may, nor gives what is too old or was not the last to be asked for', () => {
  const step = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), set: fc.boolean(), wait: fc.nat(400) });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const recent = new Recent<number>(3, 1_000);
      const last = new Map<string, number>();
      let now = 0;
      for (const { key, set, wait } of steps) {
        now += wait;
        if (set) {
          recent.set(key, now, now);
          last.set(key, now);
        }
        const given = recent.get(key, now);
        if (given) expect([given.answer, now - given.answer < 1_000]).toEqual([last.get(key), true]);
        if (set) expect(given?.answer).toBe(now);
        expect(recent.size).toBeLessThanOrEqual(3);
      }
    }),
  );
});
