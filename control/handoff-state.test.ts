import { describe, expect, test } from '@jest/globals';
import type { Side } from '@strangler/plan';
import fc from 'fast-check';
import {
  flipped,
  following,
  forced,
  holding,
  idle,
  isFullOfNames,
  isUrgent,
  leftBehind,
  movesOf,
  nextMove,
  recovery,
  restsOnService,
  rowOf,
  settled,
} from './handoff-state.ts';
import { type CapabilityState, fromRow, initialState, toRow } from './state.ts';

const FRESH = initialState(0);
const bucket = (user: string) => (user === 'ada' ? 42 : 9_000);
const with_ = (over: Partial<CapabilityState>): CapabilityState => ({ ...FRESH, ...over });
const urgently = { state: 'rolling-back', reason: 'x', urgent: true } as const;

describe('the next move', () => {
  test('a range is walked slice by slice, up and down', () => {
    expect(nextMove(with_({ target: 250 }), 100, bucket)).toMatchObject({ subject: { lo: 0, hi: 100 }, to: 'service' });
    const down = nextMove(with_({ boundary: 250, target: 0 }), 100, bucket);
    expect(down).toEqual({ subject: { lo: 150, hi: 250 }, from: 'service', to: 'monolith', urgent: false });
    expect(nextMove(with_({ boundary: 250, target: 250 }), 100, bucket)).toBeUndefined();
  });

  test('an urgent rollback takes the whole range at once', () => {
    const move = nextMove(with_({ boundary: 5_000, target: 0, ramp: urgently }), 100, bucket);
    expect(move).toEqual({ subject: { lo: 0, hi: 5_000 }, from: 'service', to: 'monolith', urgent: true });
    expect(isUrgent(with_({ ramp: { ...urgently, urgent: false } }))).toBe(false);
  });

  test('an urgent rollback begins with a named user whose handoff only the service’s log could end', () => {
    const named = { subject: { lo: 42, hi: 43, user: 'ada' }, from: 'service', to: 'monolith' } as const;
    const naming = holding(with_({ boundary: 40, desired: { ada: 'behind' } }), { ...named, urgent: false });
    const rolledBack = { ...naming, target: 0, desired: { ada: 'bucket' }, ramp: urgently } as const;
    const moves = [...movesOf(rolledBack, 100, bucket)];
    expect(moves).toEqual([
      { ...named, urgent: true },
      { subject: { lo: 0, hi: 40 }, from: 'service', to: 'monolith', urgent: true },
    ]);
    const taken = idle(forced(rolledBack, moves[0]!, { atRisk: [], more: 0 }, 'now'));
    expect(taken).toMatchObject({ pins: { ada: 'monolith' }, unproven: [{ epoch: 2, subject: { user: 'ada' } }] });
    expect([...movesOf(taken, 100, bucket)]).toEqual(moves.slice(1));
    const orderly = { ...rolledBack, ramp: { ...urgently, urgent: false } };
    expect([...movesOf(orderly, 100, bucket)]).toEqual([{ ...moves[1], urgent: false }]);
  });

  test('a pinned user moves by name, also where they are already; a lifted pin follows the bucket', () => {
    const named = { lo: 42, hi: 43, user: 'ada' };
    expect(nextMove(with_({ desired: { ada: 'service' } }), 100, bucket)).toMatchObject({
      subject: named,
      to: 'service',
    });
    expect(nextMove(with_({ desired: { ada: 'monolith' } }), 100, bucket)).toMatchObject({
      subject: named,
      to: 'monolith',
    });
    expect(nextMove(with_({ desired: { ada: 'service' }, pins: { ada: 'service' } }), 100, bucket)).toBeUndefined();
    const lifted = with_({ desired: { ada: 'bucket' }, pins: { ada: 'service' } });
    expect(nextMove(lifted, 100, bucket)).toMatchObject({ subject: named, to: 'monolith' });
    const followed = with_({ ...lifted, boundary: 100, target: 100 });
    expect(nextMove(followed, 100, bucket)).toBeUndefined();
    expect(nextMove(with_({ desired: { ada: 'bucket' } }), 100, bucket)).toBeUndefined();
  });
});

describe('users left behind', () => {
  const names = (state: CapabilityState) => Object.keys(leftBehind(state, ['ada']).desired);

  test.each(['toString', 'constructor', '__proto__', 'hasOwnProperty'])('%s is a user like any other', (user) => {
    const left = leftBehind(FRESH, [user]);
    expect(Object.entries(left.desired)).toEqual([[user, 'behind']]);
    expect(nextMove(left, 100, bucket)).toMatchObject({ subject: { user }, from: 'service', to: 'monolith' });
    expect(Object.entries(following(fromRow(toRow('shop', left)), [user]).desired)).toEqual([[user, 'bucket']]);
  });

  test.each([
    ['too long for the logs', 'x'.repeat(191)],
    ['with a NUL, which Postgres takes in no text', 'a\0b'],
    ['with half a character', 'a\ud800'],
    ['without a name', ''],
  ])('one %s is not named: nothing that only a token says may stop a handoff for ever', (_, user) => {
    expect(leftBehind(FRESH, [user])).toBe(FRESH);
    expect(Object.keys(leftBehind(FRESH, [user, 'ada']).desired)).toEqual(['ada']);
  });

  test('nobody is named beyond a bound, over a pin, or in an urgent rollback', () => {
    const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, at) => [`u${at}`, 'bucket'] as const));
    expect(names(with_({ desired: many }))).not.toContain('ada');
    expect(isFullOfNames(with_({ desired: many }))).toBe(true);
    expect(leftBehind(with_({ desired: many }), ['u7']).desired).toMatchObject({ u7: 'behind', u8: 'bucket' });
    expect(leftBehind(with_({ desired: { ada: 'monolith' } }), ['ada']).desired).toEqual({ ada: 'monolith' });
    expect(names(with_({ ramp: urgently }))).toEqual([]);
  });

  test('whoever cannot move keeps nobody else: every move that could be next is there, each once', () => {
    const state = with_({
      ...{ boundary: 5_000, target: 4_900, ramp: { ...urgently, urgent: false } },
      desired: { ada: 'behind', bob: 'behind', cy: 'bucket', dan: 'monolith' },
      pins: { ada: 'service', cy: 'service' },
    });
    expect([...movesOf(state, 100, bucket)].map(({ subject, to }) => [subject.user ?? subject.lo, to])).toEqual([
      ['bob', 'monolith'],
      [4_900, 'monolith'],
      ['bob', 'monolith'],
      ['cy', 'monolith'],
      ['dan', 'monolith'],
    ]);
  });
});

describe('steps of a handoff', () => {
  const move = nextMove(with_({ target: 100 }), 100, bucket)!;

  test('hold, flip, release', () => {
    const held = holding(with_({ epoch: 4, target: 100 }), move);
    expect(held).toMatchObject({ epoch: 5, phase: 'holding', boundary: 0, moving: { epoch: 5, from: 'monolith' } });
    const moved = flipped(held, 5);
    expect(moved).toMatchObject({ phase: 'flipped', boundary: 100 });
    expect(idle(moved)).toMatchObject({ phase: 'idle', moving: null, boundary: 100, epoch: 5 });
  });

  test('nothing is held twice, and nothing flips that is not held', () => {
    const held = holding(with_({ target: 100 }), move);
    expect(() => holding(held, move)).toThrow('under way');
    expect(() => flipped(held, 9)).toThrow('not the one');
    expect(() => flipped(idle(held), 1)).toThrow('not the one');
  });

  test.each([
    ['idle', 'none'],
    ['holding', 'cancel'],
    ['flipped', 'grant'],
  ] as const)('faults 54: a crash in phase %s needs: %s', (phase, needed) => {
    expect(recovery(with_({ phase }))).toBe(needed);
  });

  test('barrier and cancel stand in the giving side’s log, the grant in the receiving one’s', () => {
    const { moving } = holding(with_({ target: 100 }), move);
    expect(rowOf('shop', moving!, 'barrier').side).toBe('monolith');
    expect(rowOf('shop', moving!, 'cancel').side).toBe('monolith');
    expect(rowOf('shop', moving!, 'grant')).toMatchObject({ side: 'service', epoch: 1, subject: { lo: 0, hi: 100 } });
  });

  test('faults 66: force takes everybody back from whatever was under way with the service, and repeats change nothing', () => {
    const risk = { atRisk: ['ada'], more: 0 };
    const back = { subject: { lo: 0, hi: 100 }, from: 'service', to: 'monolith', urgent: true } as const;
    const take = (state: CapabilityState) => forced(state, back, risk, '2026-01-01T00:00:00.000Z');
    const there = with_({ epoch: 4, boundary: 100, ramp: urgently });
    const taken = take(there);
    expect(taken).toMatchObject({ epoch: 5, phase: 'flipped', boundary: 0, moving: { epoch: 5, to: 'monolith' } });
    expect(taken.unproven).toMatchObject([{ epoch: 5, subject: { lo: 0, hi: 100 }, owed: null, atRisk: ['ada'] }]);
    expect(take(taken)).toBe(taken);
    const rested = idle(taken); // stored, and the answer lost
    expect(take(rested)).toBe(rested);
    expect(take(holding(there, back))).toMatchObject({ epoch: 6, boundary: 0, unproven: [{ epoch: 6, owed: null }] });
    const granting = flipped(holding(with_({ epoch: 4, target: 100 }), move), 5);
    expect(take(granting).unproven).toMatchObject([{ epoch: 6, owed: { epoch: 5, subject: { lo: 0, hi: 100 } } }]);
    expect(() => take(holding(there, { ...back, from: 'monolith', to: 'service' }))).toThrow('to be cancelled');
    expect(settled(taken, [5]).unproven).toEqual([]);
    expect(settled(taken, [4])).toBe(taken);
    expect(fromRow(toRow('shop', taken))).toEqual(taken);
  });

  test.each([
    ['idle', null, false],
    ['holding', 'service', false],
    ['holding', 'monolith', true],
    ['flipped', 'service', true],
    ['flipped', 'monolith', false],
  ] as const)('in phase %s on the way to the %s, rest takes the service’s database: %s', (phase, to, needed) => {
    const from: Side = to === 'service' ? 'monolith' : 'service';
    const moving = to && { epoch: 1, subject: { lo: 0, hi: 100 }, from, to };
    expect(restsOnService(with_({ phase, moving }))).toBe(needed);
  });

  test('faults 40: a walk ends exactly at its target, whatever the slices and the crashes on the way', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 10_000 }),
        fc.integer({ min: 0, max: 10_000 }),
        fc.integer({ min: 1, max: 10_000 }),
        fc.array(fc.boolean(), { maxLength: 20 }),
        (boundary, target, slice, crashes) => {
          let state = with_({ boundary, target });
          for (let at = 0; at < 20_000; at++) {
            const next = nextMove(state, Math.max(slice, 10), bucket);
            if (!next) break;
            const held = holding(state, next);
            state = crashes[at] ? idle(held) : idle(flipped(held, held.epoch));
          }
          expect(state.boundary).toBe(target);
        },
      ),
    );
  });

  test('a state survives being stored; names that mean something to JavaScript are names', () => {
    const desired = JSON.parse('{"__proto__":"service","constructor":"bucket"}') as CapabilityState['desired'];
    const state = with_({ version: 3, epoch: 2, boundary: 10, desired });
    const again = fromRow(toRow('shop', state));
    expect(again).toEqual(state);
    expect(Object.keys(again.desired)).toEqual(['__proto__', 'constructor']);
  });

  test('a state that an older release stored keeps its named users', () => {
    const state = with_({ desired: { ada: 'behind' } });
    const { desired, requests: _, ...rest } = state;
    const body = JSON.stringify({ ...rest, wishes: desired });
    expect(fromRow({ ...toRow('shop', state), body })).toEqual(state);
  });

  test('faults 55: a stored state that is torn is named, not guessed', () => {
    expect(() => fromRow({ ...toRow('shop', FRESH), body: '{"pins":' })).toThrow('shop');
  });
});
