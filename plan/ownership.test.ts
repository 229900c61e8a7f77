import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { afterHandoff, isMoving, NOBODY, nextSlice, type Ownership, sideOf } from './ownership.ts';
import { BUCKETS } from './words.ts';

const bucket = fc.integer({ min: 0, max: BUCKETS - 1 });
const boundary = fc.integer({ min: 0, max: BUCKETS });

describe('sideOf', () => {
  test('faults 40: nobody is on the service at 0 %, everybody at 100 %', () => {
    fc.assert(
      fc.property(fc.string(), bucket, (user, at) => {
        expect(sideOf(NOBODY, user, at)).toBe('monolith');
        expect(sideOf({ ...NOBODY, boundary: BUCKETS }, user, at)).toBe('service');
      }),
    );
  });

  test('faults 40: raising the boundary never moves anybody back', () => {
    fc.assert(
      fc.property(bucket, boundary, boundary, (at, a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        if (sideOf({ ...NOBODY, boundary: low }, 'u', at) === 'service') {
          expect(sideOf({ ...NOBODY, boundary: high }, 'u', at)).toBe('service');
        }
      }),
    );
  });

  test('faults 22: a pinned user stays where the pin says, and users called __proto__ or constructor are nobody special', () => {
    const pinned: Ownership = { boundary: BUCKETS, pins: { ada: 'monolith' } };
    expect(sideOf(pinned, 'ada', 0)).toBe('monolith');
    for (const user of ['__proto__', 'constructor', 'toString']) expect(sideOf(pinned, user, 0)).toBe('service');
  });
});

describe('a walk of slices', () => {
  test('reaches any target from anywhere, at most a slice at a time, without passing it', () => {
    fc.assert(
      fc.property(boundary, boundary, fc.integer({ min: 1, max: BUCKETS }), (from, target, slice) => {
        let ownership: Ownership = { ...NOBODY, boundary: from };
        let steps = 0;
        for (
          let subject = nextSlice(from, target, slice);
          subject;
          subject = nextSlice(ownership.boundary, target, slice)
        ) {
          expect(subject.hi - subject.lo).toBeLessThanOrEqual(slice);
          const up = target > ownership.boundary;
          const moving = {
            epoch: ++steps,
            subject,
            from: up ? 'monolith' : 'service',
            to: up ? 'service' : 'monolith',
          } as const;
          ownership = afterHandoff(ownership, moving);
        }
        expect(ownership.boundary).toBe(target);
        expect(steps).toBe(Math.ceil(Math.abs(target - from) / slice));
      }),
    );
  });

  test('moves exactly the users of its range, and a pinned one only by name', () => {
    const ownership: Ownership = { boundary: 100, pins: { ada: 'service' } };
    const range = { epoch: 1, subject: { lo: 100, hi: 200 }, from: 'monolith', to: 'service' } as const;
    expect(isMoving(ownership, range, 'bob', 100)).toBe(true);
    expect(isMoving(ownership, range, 'bob', 200)).toBe(false);
    expect(isMoving(ownership, range, 'ada', 150)).toBe(false);
    const byName = { epoch: 2, subject: { lo: 0, hi: 0, user: 'ada' }, from: 'service', to: 'monolith' } as const;
    expect(isMoving(ownership, byName, 'ada', 150)).toBe(true);
    expect(afterHandoff(ownership, byName)).toEqual({ boundary: 100, pins: { ada: 'monolith' } });
  });

  test('refuses a range that does not touch the boundary', () => {
    const moving = { epoch: 1, subject: { lo: 200, hi: 300 }, from: 'monolith', to: 'service' } as const;
    expect(() => afterHandoff(NOBODY, moving)).toThrow('does not touch the boundary 0');
  });
});
