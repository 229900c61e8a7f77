import { describe, expect, test } from '@jest/globals';
import { type Evidence, EvidenceWindow, type Sample } from './evidence.ts';
import { judge } from './judge.ts';

const THRESHOLDS = { errors: 0.05, hardFailures: 10, minimumRequests: 50 };
const tally = (requests: number, errors = 0, hard = 0) => ({ requests, errors, hard });
const NOTHING: Sample = { monolith: tally(0), service: tally(0) };
const of = (service: ReturnType<typeof tally>, monolith = tally(0), burst = NOTHING): Evidence => ({
  all: { service, monolith },
  recent: { service, monolith },
  burst,
});
const verdict = (evidence: Evidence) => {
  const { verdict, rule } = judge(evidence, THRESHOLDS);
  return `${verdict} ${rule}`;
};

/** A repeatable stream of numbers in [0, 1): mulberry32. */
const randomOf = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
};

describe('judge', () => {
  test.each([
    ['faults 50: no requests are no verdict', of(tally(0)), 'unsure few-requests'],
    ['faults 50: 49 good requests are none either', of(tally(49), tally(1_000)), 'unsure few-requests'],
    ['enough good requests pass', of(tally(50), tally(1_000)), 'pass errors'],
    ['errors within the limit, like the monolith’s, pass', of(tally(1_000, 10), tally(1_000, 9)), 'pass errors'],
    ['errors above the limit and clearly above the monolith’s fail', of(tally(100, 20), tally(900, 2)), 'fail errors'],
    ['a monolith without a single error is a baseline too', of(tally(100, 20), tally(900, 0)), 'fail errors'],
    ['errors above the limit, but few, are not clear', of(tally(50, 3), tally(50, 1)), 'unsure not-clear'],
    ['faults 52: both sides bad alike: nobody is blamed', of(tally(500, 100), tally(500, 98)), 'unsure both-sides'],
    ['clearly worse, but within the limit, holds', of(tally(4_000, 80), tally(4_000, 2)), 'unsure worse-within-limit'],
    ['without the monolith’s traffic the limit alone decides', of(tally(200, 60)), 'fail errors-alone'],
    ['… and just above it is not clear', of(tally(200, 12)), 'unsure not-clear'],
    [
      'bad for half a minute fails although the whole step looks good',
      {
        all: { service: tally(100_000, 300), monolith: tally(100_000, 50) },
        recent: { service: tally(1_000, 250), monolith: tally(1_000, 1) },
        burst: NOTHING,
      },
      'fail errors',
    ],
    [
      'ten hard failures fail before there is anything else',
      of(tally(10, 10, 10), tally(0), { ...NOTHING, service: tally(10, 10, 10) }),
      'fail hard-failures',
    ],
    [
      'ten hard failures among many good answers do not',
      of(tally(40, 10, 10), tally(40), { ...NOTHING, service: tally(40, 10, 10) }),
      'unsure few-requests',
    ],
    [
      'faults 52: hard failures of both sides blame nobody',
      of(tally(10, 10, 10), tally(30, 30, 30), { service: tally(10, 10, 10), monolith: tally(30, 30, 30) }),
      'unsure both-sides',
    ],
  ] satisfies [string, Evidence, string][])('%s', (_, evidence, expected) => {
    expect(verdict(evidence)).toBe(expected);
  });

  test('faults 51: counts that are not numbers never pass', () => {
    expect(verdict(of({ requests: Number.NaN, errors: 0, hard: 0 }))).not.toMatch(/^pass/);
  });

  /** Runs both sides for `looks` batches and gives the first verdict that ends it. */
  const simulate = (seed: number, rates: { service: number; monolith: number }, split: number, looks: number) => {
    const random = randomOf(seed);
    const window = new EvidenceWindow();
    for (let look = 1; look <= looks; look++) {
      const counted = { service: { requests: 0, errors: 0 }, monolith: { requests: 0, errors: 0 } };
      for (let request = 0; request < 20; request++) {
        const side = random() < split ? 'service' : 'monolith';
        counted[side].requests++;
        if (random() < rates[side]) counted[side].errors++;
      }
      for (const side of ['service', 'monolith'] as const) {
        const counts = { capability: 'x', side, ...counted[side], hard: 0, clientErrors: 0, latency: 0, writers: [] };
        window.add(counts, look * 100);
      }
      const { verdict } = judge(window.read(look * 100, 10), THRESHOLDS);
      if (verdict === 'fail') return { failed: true, requests: window.read(look * 100, 10).all.service.requests };
    }
    return { failed: false, requests: 0 };
  };

  test('faults 52: equal sides are never rolled back, healthy or sick, however often one looks', () => {
    let wrong = 0;
    for (let seed = 0; seed < 240; seed++) {
      const rate = [0, 0.001, 0.01, 0.06, 0.2, 0.6][seed % 6]!;
      const split = [0.1, 0.25, 0.5, 0.9][Math.floor(seed / 6) % 4]!;
      if (simulate(seed, { service: rate, monolith: rate }, split, 200).failed) wrong++;
    }
    expect(wrong).toBeLessThanOrEqual(1);
  });

  test('a service that fails one request in five is found within 400 of its requests', () => {
    const found = Array.from({ length: 60 }, (_, seed) => simulate(seed, { service: 0.2, monolith: 0.001 }, 0.25, 400));
    expect(found.filter(({ failed, requests }) => failed && requests <= 400).length).toBeGreaterThanOrEqual(57);
  });

  test('the same evidence gives the same verdict: a record can be judged again', () => {
    const evidence = of(tally(100, 20), tally(900, 2));
    expect(judge(JSON.parse(JSON.stringify(evidence)), THRESHOLDS)).toEqual(judge(evidence, THRESHOLDS));
  });
});
