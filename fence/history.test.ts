import { createRequire } from 'node:module';
import { describe, expect, test } from '@jest/globals';
import type { HandoffKind, HandoffRow } from '@strangler/ledger';
import { bucketOf } from '@strangler/plan';
import fc from 'fast-check';
import { afterHandoffRow, OwnershipHistory } from '../cdc/apply/ownership-history.ts';

type Row = { epoch: number | string; kind: HandoffKind; lo: number; hi: number; user_id: string | null };
type History = { owns(user: string): boolean; knows(epoch: number): boolean };
const { History } = createRequire(import.meta.url)('./history.cjs') as {
  History: new (group: string, side: 'monolith' | 'service', rows: readonly Row[]) => History;
};

const GROUP = 'shop';
const USERS = Array.from({ length: 12 }, (_, user) => String(user + 1));
const row = (kind: HandoffKind, epoch: number, about: Partial<Row> = {}): Row => ({
  ...{ epoch, kind, lo: 0, hi: 10_000, user_id: null },
  ...about,
});
const monolith = (...rows: Row[]) => new History(GROUP, 'monolith', rows);

describe('whom a side owns, by its own log', () => {
  test('before any handoff the monolith owns everybody and a service nobody', () => {
    expect(monolith().owns('7')).toBe(true);
    expect(new History(GROUP, 'service', []).owns('7')).toBe(false);
  });

  test('a barrier gives away although nobody knows what becomes of it, and a cancel takes back', () => {
    expect(monolith(row('barrier', 1)).owns('7')).toBe(false);
    expect(monolith(row('barrier', 1), row('cancel', 1)).owns('7')).toBe(true);
    expect(monolith(row('barrier', 1), row('grant', 2)).owns('7')).toBe(true);
  });

  test('a barrier that came into the log behind its own cancel gives nobody away', () => {
    expect(monolith(row('cancel', 3), row('barrier', 3)).owns('7')).toBe(true);
  });

  test('a cancelled naming never was, on the side that did not own the user as on the one that did', () => {
    const naming = [row('barrier', 1, { user_id: '7' }), row('cancel', 1, { user_id: '7' })];
    const service = (...rows: Row[]) => new History(GROUP, 'service', [...naming, ...rows]).owns('7');
    expect([service(), service(row('grant', 2)), service(row('grant', 2), row('barrier', 3))]).toEqual([
      ...[false, true, false],
    ]);
    expect([monolith(...naming).owns('7'), monolith(...naming, row('barrier', 2)).owns('7')]).toEqual([true, false]);
  });

  test('a range moves its buckets only, and a user named once moves only by name', () => {
    const bucket = bucketOf(GROUP, '7');
    expect(monolith(row('barrier', 1, { lo: bucket + 1 })).owns('7')).toBe(true);
    expect(monolith(row('barrier', 1, { lo: bucket, hi: bucket + 1 })).owns('7')).toBe(false);
    const named = monolith(row('barrier', 1, { user_id: '7' }), row('grant', 2));
    expect([named.owns('7'), named.owns('8')]).toEqual([false, true]);
  });

  test('names that differ in letter case only are two users', () => {
    const named = monolith(row('barrier', 1, { user_id: 'Ann' }));
    expect([named.owns('Ann'), named.owns('ann')]).toEqual([false, true]);
  });

  test('it knows the barriers it has read, also from a driver that gives big numbers as text', () => {
    const log = monolith(row('barrier', 4, { epoch: '4' }), row('grant', 9));
    expect([log.knows(0), log.knows(4), log.knows(9)]).toEqual([true, true, false]);
  });

  test('it agrees with the toolkit for random histories of either side', () => {
    const subject = fc.oneof(
      fc.tuple(fc.integer({ min: 0, max: 99 }), fc.integer({ min: 1, max: 100 })).map(([from, wide]) => ({
        ...{ lo: from * 100, hi: Math.min(10_000, (from + wide) * 100) },
      })),
      fc.constantFrom(...USERS).map((user) => {
        const lo = bucketOf(GROUP, user);
        return { lo, hi: lo + 1, user };
      }),
    );
    // What one epoch leaves in a side's log: given away and not known what for, cancelled, or received, by force or not.
    const step = fc.tuple(subject, fc.constantFrom('barrier', 'cancelled', 'grant'), fc.boolean());
    fc.assert(
      fc.property(fc.constantFrom('monolith', 'service'), fc.array(step, { maxLength: 12 }), (side, steps) => {
        const log = steps.flatMap(([subject, what, forced], at): HandoffRow[] => {
          const kinds: HandoffKind[] = what === 'cancelled' ? ['barrier', 'cancel'] : [what];
          return kinds.map((kind) => ({ capability: 'orders', epoch: at + 1, kind, subject, forced }));
        });
        const toolkit = new OwnershipHistory(GROUP, side === 'monolith', []);
        const happened = new OwnershipHistory(GROUP, side === 'monolith', []);
        for (const one of log) {
          toolkit.record(afterHandoffRow(one, toolkit.at(one.epoch)));
          if (steps[one.epoch - 1]![1] !== 'cancelled') happened.record(afterHandoffRow(one, happened.at(one.epoch)));
        }
        const rows = log.map(({ epoch, kind, subject: { lo, hi, user } }) =>
          row(kind, epoch, { lo, hi, user_id: user ?? null }),
        );
        for (const order of [rows, rows.toReversed()]) {
          const fence = new History(GROUP, side, order);
          for (const user of USERS) {
            expect(fence.owns(user)).toBe(toolkit.standing(user).owns);
            expect(toolkit.standing(user)).toEqual(happened.standing(user)); // as if nothing cancelled had been
          }
        }
      }),
      { numRuns: 100 },
    );
  });
});
