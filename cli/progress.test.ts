import { describe, expect, test } from '@jest/globals';
import type { CapabilityStatus } from '@strangler/plan';
import { progressOf, renderProgress } from './progress.ts';

const rest: CapabilityStatus = {
  capability: 'orders',
  boundary: 1_000,
  target: 1_000,
  flag: 10,
  epoch: 3,
  phase: 'idle',
  pins: 0,
  behind: 0,
  unproven: [],
  ramp: { state: 'idle' },
  verdict: { verdict: 'unsure', rule: 'few-requests', reason: '3 requests' },
  gates: [],
  waitsFor: [],
  withoutUser: {
    reads: { requests: 0, absent: 0, unreadable: 0, unknown: 0 },
    writes: { requests: 0, absent: 0, unreadable: 0, unknown: 0 },
  },
  streams: [],
  backfill: [],
  quarantine: { open: 0, settled: 0 },
  corrections: [],
};
const moving = { epoch: 4, subject: { lo: 1_000, hi: 1_100 }, from: 'monolith', to: 'service' } as const;
const ramping = { state: 'ramping', steps: [10, 25, 50], step: 1, since: '2026-03-01T12:00:00Z' } as const;

describe('on the way to a percentage', () => {
  const goal = { kind: 'set', boundary: 2_500 } as const;

  test('it is done when everybody is there and nobody moves', () => {
    expect(progressOf({ ...rest, boundary: 2_500, target: 2_500 }, goal, true)).toEqual({ state: 'done' });
    expect(progressOf({ ...rest, boundary: 2_500, target: 2_500, phase: 'flipped', moving }, goal, true).state).toBe(
      'going',
    );
  });

  test('it says who moves, what it waits for, and that it begins', () => {
    const going = (more: Partial<CapabilityStatus>) => progressOf({ ...rest, target: 2_500, ...more }, goal, false);
    expect(going({ moving, phase: 'holding' })).toEqual({ state: 'going', taken: true, what: 'moving 10 % to 11 %' });
    expect(going({ waitsFor: ['lag is 2 s', 'no verify'] })).toEqual({
      state: 'going',
      taken: true,
      what: 'waits: lag is 2 s (and 1 more)',
    });
    expect(going({})).toEqual({ state: 'going', taken: true, what: 'begins' });
  });

  test('what was asked before is not mistaken for somebody else, what is asked after is', () => {
    expect(progressOf(rest, goal, false)).toEqual({ state: 'going', taken: false, what: 'waits for control' });
    expect(progressOf({ ...rest, target: 5_000 }, goal, true)).toEqual({
      state: 'failed',
      reason: 'somebody asked for 50 % meanwhile',
    });
  });

  test('a rollback by the judge ends it with the reason', () => {
    const ramp = { state: 'rolling-back', reason: 'errors', urgent: true } as const;
    expect(progressOf({ ...rest, target: 0, ramp }, goal, true)).toEqual({
      state: 'failed',
      reason: 'rolled back: errors',
    });
    expect(
      progressOf({ ...rest, target: 0, ramp: { state: 'rolled-back', reason: 'last week' } }, goal, false).state,
    ).toBe('going');
  });
});

describe('on the way through a ramp', () => {
  const goal = { kind: 'ramp', boundary: 5_000 } as const;

  test('a step that is watched says what the judge thinks', () => {
    expect(progressOf({ ...rest, ramp: { ...ramping, step: 0 } }, goal, false)).toEqual({
      state: 'going',
      taken: true,
      what: 'watching step 1 of 3 (10 %), judge unsure: 3 requests',
    });
  });

  test('its later steps are no change of mind', () => {
    expect(progressOf({ ...rest, target: 2_500, ramp: ramping }, goal, true)).toMatchObject({ state: 'going' });
  });

  test('a pause and a percentage set by somebody end it', () => {
    const { since: _, ...steps } = ramping;
    expect(progressOf({ ...rest, ramp: { ...steps, state: 'paused', reason: 'flag moved' } }, goal, true)).toEqual({
      state: 'failed',
      reason: 'paused at 10 %: flag moved',
    });
    expect(progressOf(rest, goal, true).state).toBe('failed');
  });
});

describe('on the way back', () => {
  test('rolling back is what was asked for', () => {
    const goal = { kind: 'rollback', boundary: 0 } as const;
    const ramp = { state: 'rolling-back', reason: 'by hand', urgent: false } as const;
    expect(progressOf({ ...rest, target: 0, ramp }, goal, false)).toEqual({
      state: 'going',
      taken: true,
      what: 'begins',
    });
    expect(
      progressOf({ ...rest, boundary: 0, target: 0, ramp: { ...ramp, state: 'rolled-back' } }, goal, true).state,
    ).toBe('done');
    expect(renderProgress(rest, goal, 'begins', 3)).toBe('orders ██░░░░░░░░░░░░░░░░░░ 10 % → 0 %  3 s  begins');
  });
});
