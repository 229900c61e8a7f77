import { describe, expect, test } from '@jest/globals';
import type { CapabilityStatus, Status } from '@strangler/plan';
import { plain } from './paint.ts';
import { renderStatus } from './status-view.ts';
import { widthOf } from './text.ts';

const now = Date.parse('2026-03-01T12:00:00Z');
const notifications: CapabilityStatus = {
  capability: 'notifications',
  boundary: 10_000,
  target: 10_000,
  flag: 100,
  epoch: 12,
  phase: 'idle',
  pins: 0,
  behind: 0,
  unproven: [],
  ramp: { state: 'complete' },
  verdict: { verdict: 'pass', rule: 'errors', reason: '12 of 5031 requests failed, at most 5.00 %' },
  gates: [],
  waitsFor: [],
  withoutUser: {
    reads: { requests: 0, absent: 0, unreadable: 0, unknown: 0 },
    writes: { requests: 0, absent: 0, unreadable: 0, unknown: 0 },
  },
  streams: [
    { stream: 'notifications:forward', direction: 'forward', state: 'running', lag: 34 },
    { stream: 'notifications:reverse', direction: 'reverse', state: 'running', lag: 28 },
  ],
  backfill: [{ table: 'notifications', done: 56_902, total: 56_902, finished: true }],
  quarantine: { open: 0, settled: 2 },
  corrections: [{ direction: 'forward', cause: 'retried-purchase', rows: 2, open: 0, unexpected: 0 }],
  verified: { at: '2026-03-01T11:50:00Z', rows: 69_659, mismatches: 0 },
  surveyed: { at: '2026-03-01T11:00:00Z', changes: 640, unexplained: 12 },
};
const orders: CapabilityStatus = {
  capability: 'orders',
  boundary: 3_400,
  target: 5_000,
  flag: 50,
  epoch: 34,
  phase: 'holding',
  moving: { epoch: 34, subject: { lo: 3_400, hi: 3_500 }, from: 'monolith', to: 'service' },
  pins: 1,
  behind: 2,
  unproven: [],
  ramp: { state: 'ramping', steps: [10, 25, 50, 75, 100], step: 2, since: '2026-03-01T11:59:20Z' },
  verdict: { verdict: 'unsure', rule: 'few-requests', reason: '12 requests to the service, fewer than 50' },
  gates: ['the lag of orders:forward is 1.4 s, above 1.0 s', 'the last verify is 61 min old, above 60 min'],
  waitsFor: [],
  withoutUser: {
    reads: { requests: 900, absent: 51, unreadable: 0, unknown: 0 },
    writes: { requests: 340, absent: 10, unreadable: 2, unknown: 0 },
    why: 'the header x-user is not ASCII',
  },
  streams: [
    { stream: 'orders:forward', direction: 'forward', state: 'running', lag: 1_400 },
    { stream: 'orders:reverse', direction: 'reverse', state: 'stopped', lag: null, reason: 'a gap in the ticks' },
  ],
  backfill: [
    { table: 'orders', done: 12_000, total: 56_902, finished: false },
    { table: 'order_items', done: 0, total: 0, finished: false },
  ],
  quarantine: { open: 1, settled: 0 },
  corrections: [
    { direction: 'forward', cause: 'late-write', rows: 1, open: 1, unexpected: 0 },
    { direction: 'forward', cause: 'overwritten', rows: 3, open: 0, unexpected: 0 },
    { direction: 'reverse', cause: 'overwritten', rows: 4, open: 0, unexpected: 2 },
    { direction: 'forward', cause: 'born', rows: 12, open: 0, unexpected: 0 },
  ],
};
const search: CapabilityStatus = {
  ...notifications,
  capability: 'search',
  boundary: 0,
  target: 0,
  flag: null,
  flagProblem: 'flag search is missing; there is no percentage for it',
  ramp: { state: 'rolled-back', reason: '12 of the last 12 requests failed hard' },
  verdict: { verdict: 'fail', rule: 'hard-failures', reason: '12 of the last 12 requests failed hard' },
  streams: [],
  backfill: [],
  quarantine: { open: 0, settled: 0 },
  corrections: [],
};
delete (search as { verified?: unknown }).verified;
delete (search as { surveyed?: unknown }).surveyed;
const status: Status = {
  plan: 'shop',
  control: { life: 'a', since: '2026-03-01T11:20:00Z', active: true },
  proxies: [
    { proxy: 'proxy-1', connected: true, pid: 11, lostFor: null },
    { proxy: 'proxy-2', connected: false, pid: 12, lostFor: 12_300 },
  ],
  capabilities: [notifications, orders, search],
};
const show = (shown: Status, width = 100): string => renderStatus(shown, { width, paint: plain, now }).join('\n');

describe('the status', () => {
  test('says where users are, what the ramps do and what holds them', () => {
    expect(show(status)).toBe(
      `
shop  control active for 40 min
1 proxy connected, lost: proxy-2 (for 12.3 s)

CAPABILITY     ON SERVICE        FLAG  RAMP         JUDGE   GATES
notifications       100 %       100 %  complete     pass    open
orders               34 %        50 %  ramping 3/5  unsure  2 closed
search                0 %  unreadable  rolled back  fail    open

notifications
  users       ████████████████████████ 100 % on the service
  ramp        complete: every step was passed
  judge       pass: 12 of 5031 requests failed, at most 5.00 %
  gates       open: nothing keeps users from moving on
  sync        to service running, 34 ms behind
              to monolith running, 28 ms behind
  backfill    copied, 56902 rows
  quarantine  none open, 2 settled
  kept        retried-purchase 2
  verified    69659 rows agree, 10 min ago
  surveyed    12 of 640 changes unexplained, 60 min ago

orders
  users       ████████░░░░░░░░░░░░░░░░ 34 % on the service, and 1 user pinned by name
              2 users left behind while a write of theirs is under way; they follow later
  no user     12 of 340 writes and 51 of 900 reads of ten minutes named no user that can be read;
              the newest that could not be read: the header x-user is not ASCII
  moving      users between 34 % and 35 % to the service, on the way to 50 % (their writes are held)
  ramp        step 3 of 5: 10 → 25 → [50] → 75 → 100 %, for 40 s
  judge       unsure: 12 requests to the service, fewer than 50
  gates       closed: the lag of orders:forward is 1.4 s, above 1.0 s
              closed: the last verify is 61 min old, above 60 min
  sync        to service running, 1.4 s behind
              to monolith stopped (a gap in the ticks)
  backfill    orders 12000 of 56902 (21 %), order_items 0 of 0
  quarantine  1 row open: a person must decide
  kept        overwritten 7 (2 unexpected), born 12
  verified    never

search
  users       ░░░░░░░░░░░░░░░░░░░░░░░░ 0 % on the service
  flag        not followed: flag search is missing; there is no percentage for it
  ramp        rolled back: 12 of the last 12 requests failed hard
  judge       fail: 12 of the last 12 requests failed hard
  gates       open: nothing keeps users from moving on`.trim(),
    );
  });

  test.each([[70], [80], [120]])('fits a terminal of %d columns', (width) => {
    for (const line of show(status, width).split('\n')) expect(widthOf(line)).toBeLessThanOrEqual(width);
  });

  test('a standby and a system without proxies say so', () => {
    const text = show({ ...status, control: { ...status.control, active: false }, proxies: [] });
    expect(text).toContain('shop  control standby: another control is active');
    expect(text).toContain('no proxy is connected');
  });

  test('a step that is watched and users that wait before a gate look different', () => {
    const waiting = { ...orders, phase: 'idle' as const };
    delete (waiting as { moving?: unknown }).moving;
    expect(show({ ...status, capabilities: [waiting] })).toContain('  moving      waiting, on the way to 50 %');
    expect(show({ ...status, capabilities: [{ ...waiting, target: 3_400 }] })).not.toContain('moving ');
  });

  test('faults 78: nothing a terminal obeys comes through from a reason', () => {
    const reason = 'fail\x1b[2J\r\nFAKE\u202e';
    const text = show({ ...status, capabilities: [{ ...search, ramp: { state: 'rolled-back', reason } }] });
    expect(text).toContain('rolled back: fail [2J FAKE');
    for (const obeyed of ['\x1b', '\r', '\u202e']) expect(text).not.toContain(obeyed);
  });
});
