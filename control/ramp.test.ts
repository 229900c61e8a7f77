import { describe, expect, test } from '@jest/globals';
import type { RampState } from '@strangler/plan';
import fc from 'fast-check';
import { type RampEvent, toBuckets, transition, type Wanted } from './ramp.ts';

const NOW = '2026-01-01T00:00:00.000Z';
const LATER = '2026-01-01T00:10:00.000Z';
const STEPS = [10, 25, 50];

const at = (ramp: RampState, target = 0): Wanted => ({ ramp, target, dwell: 1_000 });
const ramping: RampState = { state: 'ramping', steps: STEPS, step: 0, since: NOW };
const paused: RampState = { state: 'paused', reason: 'lunch', steps: STEPS, step: 0 };
const rollingBack: RampState = { state: 'rolling-back', reason: 'bad', urgent: false };

const after = (wanted: Wanted, event: RampEvent): Wanted => {
  const result = transition(wanted, event, LATER);
  return result && 'wanted' in result ? result.wanted : wanted;
};
const effects = (wanted: Wanted, event: RampEvent) => {
  const result = transition(wanted, event, LATER);
  return result && 'effects' in result ? result.effects : [];
};
const refused = (wanted: Wanted, event: RampEvent): boolean => {
  const result = transition(wanted, event, LATER);
  return result !== undefined && 'refused' in result;
};

describe('ramp', () => {
  test('start begins at the first step above where users are, and moves the flag there', () => {
    const event: RampEvent = { type: 'start', steps: STEPS, dwell: 5, at: 1_000 };
    expect(after(at({ state: 'idle' }), event)).toEqual({
      ramp: { state: 'ramping', steps: [25, 50], step: 0, since: LATER },
      target: 2_500,
      dwell: 5,
    });
    expect(effects(at({ state: 'idle' }), event)).toEqual([{ kind: 'flag', percentage: 25, reason: 'ramp started' }]);
  });

  test('start is refused while one is under way, during a rollback, and with no step above', () => {
    const event: RampEvent = { type: 'start', steps: STEPS, dwell: 5, at: 0 };
    expect(refused(at(ramping, 1_000), event)).toBe(true);
    expect(refused(at(rollingBack), event)).toBe(true);
    expect(refused(at({ state: 'idle' }), { ...event, at: 5_000 })).toBe(true);
  });

  test('a step is left only with a pass, open gates, the dwell over and everybody arrived', () => {
    const wanted = at(ramping, 1_000);
    const event: RampEvent = { type: 'judged', passing: 1_000, dwelt: 1_000, open: true, at: 1_000 };
    expect(after(wanted, event)).toMatchObject({ ramp: { step: 1, since: LATER }, target: 2_500 });
    for (const not of [{ passing: undefined }, { dwelt: 999 }, { open: false }, { at: 990 }] as const) {
      expect(transition(wanted, { ...event, ...not }, LATER)).toBeUndefined();
    }
  });

  test('a good moment is luck: it must have been passing for a minute, or for the whole of a shorter dwell', () => {
    const judged = (dwell: number, passing: number) =>
      transition(
        { ...at(ramping, 1_000), dwell },
        { type: 'judged', passing, dwelt: 600_000, open: true, at: 1_000 },
        LATER,
      );
    for (const dwell of [60_000, 600_000]) {
      expect(judged(dwell, 59_999)).toBeUndefined();
      expect(judged(dwell, 60_000)).toBeDefined();
    }
    expect(judged(5_000, 4_999)).toBeUndefined();
    expect(judged(5_000, 5_000)).toBeDefined();
    expect(judged(0, 0)).toBeDefined();
  });

  test('the last step ends in complete', () => {
    const last = at({ ...ramping, step: 2 }, 5_000);
    expect(after(last, { type: 'judged', passing: 1_000, dwelt: 1_000, open: true, at: 5_000 }).ramp).toEqual({
      state: 'complete',
    });
  });

  test('pause keeps users where they are, resume goes on to the step above', () => {
    const wanted = after(at(ramping, 1_000), { type: 'pause', reason: 'lunch', at: 400 });
    expect(wanted).toEqual(at(paused, 400));
    expect(after(wanted, { type: 'resume', at: 400 })).toEqual(at({ ...ramping, since: LATER }, 1_000));
  });

  test('a person who moves the flag or sets a percentage pauses the ramp and is obeyed', () => {
    for (const type of ['set', 'flag'] as const) {
      const wanted = after(at(ramping, 1_000), { type, percentage: 33.33, reason: 'Ada' });
      expect(wanted).toEqual({ ...at({ ...paused, reason: 'Ada' }), target: 3_333 });
    }
    expect(effects(at(ramping), { type: 'flag', percentage: 5, reason: 'Ada' })).toEqual([]);
    expect(effects(at(ramping), { type: 'set', percentage: 5, reason: 'Ada' })).toHaveLength(1);
  });

  test('a rollback writes the flag, tells the webhook, and only everybody on the monolith ends it', () => {
    const event: RampEvent = { type: 'rollback', urgent: true, reason: 'bad' };
    expect(effects(at(ramping, 1_000), event)).toEqual([
      { kind: 'flag', percentage: 0, reason: 'bad' },
      { kind: 'webhook', reason: 'bad' },
    ]);
    const wanted = after(at(ramping, 1_000), event);
    expect(wanted).toMatchObject({ ramp: { state: 'rolling-back', urgent: true }, target: 0 });
    expect(transition(wanted, { type: 'arrived', at: 100 }, LATER)).toBeUndefined();
    expect(after(wanted, { type: 'arrived', at: 0 }).ramp).toEqual({ state: 'rolled-back', reason: 'bad' });
  });

  test('an orderly rollback becomes urgent when the judge says so, never the other way', () => {
    const urgent = after(at(rollingBack), { type: 'rollback', urgent: true, reason: 'worse' });
    expect(urgent.ramp).toMatchObject({ urgent: true });
    expect(transition(urgent, { type: 'rollback', urgent: false, reason: 'calm' }, LATER)).toBeUndefined();
  });

  test('a flag moved up during a rollback is written back to 0', () => {
    const event: RampEvent = { type: 'flag', percentage: 40, reason: 'Ada' };
    expect(after(at(rollingBack), event)).toEqual(at(rollingBack));
    expect(effects(at(rollingBack), event)).toEqual([{ kind: 'flag', percentage: 0, reason: 'bad' }]);
  });

  test('faults 40: percentages are exact buckets', () => {
    expect([0, 0.01, 0.07, 12.34, 29.29, 57.57, 100].map(toBuckets)).toEqual([0, 1, 7, 1_234, 2_929, 5_757, 10_000]);
  });
});

describe('model of the ramp', () => {
  const percentage = fc.integer({ min: 0, max: 10_000 }).map((buckets) => buckets / 100);
  const kind = fc.oneof(
    fc.record({
      type: fc.constant('start' as const),
      steps: fc.uniqueArray(percentage, { minLength: 1, maxLength: 4 }),
    }),
    fc.constant({ type: 'pause' as const }),
    fc.constant({ type: 'resume' as const }),
    fc.record({ type: fc.constantFrom('set' as const, 'flag' as const), percentage }),
    fc.record({ type: fc.constant('rollback' as const), urgent: fc.boolean() }),
    fc.record({ type: fc.constant('walk' as const), slice: fc.integer({ min: 1, max: 10_000 }) }),
    fc.record({ type: fc.constant('judged' as const), passing: fc.constantFrom(10, undefined) }),
  );
  type World = { wanted: Wanted; boundary: number };
  const step = ({ wanted, boundary }: World, event: typeof kind extends fc.Arbitrary<infer T> ? T : never): World => {
    const say = (said: RampEvent): World => ({ wanted: after(wanted, said), boundary });
    switch (event.type) {
      case 'walk': {
        const by = Math.sign(wanted.target - boundary) * Math.min(event.slice, Math.abs(wanted.target - boundary));
        const moved = boundary + by;
        return {
          wanted: moved === wanted.target ? after(wanted, { type: 'arrived', at: moved }) : wanted,
          boundary: moved,
        };
      }
      case 'start':
        return say({ type: 'start', steps: event.steps.sort((a, b) => a - b), dwell: 10, at: boundary });
      case 'pause':
        return say({ type: 'pause', reason: 'x', at: boundary });
      case 'resume':
        return say({ type: 'resume', at: boundary });
      case 'judged':
        return say({ type: 'judged', passing: event.passing, dwelt: 10, open: true, at: boundary });
      case 'rollback':
        return say({ type: 'rollback', urgent: event.urgent, reason: 'x' });
      default:
        return say({ type: event.type, percentage: event.percentage, reason: 'x' });
    }
  };

  test('faults 53: from every state a rollback ends with everybody on the monolith, whatever else is asked meanwhile', () => {
    fc.assert(
      fc.property(fc.array(kind, { maxLength: 30 }), fc.array(kind, { maxLength: 10 }), (before, during) => {
        let world: World = { wanted: at({ state: 'idle' }), boundary: 0 };
        for (const event of before) {
          world = step(world, event);
          if (world.wanted.target < 0 || world.wanted.target > 10_000) throw new Error('target out of range');
        }
        world = { ...world, wanted: after(world.wanted, { type: 'rollback', urgent: false, reason: 'x' }) };
        for (const event of during) {
          if (world.wanted.ramp.state !== 'rolling-back') break;
          world = step(world, event);
          if (world.wanted.target !== 0) throw new Error(`led away by ${JSON.stringify(event)}`);
        }
        if (world.wanted.ramp.state === 'rolling-back') world = step(world, { type: 'walk', slice: 10_000 });
        expect(world).toMatchObject({ boundary: 0, wanted: { target: 0, ramp: { state: 'rolled-back' } } });
      }),
      { numRuns: 10_000 },
    );
  });

  test('a ramp never leads down', () => {
    fc.assert(
      fc.property(fc.array(kind, { maxLength: 40 }), (events) => {
        let world: World = { wanted: at({ state: 'idle' }), boundary: 0 };
        for (const event of events) {
          const { ramp, target } = world.wanted;
          world = step(world, event);
          if (ramp.state === 'ramping' && world.wanted.ramp.state === 'ramping' && world.wanted.target < target) {
            throw new Error(`led down by ${JSON.stringify(event)}`);
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
