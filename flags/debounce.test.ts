import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CALM_MS, dueAt, observe, settled } from './debounce.ts';

describe('a flag over time', () => {
  test('one change counts at once, up or down', () => {
    expect(observe(settled(10), 50, 1_000).published).toBe(50);
    expect(observe(settled(50), 10, 1_000).published).toBe(10);
  });

  test('after a calm while the next rise counts at once again', () => {
    const first = observe(settled(10), 25, 1_000);
    expect(observe(first, 50, 1_000 + CALM_MS).published).toBe(50);
  });

  test('a second rise soon after is held until the flag has kept still', () => {
    const held = observe(observe(settled(10), 25, 1_000), 50, 1_100);
    expect(held.published).toBe(25);
    expect(dueAt(held)).toBe(1_100 + CALM_MS);
    expect(observe(held, 50, 1_099 + CALM_MS).published).toBe(25);
    expect(observe(held, 50, 1_100 + CALM_MS).published).toBe(50);
  });

  test('faults 45: a flag that flips 10 times a second rises and falls once, and settles where it ends', () => {
    let steady = settled(10);
    const published = [10];
    for (let at = 0; at < 100; at++) {
      steady = observe(steady, at % 2 ? 10 : 50, 5_000 + at * 100);
      if (steady.published !== published.at(-1)) published.push(steady.published);
    }
    expect(published).toEqual([10, 50, 10]);
    const rising = observe(steady, 50, 5_000 + 100 * 100);
    expect(observe(rising, 50, rising.changedAt + CALM_MS).published).toBe(50);
  });

  test('never more than was seen, and always what was seen last once it is calm', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ to: fc.integer({ min: 0, max: 100 }), after: fc.integer({ min: 0, max: 2 * CALM_MS }) })),
        (moves) => {
          let steady = settled(0);
          let now = 0;
          for (const { to, after } of moves) {
            now += after;
            steady = observe(steady, to, now);
            expect(steady.published).toBeLessThanOrEqual(to);
          }
          expect(observe(steady, steady.seen, now + CALM_MS).published).toBe(steady.seen);
        },
      ),
    );
  });
});
