import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { initialState } from './state.ts';
import { Stragglers } from './stragglers.ts';
import { Bed } from './testing/bed.ts';
import type { TestProxy } from './testing/proxy.ts';

/* Users whose writes are in the way of everybody else of their range. */
let bed: Bed;
let proxy: TestProxy;
beforeEach(async () => {
  bed = await Bed.open({ shop: { handoff: { slice: 10_000, hold: '600ms', writeFate: '300ms' } } });
  await bed.start();
  proxy = await bed.proxy();
});
afterEach(() => bed.close());

/** While `busy` says so, a write of ada is in the way of whatever moves her away from where she is. */
function adaIsBusy(with_: { inFlight: number; unknownFor: number }, busy: () => boolean): void {
  proxy.flight = (flight) => {
    const moving = proxy.latest!.capabilities.shop!.moving!;
    const isHers = moving.subject.user === undefined ? !hasName() : moving.subject.user === 'ada';
    if (!busy() || !isHers || moving.from !== side()) return flight;
    const who = { inFlightOf: with_.inFlight ? ['ada'] : [], unknownOf: with_.unknownFor ? ['ada'] : [] };
    return { ...flight, ...with_, ...who };
  };
}
const hasName = () => Object.hasOwn(proxy.latest!.capabilities.shop!.pins, 'ada');
/** Where she is: everybody begins on the monolith. */
let side: () => 'monolith' | 'service' = () => 'monolith';
beforeEach(() => {
  side = () => 'monolith';
});

describe('a user whose write is in the way', () => {
  test.each([
    ['of unknown fate', { inFlight: 0, unknownFor: 60_000 }],
    ['still under way, as an upload that drips is', { inFlight: 1, unknownFor: 0 }],
  ])('%s is left behind: everybody else moves, and she follows when it has ended', async (_, write) => {
    let busy = true;
    adaIsBusy(write, () => busy);
    await bed.post('set', { percentage: 100 });
    await bed.until('100 % without her', ({ boundary, behind }) => boundary === 10_000 && behind === 1);
    expect((await bed.owner('ada')).side).toBe('monolith');
    expect((await bed.owner('bob')).side).toBe('service');
    const [left] = await bed.records('left-behind');
    expect(left).toMatchObject({ actor: 'control', inputs: { users: ['ada'], subject: { lo: 0, hi: 10_000 } } });
    busy = false;
    await bed.until('ada to follow', ({ behind }) => behind === 0);
    for (const end = performance.now() + 10_000; (await bed.owner('ada')).side !== 'service'; )
      expect(performance.now()).toBeLessThan(end);
  });

  test('keeps nobody else from going back, and a rollback ends only when she is back too', async () => {
    await bed.post('set', { percentage: 100 });
    await bed.until('100 %', ({ boundary, phase }) => boundary === 10_000 && phase === 'idle');
    side = () => 'service';
    let busy = true;
    adaIsBusy({ inFlight: 0, unknownFor: 100 }, () => busy);
    await bed.post('rollback', {});
    await bed.until('0 %', ({ boundary, phase }) => boundary === 0 && phase === 'idle');
    expect((await bed.owner('bob')).side).toBe('monolith');
    expect(await bed.shop()).toMatchObject({ ramp: { state: 'rolling-back' } });
    busy = false;
    await bed.until('rolled back', ({ ramp }) => ramp.state === 'rolled-back');
    expect((await bed.owner('ada')).side).toBe('monolith');
  });

  test('is taken along by an urgent rollback, whatever her writes do', async () => {
    await bed.post('set', { percentage: 100 });
    await bed.until('100 %', ({ boundary, phase }) => boundary === 10_000 && phase === 'idle');
    side = () => 'service';
    adaIsBusy({ inFlight: 1, unknownFor: 0 }, () => true);
    await bed.post('set', { percentage: 0 });
    await bed.until('0 % without her', ({ boundary, behind }) => boundary === 0 && behind === 1);
    expect((await bed.owner('ada')).side).toBe('service');
    await bed.post('rollback', { now: true });
    await bed.until('rolled back', ({ ramp, behind }) => ramp.state === 'rolled-back' && behind === 0);
    expect((await bed.owner('ada')).side).toBe('monolith');
  });
});

test('who is left behind again and again is tried more and more rarely, and after a restart of control at once', () => {
  const state = { ...initialState(0), desired: { ada: 'behind', bob: 'bucket' }, pins: { ada: 'monolith' } } as const;
  const stragglers = new Stragglers(1_000);
  expect(stragglers.due(state, 0)).toEqual(['ada']);
  for (const [now, wait] of [
    [0, 1_000],
    [5_000, 2_000],
    [9_000, 4_000],
    [20_000, 8_000],
    [40_000, 16_000],
    [90_000, 32_000],
    [200_000, 32_000],
  ] as const) {
    stragglers.left(['ada'], now);
    expect(stragglers.due(state, now + wait - 1)).toEqual([]);
    expect(stragglers.rest(state, 60_000, now)).toBe(wait);
    expect(stragglers.due(state, now + wait)).toEqual(['ada']);
  }
});

test('writes that may be anybody’s keep the whole range', async () => {
  let young = true;
  proxy.flight = (flight) => ({ ...flight, unknownFor: young ? 100 : 0 });
  await bed.post('set', { percentage: 10 });
  for (const end = performance.now() + 15_000; (await bed.records('cancel')).length < 2; )
    expect(performance.now()).toBeLessThan(end);
  expect(await bed.records('left-behind')).toEqual([]);
  young = false;
  await bed.until('10 %', ({ boundary }) => boundary === 1_000);
});
