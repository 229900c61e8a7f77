import { describe, expect, test } from '@jest/globals';
import { type Facts, limits, type PartState, restAfter, step, unknownState } from './reconcile.ts';

const facts: Facts = { now: 0, wish: 1, alive: false, answers: false, needsReady: true, neededStill: false };
const started: PartState = { ...unknownState(0), phase: 'starting', wish: 1 };
const ready: PartState = { ...started, phase: 'ready' };

describe('one step towards what is wished', () => {
  test('a part that is wished is started once what it needs is ready', () => {
    const waiting = step(unknownState(0), { ...facts, needsReady: false });
    expect(waiting).toMatchObject({ state: { phase: 'waiting' } });
    expect(waiting.effect).toBeUndefined();
    expect(step(waiting.state, facts)).toMatchObject({ state: { phase: 'starting' }, effect: 'start' });
  });

  test('a server that is found alive is adopted and asked, not started again', () => {
    const { state, effect } = step(unknownState(0), { ...facts, alive: true });
    expect(effect).toBeUndefined();
    expect(step(state, { ...facts, alive: true, answers: true })).toMatchObject({ state: { phase: 'ready' } });
  });

  test('a server that is killed after it had answered is started again at once, and many times over', () => {
    let state = ready;
    for (let kill = 1; kill < limits.deaths; kill++) {
      const dead = step(state, { ...facts, now: kill });
      expect(dead.state).toMatchObject({ phase: 'resting', failures: 0, restarts: kill });
      const waiting = step(dead.state, { ...facts, now: kill });
      expect(step(waiting.state, { ...facts, now: kill }).effect).toBe('start');
      state = { ...dead.state, phase: 'ready' };
    }
    expect(step(state, { ...facts, now: limits.deaths }).state.phase).toBe('failed');
  });

  test('a server that dies before it answers rests longer each time and is given up after five', () => {
    let state = started;
    let now = 0;
    for (let failure = 1; failure < limits.failures; failure++) {
      state = step(state, { ...facts, now }).state;
      expect(state).toMatchObject({ phase: 'resting', failures: failure });
      expect(step(state, { ...facts, now: now + restAfter(failure) - 1 }).state.phase).toBe('resting');
      now += restAfter(failure);
      state = step(step(state, { ...facts, now }).state, { ...facts, now }).state;
      expect(state.phase).toBe('starting');
    }
    state = step(state, { ...facts, now }).state;
    expect(state.phase).toBe('failed');
    expect(step(state, { ...facts, now: now + 1e9 })).toEqual({ state });
  });

  test('a new wish forgives a part that was given up', () => {
    const failed: PartState = { ...started, phase: 'failed', failures: 5 };
    expect(step(failed, { ...facts, wish: 2 })).toMatchObject({
      state: { phase: 'starting', failures: 0 },
      effect: 'start',
    });
  });

  test('a server that does not answer in time is killed and given up', () => {
    const late = { ...facts, alive: true, now: limits.start + 1 };
    expect(step(started, late)).toMatchObject({ state: { phase: 'failed' }, effect: 'kill' });
  });

  test('a part that is no longer wished is asked to stop once, and killed when patience ends', () => {
    const unwished = { ...facts, wish: undefined, alive: true };
    const asked = step(ready, unwished);
    expect(asked).toMatchObject({ state: { phase: 'stopping' }, effect: 'ask to stop' });
    expect(step(asked.state, { ...unwished, now: 1 }).effect).toBeUndefined();
    expect(step(asked.state, { ...unwished, now: limits.stop + 1 }).effect).toBe('kill');
    expect(step(asked.state, { ...unwished, alive: false, now: 2 }).state.phase).toBe('stopped');
  });

  test('whoever needs a part stops before it', () => {
    const unwished = { ...facts, wish: undefined, alive: true, neededStill: true };
    expect(step(ready, unwished)).toEqual({ state: ready });
  });

  test('a part that is wished again while it stops goes down first and then comes up', () => {
    const stopping: PartState = { ...ready, phase: 'stopping' };
    const waits = step(stopping, { ...facts, wish: 2, alive: true });
    expect(waits).toMatchObject({ state: { phase: 'stopping' } });
    expect(step(waits.state, { ...facts, wish: 2 }).state.phase).toBe('waiting');
  });
});
