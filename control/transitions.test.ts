import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type CapabilityState, fromRow, initialState, toRow } from './state.ts';
import { flipped, holding, idle, isUrgent, nextMove, recovery, rowOf } from './transitions.ts';

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

  test('a pinned user moves by name, also where they are already; a lifted pin follows the bucket', () => {
    const named = { lo: 42, hi: 43, user: 'ada' };
    expect(nextMove(with_({ wishes: { ada: 'service' } }), 100, bucket)).toMatchObject({
      subject: named,
      to: 'service',
    });
    expect(nextMove(with_({ wishes: { ada: 'monolith' } }), 100, bucket)).toMatchObject({
      subject: named,
      to: 'monolith',
    });
    expect(nextMove(with_({ wishes: { ada: 'service' }, pins: { ada: 'service' } }), 100, bucket)).toBeUndefined();
    const lifted = with_({ wishes: { ada: 'bucket' }, pins: { ada: 'service' } });
    expect(nextMove(lifted, 100, bucket)).toMatchObject({ subject: named, to: 'monolith' });
    const followed = with_({ ...lifted, boundary: 100, target: 100 });
    expect(nextMove(followed, 100, bucket)).toBeUndefined();
    expect(nextMove(with_({ wishes: { ada: 'bucket' } }), 100, bucket)).toBeUndefined();
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
    const wishes = JSON.parse('{"__proto__":"service","constructor":"bucket"}') as CapabilityState['wishes'];
    const state = with_({
      version: 3,
      epoch: 2,
      boundary: 10,
      wishes,
    });
    const again = fromRow(toRow('shop', state));
    expect(again).toEqual(state);
    expect(Object.keys(again.wishes)).toEqual(['__proto__', 'constructor']);
  });

  test('faults 55: a stored state that is torn is named, not guessed', () => {
    expect(() => fromRow({ ...toRow('shop', FRESH), body: '{"pins":' })).toThrow('shop');
  });
});
