import { describe, expect, test } from '@jest/globals';
import { type Capability, type Moving, parsePlan } from '@strangler/plan';
import { underPlan } from './as-one.ts';
import { movesOf } from './handoff-state.ts';
import { type CapabilityState, initialState } from './state.ts';

const shop = (written: string): Capability =>
  parsePlan(
    `{ version: 1, name: test, monolith: { url: http://127.0.0.1:1 },
       control: { tokens: { admin: an-admin-token, proxy: a-proxy-token }, state: state.json }, capabilities: { shop:
       { service: { url: http://127.0.0.1:2 }, routes: [ANY /shop/**], ${written} } } }`,
    {},
  ).capabilities.shop!;
const NONE = shop('split: none');
const USERS = shop('user: [{ header: x-user }], anonymous: monolith');

const state = (over: Partial<CapabilityState>): CapabilityState => ({ ...initialState(0), ...over });
const under = (over: Partial<CapabilityState>) => underPlan('shop', NONE, state(over));
const moving = (over: Partial<Moving['subject']>): Partial<CapabilityState> => ({
  ...{ phase: 'holding', epoch: 3, target: 10_000 },
  moving: { epoch: 3, subject: { lo: 0, hi: 10_000, ...over }, from: 'monolith', to: 'service' },
});
const movesIn = (one: CapabilityState) => [...movesOf(one, 10_000, () => 7)];

describe('a capability whose Plan splits no users any more', () => {
  test.each<[string, Partial<CapabilityState>, string]>([
    ['some are on the service', { boundary: 2_500, target: 0 }, '25 % of them are on the service'],
    ['some are to be', { target: 2_500 }, 'they are to be at 25 %'],
    [
      'a ramp brings some there',
      { boundary: 10_000, target: 10_000, ramp: { state: 'ramping', steps: [50, 100], step: 1, since: '' } },
      'a ramp to 50, 100 % is under way',
    ],
    ['somebody is on the service', { pins: { ada: 'service' }, desired: { ada: 'service' } }, 'user ada is'],
    ['somebody is on their way back', { pins: { ada: 'service' }, desired: { ada: 'bucket' } }, 'user ada is'],
    ['somebody is to be there', { desired: { ada: 'service' } }, 'user ada is'],
    [
      'somebody stays on the monolith',
      { boundary: 10_000, target: 10_000, pins: { ada: 'monolith' }, desired: { ada: 'monolith' } },
      'user ada is',
    ],
    [
      'five are',
      { pins: Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((user) => [user, 'service'])) },
      'users a, b, c and 2 more are',
    ],
    ['a slice is being handed over', moving({ hi: 100 }), 'a handoff of some of them'],
    ['a user is being handed over', { ...moving({ hi: 1, user: 'ada' }), target: 0 }, 'a handoff of some of them'],
  ])('does not begin while %s, and it is said who', (_, over, why) => {
    expect(() => under(over)).toThrow(why);
    expect(() => under(over)).toThrow('say split: users again');
    expect(underPlan('shop', USERS, state(over))).toEqual(state(over));
  });

  test('begins when all are on one side, though some have a name still, or a ramp through the middle was paused', () => {
    const desired = { ada: 'bucket', bob: 'behind', cy: 'monolith', dan: 'bucket' } as const;
    const pins = { ada: 'monolith', cy: 'monolith' } as const;
    const paused = { state: 'paused', reason: 'set', steps: [10, 25], step: 0 } as const;
    const one = under({ desired, pins, ramp: paused });
    expect(one).toMatchObject({ ramp: { state: 'idle' }, pins, desired: { ada: 'together', cy: 'together' } });
    expect(movesIn(one)).toEqual([]);
    expect(under(moving({}))).toMatchObject({ phase: 'holding' });
  });

  test('takes names along, and goes on with that after a crash; to the Plan that splits them again they are users', () => {
    const there = { ...under({ pins: { ada: 'monolith' } }), boundary: 10_000, target: 10_000 };
    const subject = { lo: 7, hi: 8, user: 'ada' };
    expect(movesIn(there)).toEqual([{ subject, from: 'monolith', to: 'service', urgent: false }]);
    expect(under(there)).toEqual(there);
    expect(under({ ...there, ...moving(subject) })).toMatchObject({ phase: 'holding' });
    const users = underPlan('shop', USERS, there);
    expect(users.desired).toEqual({ ada: 'bucket' });
    expect(() => under(users)).toThrow('user ada is');
  });
});
