import { expect, test } from '@jest/globals';
import type { Move } from './handoff-state.ts';
import { waitsFor } from './move-gates.ts';
import { initialState } from './state.ts';

const names = Array.from({ length: 1_000 }, (_, at) => [`vip${at}`, 'service'] as const);
const FULL = { ...initialState(0), desired: Object.fromEntries(names), pins: Object.fromEntries(names) };
const RANGE: Move = { subject: { lo: 0, hi: 100 }, from: 'monolith', to: 'service', urgent: false };
const ADA: Move = { subject: { lo: 7, hi: 8, user: 'ada' }, from: 'service', to: 'monolith', urgent: false };
const OPEN = { forward: [], of: () => [] };
const CLOSED_FORWARD = { forward: ['lag'], of: ({ to }: Move) => (to === 'service' ? ['lag'] : []) };
const UNDER_WAY = ['writes under way: so many users are known by name that no more are left behind'];

test('a move waits for writes of users only if its last try failed because of them, however many names there are', () => {
  expect(waitsFor(FULL, OPEN, [RANGE], () => false)).toEqual([]);
  expect(waitsFor(FULL, OPEN, [RANGE], () => true)).toEqual(UNDER_WAY);
  expect(waitsFor(FULL, OPEN, [RANGE, ADA], (move) => move === RANGE)).toEqual([]);
  expect(waitsFor(initialState(0), OPEN, [RANGE], () => true)).toEqual([]);
});

test('of moves whose gates are closed only those of the first are told, if no other move is open', () => {
  expect(waitsFor(FULL, CLOSED_FORWARD, [], () => true)).toEqual([]);
  expect(waitsFor(FULL, CLOSED_FORWARD, [RANGE], () => false)).toEqual(['lag']);
  expect(waitsFor(FULL, CLOSED_FORWARD, [RANGE, ADA], () => false)).toEqual([]);
  expect(waitsFor(FULL, CLOSED_FORWARD, [RANGE, ADA], (move) => move === ADA)).toEqual(UNDER_WAY);
});
