import { describe, expect, test } from '@jest/globals';
import type { HandoffRow } from '@strangler/ledger';
import type { MappedTable } from '../mapping/mapping.ts';
import { NOBODY } from '../mapping/user-column.ts';
import type { Change } from '../rows/change.ts';
import { afterHandoffRow, OwnershipHistory } from './ownership-history.ts';
import { ownershipAfter, prepareSteps, prepareUnasked, untilUndecided } from './prepare.ts';
import type { Step, Work } from './work.ts';

const table = { name: 'orders', user: { ways: [{ column: 'user_id' }], type: 'text' } } as unknown as MappedTable;
const change = (id: string): Change => ({ table, before: null, after: { id } });
const step = (work: Work): Step => ({ work, progress: { position: 'lsn/1', kafkaOffset: 1, tick: 0 } });
const changes = (...ids: string[]): Step =>
  step({ kind: 'changes', changes: ids.map(change), position: 'lsn/1', transaction: '7' });
const row = (kind: HandoffRow['kind'], epoch: number, user: string): HandoffRow => ({
  ...{ capability: 'orders', epoch, kind, forced: false },
  subject: { lo: 0, hi: 1, user },
});
const historyOf = (...rows: HandoffRow[]): OwnershipHistory => {
  const history = new OwnershipHistory('shop', true, []);
  for (const one of rows) history.record(afterHandoffRow(one, history.at(one.epoch)));
  return history;
};

describe('preparing steps', () => {
  test('each change learns what its source is to its user; a row nobody has needs none', () => {
    const history = historyOf(row('barrier', 1, 'ada'), row('cancel', 1, 'ada'), row('barrier', 2, 'bob'));
    const [first, second] = prepareSteps([changes('1', '2'), changes('3')], [['ada'], ['bob'], []], history);
    expect(first!.changes).toMatchObject([
      { user: 'ada', owns: true, epoch: null },
      { user: 'bob', owns: false, epoch: 2 },
    ]);
    expect(second!.changes).toMatchObject([{ user: null, owns: true, epoch: null }]);
  });

  test('what anybody may insert is its writer’s; what changes it is the monolith’s to write', () => {
    const tags = { name: 'tags', user: { shared: 'insert-only' } } as MappedTable;
    const [inserted, updated] = [{ id: '1' }, { id: '1', name: 'x' }];
    const about = (before: typeof inserted | null): Step =>
      step({ kind: 'changes', changes: [{ table: tags, before, after: updated }], position: 'l', transaction: '7' });
    const monolith = historyOf(row('barrier', 1, 'ada'));
    const service = new OwnershipHistory('shop', false, []);
    const owns = (history: OwnershipHistory) =>
      prepareSteps([about(null), about(inserted)], [[NOBODY], [NOBODY]], history).map(
        ({ changes }) => changes[0]!.owns,
      );
    expect([owns(monolith), owns(service)]).toEqual([
      [true, true],
      [true, false],
    ]);
  });

  test('steps behind a barrier whose outcome is open wait, together with everything after them', () => {
    const history = historyOf(row('barrier', 7, 'bob'));
    const prepared = prepareSteps([changes('1'), changes('2'), changes('3')], [['ada'], ['bob'], ['ada']], history);
    const { ready, barrier } = untilUndecided(prepared);
    expect(ready).toEqual([prepared[0]]);
    expect(barrier).toMatchObject({ epoch: 7, undecided: true });
    expect(untilUndecided(ready)).toEqual({ ready, barrier: undefined });
  });

  test('a correction stands or falls with its sender’s ownership, and waits like a change', () => {
    const correction = step({
      kind: 'correction',
      correction: { user: 'bob', roots: [], late: [] },
      position: 'lsn/1',
    });
    expect(prepareSteps([correction], [], historyOf())).toMatchObject([{ senderOwns: true, changes: [] }]);
    const behind = prepareSteps([correction], [], historyOf(row('barrier', 7, 'bob')));
    expect(behind).toMatchObject([{ senderOwns: false, undecided: { epoch: 7 } }]);
  });

  test('a change whose user nobody can name is late: the other side says what is so', () => {
    const [first] = prepareSteps([changes('1')], [undefined], historyOf(row('barrier', 1, 'ada')));
    expect(first!.changes).toMatchObject([{ user: null, owns: false, epoch: null }]);
    const nameless = step({ kind: 'correction', correction: { user: null, roots: [], late: [] }, position: 'lsn/1' });
    expect(prepareSteps([nameless], [], historyOf())).toMatchObject([{ senderOwns: undefined, undecided: undefined }]);
  });

  test('while the source owns everybody nobody is asked', () => {
    expect(prepareUnasked([changes('1')])).toMatchObject([{ changes: [{ user: null, owns: true }], senderOwns: true }]);
  });

  test('and who is asked after all learns the same, also of a row whose user nobody can name', () => {
    const nameless = step({ kind: 'correction', correction: { user: null, roots: [], late: [] }, position: 'lsn/1' });
    const returned = historyOf(row('barrier', 1, 'ada'), row('grant', 2, 'ada'));
    for (const history of [historyOf(), returned])
      expect(prepareSteps([changes('1'), nameless], [undefined], history)).toEqual(
        prepareUnasked([changes('1'), nameless]),
      );
  });

  test('outcomes found out come before the handoffs that follow in the log', () => {
    const history = historyOf(row('barrier', 1, 'ada'));
    const decided = [{ ...history.at(1)!, undecided: false }];
    const prepared = prepareSteps([step({ kind: 'handoff', row: row('grant', 2, 'ada') })], [], history);
    expect(ownershipAfter(prepared, decided, history)).toMatchObject([
      { epoch: 1, owns: false, undecided: false },
      { epoch: 2, owns: true },
    ]);
  });
});
