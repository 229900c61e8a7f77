import { describe, expect, test } from '@jest/globals';
import { tableOf } from '../plan/testing/table.ts';
import { gatesOf, type SyncReport } from './gates.ts';

const CAPABILITY = {
  tables: { orders: tableOf({ user: 'user_id' }) },
  guard: {
    errors: 0.05,
    hardFailures: 10,
    minimumRequests: 50,
    withoutUser: 0.01,
    lag: 1_000,
    verifiedWithin: 3_600_000,
  },
};
const stream = (direction: 'forward' | 'reverse', over: Partial<SyncReport['streams'][number]> = {}) => ({
  ...{ stream: `shop:${direction}`, direction, state: 'running' as const, lag: 20, silent: 100 },
  ...over,
});
const OPEN: SyncReport = {
  streams: [stream('forward'), stream('reverse')],
  backfill: [{ table: 'orders', done: 5, total: 5, finished: true }],
  quarantine: { open: 0, settled: 3 },
  corrections: [],
  verified: { at: '2026-01-01T00:00:00.000Z', begun: '2025-12-31T23:59:00.000Z', rows: 5, mismatches: 0, age: 1_000 },
  unreadable: [],
};
const forward = (over: Partial<SyncReport['streams'][number]>): SyncReport => ({
  ...OPEN,
  streams: [stream('forward', over), stream('reverse')],
});
const { verified: _, ...unverified } = OPEN;

describe('gates', () => {
  test('a sync in order keeps nobody', () => {
    expect(gatesOf(CAPABILITY, OPEN, 200, null)).toEqual([]);
    expect(gatesOf(CAPABILITY, forward({ state: 'waiting' }), 200, null)).toEqual([]);
  });

  test('a capability without tables has no gates', () => {
    expect(gatesOf({ ...CAPABILITY, tables: {} }, undefined, 1e9, null)).toEqual([]);
  });

  test.each<[string, SyncReport | undefined, number, RegExp]>([
    ['nothing read yet', undefined, 0, /not been read/],
    ['a report that is old', OPEN, 2_001, /last read 2.0 s ago/],
    ['faults 71: lag above the limit', forward({ lag: 1_001 }), 0, /lag of shop:forward is 1.0 s/],
    ['faults 71: lag unknown', forward({ lag: null }), 0, /not known/],
    ['an applier that stopped', forward({ state: 'stopped', reason: 'a gap in the ticks' }), 0, /stopped: a gap/],
    ['a stream that stands still', forward({ state: 'stalled', reason: 'nothing for 40 s' }), 0, /stalled: nothing/],
    ['an applier that never ran', forward({ state: 'unknown' }), 0, /unknown/],
    ['an applier that fell silent', forward({ silent: 2_001 }), 0, /silent for 2.0 s/],
    [
      'a backfill under way',
      { ...OPEN, backfill: [{ table: 'orders', done: 1, total: 5, finished: false }] },
      0,
      /backfill of orders/,
    ],
    ['a backfill that never began', { ...OPEN, backfill: [] }, 0, /backfill of orders/],
    ['open quarantine', { ...OPEN, quarantine: { open: 2, settled: 0 } }, 0, /2 rows in quarantine/],
    ['no verify', unverified, 0, /nothing has been verified/],
    ['faults 72: mismatches', { ...OPEN, verified: { ...OPEN.verified!, mismatches: 1 } }, 0, /1 mismatches/],
    ['an old verify', { ...OPEN, verified: { ...OPEN.verified!, age: 3_600_001 } }, 0, /60 min old/],
    [
      'faults 51: a database that does not answer',
      { ...OPEN, unreadable: ['shop:forward cannot be read'] },
      0,
      /cannot be read/,
    ],
  ])('%s closes a gate and says why', (_, report, age, why) => {
    const closed = gatesOf(CAPABILITY, report, age, null);
    expect(closed).toHaveLength(1);
    expect(closed[0]).toMatch(why);
  });
});
