import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type Counts, parsePlan } from '@strangler/plan';
import pino from 'pino';
import { JudgeLoop } from './judge-loop.ts';
import type { RampEvent } from './ramp.ts';
import { type CapabilityState, initialState } from './state.ts';
import { TOKENS } from './testing/bed.ts';

const LOOK_MS = 1_000;
const PLAN = parsePlan(
  JSON.stringify({
    ...{ version: 1, name: 'test', monolith: { url: 'http://127.0.0.1:1' }, flags: { file: 'flags.json' } },
    control: { listen: '127.0.0.1:0', tokens: TOKENS },
    capabilities: {
      shop: {
        ...{ service: { url: 'http://127.0.0.1:2' }, routes: ['ANY /shop/**'], anonymous: 'monolith' },
        user: [{ header: 'x-user' }],
      },
    },
  }),
  {},
).capabilities.shop!;

let alerts: string[];
let happened: RampEvent[];
let state: CapabilityState;
let loop: JudgeLoop;

beforeEach(() => {
  jest.useFakeTimers();
  [alerts, happened] = [[], []];
  state = { ...initialState(0), boundary: 5_000, target: 5_000 };
  loop = new JudgeLoop({
    ...{ name: 'shop', plan: PLAN, log: pino({ level: 'silent' }), state: () => state, isOpen: () => true },
    happen: async (event) => {
      happened.push(event(state));
    },
    alert: (reason) => alerts.push(reason),
  });
});
afterEach(() => {
  jest.useRealTimers();
});

const count = (side: Counts['side'], requests: number, errors = 0) =>
  loop.count({ capability: 'shop', side, requests, errors, hard: 0, clientErrors: 0, latency: 0, writers: [] });
/** So many seconds of requests to both sides, with so many errors of a hundred at either. */
async function pass(seconds: number, errors: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    jest.advanceTimersByTime(LOOK_MS);
    count('service', 100, errors);
    count('monolith', 100, errors);
    await loop.tick();
  }
}

describe('who is told', () => {
  const BOTH = expect.stringMatching(/lately; monolith: \d+ of \d+ requests failed$/);
  const UNKNOWN = expect.stringContaining('not known that it keeps the limit');

  test('faults 52: what comes and goes is told once, of each rule', async () => {
    for (let spell = 0; spell < 5; spell++) {
      await pass(120, 40);
      expect(loop.verdict.rule).toBe('both-sides');
      await pass(480, 0);
    }
    expect(alerts).toEqual([BOTH, UNKNOWN]);
  });

  test('… and again after a quiet time, and of the next step', async () => {
    await pass(120, 40);
    await pass(1_300, 0);
    await pass(120, 40);
    expect(alerts).toEqual([BOTH, UNKNOWN, BOTH]);
    loop.restart();
    await pass(120, 40);
    expect(alerts).toEqual([BOTH, UNKNOWN, BOTH, BOTH]);
  });
});

test('a ramp goes on when its step has been passing for a minute on end, not in the first good moment', async () => {
  const ramp = { state: 'ramping', steps: [50, 100], step: 0, since: 'now' } as const;
  state = { ...state, ramp, dwell: 120_000 };
  await pass(300, 6);
  expect(happened).toEqual([]);
  await pass(10, 0);
  const before = performance.now();
  while (!happened.length && performance.now() - before < 3_600_000) await pass(1, 0);
  expect(happened).toMatchObject([{ type: 'judged' }]);
  const { passing } = happened[0] as RampEvent & { type: 'judged' };
  expect(passing).toBeGreaterThanOrEqual(60_000);
  expect(passing).toBeLessThan(62_000);
});
