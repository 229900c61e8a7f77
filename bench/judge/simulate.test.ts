import { describe, expect, test } from '@jest/globals';
import { quantile } from '../figures.ts';
import { Before } from './before.ts';
import { type Change, day, detection, regularsMeet, rolledBackAfter } from './simulate.ts';
import { KINDS, type Load } from './traffic.ts';

const HOUR = 3_600_000;
const load = (speed: number, share: number, rate: number, more: Partial<Load> = {}): Load => ({
  ...{ speed, share, rates: { monolith: rate, service: rate }, kind: 'single', hard: false },
  ...more,
});
const seeds = (count: number) => Array.from({ length: count }, (_, seed) => seed);

describe('the judge on simulated days', () => {
  test('equal sides are not rolled back, however their errors come, at a request a minute', () => {
    const wrong: string[] = [];
    for (const kind of KINDS)
      for (const hard of [false, true])
        for (const share of [0.1, 0.5, 0.9])
          for (const rate of [0.01, 0.06, 0.3])
            for (const seed of seeds(hard && kind === 'spells' ? 0 : 2)) {
              const rule = day(load(1 / 60, share, rate, { kind, hard }), seed);
              if (rule) wrong.push(`${rule}: ${kind} ${hard} ${share} ${rate} ${seed}`);
            }
    expect(wrong).toEqual([]);
  }, 120_000);

  test('equal sides whose users try again are not rolled back at ten requests a second, as the judge before did', () => {
    const wrong = { ours: 0, before: 0 };
    for (const share of [0.1, 0.5])
      for (const seed of seeds(3)) {
        const both = load(10, share, 0.04, { kind: 'retries' });
        if (day(both, seed, { length: 2 * HOUR })) wrong.ours++;
        if (day(both, seed, { length: 2 * HOUR, judging: new Before() })) wrong.before++;
      }
    expect(wrong.ours).toBe(0);
    expect(wrong.before).toBeGreaterThanOrEqual(3);
  }, 120_000);

  test('a busier service whose users try again at once is not rolled back: of its bursts a part is seen, of the monolith’s all', () => {
    const wrong = [0.04, 0.1, 0.3].flatMap((rate) =>
      [0.9, 0.99].flatMap((share) => seeds(2).map((seed) => day(load(1, share, rate, { kind: 'retries' }), seed))),
    );
    expect(wrong).toEqual(wrong.map(() => undefined));
  }, 120_000);

  test('a service alone just below the limit is not rolled back', () => {
    const rules = KINDS.map((kind) => day(load(2, 1, 0.049, { kind }), 1, { length: 6 * HOUR }));
    expect(rules).toEqual(KINDS.map(() => undefined));
  }, 120_000);

  const found = (service: number, monolith: number, history: number, rate: number, hard: boolean, count: number) => {
    const before = load(service + monolith, service / (service + monolith), 0.001, { hard });
    const after = { ...before, rates: { monolith: 0.001, service: rate } };
    return seeds(count).map((seed) => detection({ before, after, history }, seed));
  };

  test('5 % errors after 0.1 % are found no later than before, and within 271 and 646 requests of the service', () => {
    const both = found(10, 90, HOUR / 6, 0.05, false, 20);
    const ours = both.map((one) => one.ours);
    expect(quantile(ours, 0.5)).toBeLessThanOrEqual(271);
    expect(quantile(ours, 0.9)).toBeLessThanOrEqual(646);
    expect(quantile(ours, 0.5)).toBeLessThanOrEqual(
      quantile(
        both.map((one) => one.theirs),
        0.5,
      ),
    );
  }, 120_000);

  test('… also after hours without a fault', () => {
    const ours = found(1, 9, 2 * HOUR, 0.05, false, 20).map((one) => one.ours);
    expect(quantile(ours, 0.5)).toBeLessThanOrEqual(271);
    expect(quantile(ours, 0.9)).toBeLessThanOrEqual(646);
  }, 120_000);

  test('a service that answers nothing but errors is found within two minutes, however many errors are usual', () => {
    const found = [0.01, 0.03, 0.06].flatMap((rate) =>
      [0.1, 0.5, 0.9].flatMap((share) => {
        const before = load(10, share, rate);
        const after = { ...before, rates: { monolith: rate, service: 1 } };
        return seeds(2).map((seed) => rolledBackAfter({ before, after, history: HOUR / 4 }, seed, 120_000));
      }),
    );
    expect(found).toEqual(found.map(() => expect.any(Number)));
  }, 120_000);

  test('a service that cannot be reached is found after a dozen hard failures', () => {
    const ours = found(5, 5, HOUR / 6, 1, true, 20).map((one) => one.ours);
    expect(quantile(ours, 0.5)).toBeLessThanOrEqual(11);
    expect(quantile(ours, 0.9)).toBeLessThanOrEqual(16);
  }, 120_000);

  test.each<[string, Change, number]>([
    ['half of what fifty users ask is refused', regularsMeet(50, 0.5, { hard: true }), 120],
    ['four of ten users can do nothing', regularsMeet(50, 0.4, { kind: 'users', hard: true }), 900],
    ['fifty users get errors four times of five', regularsMeet(50, 0.8), 30],
    ['fifty users get nothing but refusals', regularsMeet(50, 1, { hard: true }), 1],
    ['three users get nothing but refusals', regularsMeet(3, 1, { hard: true }), 120],
    ['three users get nothing but errors', regularsMeet(3, 1), 120],
    ['one user gets nothing but errors', regularsMeet(1, 1), 1_800],
    ['half of what three users ask fails', regularsMeet(3, 0.5), 1_800],
    [
      'it is down for five seconds of every minute',
      regularsMeet(50, 1, { pulse: { lasts: 5_000, every: 60_000 } }),
      1_800,
    ],
    ['it is down for one second of every ten', regularsMeet(50, 1, { pulse: { lasts: 1_000, every: 10_000 } }), 1_800],
  ])('however often the same users come, it is rolled back when %s', (_, change, seconds) => {
    const after = seeds(3).map((seed) => rolledBackAfter(change, seed, seconds * 1_000));
    expect(after).toEqual(after.map(() => expect.any(Number)));
  });

  test('a fault of both sides is of neither, however many users each has', () => {
    const both = [1_000, 100].flatMap((monolith) =>
      [0.1, 0.2].map((rate) => {
        const regulars = { service: 100, monolith };
        const speed = 2 * (100 + monolith);
        return load(speed, 100 / (100 + monolith), rate, { kind: 'users', regulars });
      }),
    );
    const rules = both.flatMap((load) => seeds(2).map((seed) => day(load, seed, { length: HOUR / 6 })));
    expect(rules).toEqual(rules.map(() => undefined));
  });
});
