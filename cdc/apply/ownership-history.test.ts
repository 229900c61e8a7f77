import { describe, expect, test } from '@jest/globals';
import type { HandoffRow } from '@strangler/ledger';
import { bucketOf } from '@strangler/plan';
import { afterHandoffRow, afterOutcome, OwnershipHistory } from './ownership-history.ts';

const GROUP = 'shop';
const everybody = { lo: 0, hi: 10_000 };
const row = (kind: HandoffRow['kind'], epoch: number, subject: HandoffRow['subject'] = everybody): HandoffRow => ({
  capability: 'orders',
  epoch,
  kind,
  subject,
  forced: false,
});
const after = (history: OwnershipHistory, ...rows: HandoffRow[]): OwnershipHistory => {
  for (const one of rows) history.record(afterHandoffRow(one, history.at(one.epoch)));
  return history;
};
const monolith = () => new OwnershipHistory(GROUP, true, []);

describe('what a log tells of its side’s ownership', () => {
  test('the monolith owns everybody at first, a service nobody', () => {
    expect(monolith().standing('7')).toMatchObject({ owns: true, undecided: undefined, epoch: null });
    expect(monolith().ownsEverybody).toBe(true);
    expect(new OwnershipHistory(GROUP, false, []).standing('7').owns).toBe(false);
  });

  test('a barrier gives away, undecided; a cancel takes back; a grant receives', () => {
    const history = after(monolith(), row('barrier', 1));
    expect(history.standing('7')).toMatchObject({ owns: false, undecided: { epoch: 1 }, epoch: 1 });
    after(history, row('cancel', 1));
    expect(history.standing('7')).toMatchObject({ owns: true, undecided: undefined });
    after(history, row('barrier', 2), row('grant', 3));
    expect(history.standing('7')).toMatchObject({ owns: true, undecided: undefined });
  });

  test('it is undivided while all are of one side, whoever was moved by themselves before', () => {
    const history = after(monolith(), row('barrier', 1));
    expect([monolith().isUndivided, history.isUndivided]).toEqual([true, true]);
    after(history, row('grant', 2, { lo: 0, hi: 9_999 }));
    expect(history.isUndivided).toBe(false);
    after(history, row('grant', 3, { lo: 9_999, hi: 10_000 }));
    expect(history.isUndivided).toBe(true);
    after(history, row('barrier', 4, { lo: 7, hi: 8, user: 'ada' }));
    expect(history.isUndivided).toBe(false);
    after(history, row('barrier', 5));
    expect(history.isUndivided).toBe(true);
  });

  test('who was moved by name is not together with the others again because those have come and gone', () => {
    const ada = { lo: 7, hi: 8, user: 'ada' };
    const history = after(monolith(), row('barrier', 3, ada), row('barrier', 4));
    for (const epoch of [3, 4]) history.record(afterOutcome(history.at(epoch)!, true));
    expect(history.isUndivided).toBe(true);
    after(history, row('grant', 6));
    expect([history.standing('ada').owns, history.standing('7').owns, history.isUndivided]).toEqual([
      false,
      true,
      false,
    ]);
    after(history, row('grant', 7, ada));
    expect(history.isUndivided).toBe(true);
  });

  test('who has got everybody back owns everybody, without a doubt; one user or one bucket makes the difference', () => {
    const history = after(monolith(), row('barrier', 1));
    expect(history.ownsEverybody).toBe(false);
    after(history, row('grant', 2, { lo: 0, hi: 9_999 }));
    expect(history.ownsEverybody).toBe(false);
    after(history, row('grant', 3, { lo: 9_999, hi: 10_000 }));
    expect(history.ownsEverybody).toBe(true);
    const named = { ...everybody, user: '7' };
    expect(after(history, row('barrier', 4, named)).ownsEverybody).toBe(false);
    expect(after(history, row('cancel', 4, named)).ownsEverybody).toBe(true);
    const service = new OwnershipHistory(GROUP, false, []);
    expect(service.ownsEverybody).toBe(false);
    expect(after(service, row('grant', 1)).ownsEverybody).toBe(true);
  });

  test('a range moves its buckets only', () => {
    const bucket = bucketOf(GROUP, '7');
    const history = after(monolith(), row('barrier', 1, { lo: bucket + 1, hi: 10_000 }));
    expect(history.standing('7').owns).toBe(true);
    after(history, row('barrier', 2, { lo: bucket, hi: bucket + 1 }));
    expect(history.standing('7').owns).toBe(false);
  });

  test('a user moved by name moves only by name', () => {
    const history = after(monolith(), row('barrier', 1, { ...everybody, user: '7' }), row('grant', 2));
    expect(history.standing('7').owns).toBe(false);
    expect(history.standing('8').owns).toBe(true);
  });

  test('a cancelled handoff never was: what stood before it holds, for a name as for a range', () => {
    const user = { ...everybody, user: '7' };
    // The user is the service's, by range; they are named where they are, which is given up.
    const named = [row('barrier', 1), row('barrier', 2, user)];
    const history = after(monolith(), ...named);
    expect(history.standing('7')).toMatchObject({ owns: false, undecided: { epoch: 2 }, epoch: 2 });
    const found = new OwnershipHistory(GROUP, true, [history.at(1)!, afterOutcome(history.at(2)!, false)]);
    after(history, row('cancel', 2, user));
    for (const one of [history, found]) {
      expect(one.standing('7')).toMatchObject({ owns: false, epoch: 1 });
      expect(after(one, row('grant', 3)).standing('7')).toMatchObject({ owns: true, epoch: 3 });
      expect(after(one, row('barrier', 4)).standing('7')).toMatchObject({ owns: false, epoch: 4 });
    }
  });

  test('a granted one gave away for good', () => {
    const history = after(monolith(), row('barrier', 1));
    history.record(afterOutcome(history.at(1)!, true));
    expect(history.standing('7')).toMatchObject({ owns: false, undecided: undefined, epoch: 1 });
  });

  test('an epoch older than the one known changes nothing', () => {
    const history = after(monolith(), row('grant', 9), row('barrier', 5));
    expect(history.standing('7')).toMatchObject({ owns: true, undecided: undefined });
  });

  test('the barrier of a range taken by force, found in the log afterwards, stays decided', () => {
    const taken = { epoch: 4, subject: everybody, owns: false, undecided: false, unproven: false };
    const history = after(new OwnershipHistory(GROUP, true, [taken]), row('barrier', 4));
    expect(history.standing('7')).toMatchObject({ owns: false, undecided: undefined });
  });
});
