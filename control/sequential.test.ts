import { describe, expect, test } from '@jest/globals';
import { AboveTest, BelowTest, chanceOfSoFew, DAILY_BUDGET, WorseTest } from './sequential.ts';
import type { SideTallies } from './tallies.ts';

const SECOND = 1_000;
const tally = (requests: number, errors = 0, hard = 0) => ({ requests, errors, hard });
const block = (service: ReturnType<typeof tally>, monolith: ReturnType<typeof tally>) => ({ service, monolith });

/** Blocks until the evidence is clear; `most` if it never is. */
function blocksUntilClear(test: WorseTest, made: (nth: number) => Parameters<WorseTest['take']>[0], most = 10_000) {
  for (let nth = 0; nth < most; nth++) {
    if (test.evidence >= 1) return nth;
    test.take(made(nth), 2 * SECOND, true);
  }
  return most;
}

describe('the test whether the service is worse', () => {
  test('blocks in which the service alone has errors are clear after ten to twenty', () => {
    const blocks = blocksUntilClear(new WorseTest(), () => block(tally(100, 5), tally(100)));
    expect(blocks).toBeGreaterThan(10);
    expect(blocks).toBeLessThanOrEqual(20);
  });

  test('a block counts once, however many errors it has', () => {
    const few = blocksUntilClear(new WorseTest(), () => block(tally(100, 20), tally(100)));
    expect(blocksUntilClear(new WorseTest(), () => block(tally(100, 100), tally(100)))).toBe(few);
  });

  test('turns taken, errors of both, and none at all are never clear', () => {
    const turns = (nth: number) => (nth % 2 ? block(tally(100, 9), tally(100)) : block(tally(100), tally(100, 9)));
    expect(blocksUntilClear(new WorseTest(), turns)).toBe(10_000);
    expect(blocksUntilClear(new WorseTest(), () => block(tally(100, 40), tally(100, 40)))).toBe(10_000);
    expect(blocksUntilClear(new WorseTest(), () => block(tally(100), tally(100)))).toBe(10_000);
  });

  test('evidence of now is of the blocks in which the service was bad, as long as they are not far apart', () => {
    const one = new WorseTest();
    const take = (times: number, tallies: SideTallies, isBad: boolean) => {
      for (let nth = 0; nth < times; nth++) one.take(tallies, 2 * SECOND, isBad);
    };
    const worse = block(tally(100, 5), tally(100));
    take(20, worse, false);
    expect(one.evidence).toBeGreaterThan(0);
    expect(one.lately).toBe(1);
    // Down for four seconds of every thirty.
    for (let nth = 0; nth < 10; nth++) {
      take(2, worse, true);
      take(13, block(tally(100), tally(100)), false);
    }
    expect(one.lately).toBeGreaterThan(20);
    take(300, worse, false);
    expect(one.lately).toBe(1);
    take(20, block(tally(100, 30), tally(100, 30)), true);
    expect(one.lately).toBeLessThan(2);
  });

  test('clear evidence fades when the service is good again', () => {
    const one = new WorseTest();
    blocksUntilClear(one, () => block(tally(100, 5), tally(100)));
    for (let nth = 0; nth < 300; nth++) one.take(block(tally(100), tally(100)), 2 * SECOND, false);
    expect(one.evidence).toBeLessThan(1);
  });

  test('however the errors of both fall, evidence is no more than the budget on average', () => {
    // All ways in which eight errors, a block each, can be one side’s or the other’s: each as likely as the next.
    let sum = 0;
    for (let ways = 0; ways < 256; ways++) {
      const one = new WorseTest();
      for (let nth = 0; nth < 8; nth++) {
        const ours = (ways >> nth) & 1;
        one.take(block(tally(20, ours), tally(20, 1 - ours)), 2 * SECOND, true);
      }
      sum += one.evidence;
    }
    expect(sum / 256).toBeLessThanOrEqual(2 * DAILY_BUDGET);
    expect(sum).toBeGreaterThan(0);
  });
});

describe('the tests against the limit', () => {
  test('a service at the limit is not above it, one far above is after some blocks', () => {
    const [at, above] = [new AboveTest(0.05), new AboveTest(0.05)];
    for (let nth = 0; nth < 10_000; nth++) at.take(tally(20, 1), 5 * SECOND);
    for (let nth = 0; nth < 40; nth++) above.take(tally(20, 6), 5 * SECOND);
    expect(at.evidence).toBeLessThan(0.01);
    expect(above.evidence).toBeGreaterThan(1);
  });

  test('the ends of the scale: a limit of nothing forbids errors, a limit of everything allows all', () => {
    const [nothing, everything] = [new AboveTest(0), new AboveTest(1)];
    for (let nth = 0; nth < 20; nth++) nothing.take(tally(20, 1), 5 * SECOND);
    for (let nth = 0; nth < 10_000; nth++) everything.take(tally(20, 20), 5 * SECOND);
    expect(nothing.evidence).toBeGreaterThan(1);
    expect(everything.evidence).toBeLessThan(0.01);
  });

  test('good blocks make the monolith known to be below the limit, one bad one makes that doubtful, a bad day is made good', () => {
    const below = new BelowTest(0.05);
    const good = (blocks: number) => {
      for (let nth = 0; nth < blocks; nth++) below.take(tally(20));
      return below.evidence >= 1_000;
    };
    expect(good(100)).toBe(false);
    expect(good(200)).toBe(true);
    below.take(tally(20, 20));
    expect(below.evidence).toBeLessThan(1_000);
    for (let nth = 0; nth < 10_000; nth++) below.take(tally(20, 6));
    expect([good(150), good(250)]).toEqual([false, true]);
  });
});

test('failures of one side alone are no chance once the other has answered often enough', () => {
  const failing = (requests: number, failures = 0) => ({ requests, failures });
  expect(chanceOfSoFew({ service: failing(10, 10), monolith: failing(10) })).toBeCloseTo(1 / 184_756, 9);
  expect(chanceOfSoFew({ service: failing(10, 10), monolith: failing(0) })).toBeCloseTo(1, 6);
  expect(chanceOfSoFew({ service: failing(10, 10), monolith: failing(10, 10) })).toBeCloseTo(1, 6);
  expect(chanceOfSoFew({ service: failing(1e6, 1e6), monolith: failing(1e6, 5) })).toBeLessThan(1e-9);
});
