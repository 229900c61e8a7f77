import { describe, expect, test } from '@jest/globals';
import { ApplierAheadError } from './apply/apply-steps.ts';
import { adviceFor, TargetRefusesError } from './apply/failures.ts';
import { ContinuityError } from './log/continuity.ts';
import { MappingError } from './mapping/mapping.ts';
import { UnconvertibleError } from './mapping/value-kinds.ts';
import { Refusal } from './refusal.ts';
import { sayStopped, waitsToBePassed } from './stopped.ts';

const waits = (reason: string | null) => waitsToBePassed('orders:forward', { state: 'stopped', reason });

describe('strangler recopy takes a stream past', () => {
  test('a loss, and a value that cannot be carried', () => {
    for (const error of [new ContinuityError('the slot was dropped'), new UnconvertibleError('date', 'x')]) {
      expect(waits(sayStopped(error))).toBe(true);
      expect(sayStopped(error).match(/`strangler recopy`/g)).toHaveLength(1);
    }
  });

  test('nothing, where the stream does not stand', () => {
    const reason = sayStopped(new ContinuityError('a loss of long ago'));
    for (const state of ['running', 'waiting', 'stalled'] as const)
      expect(waitsToBePassed('orders:forward', { state, reason })).toBe(false);
  });

  test('no missing privilege, refusing target, second applier or unmapped table: it says which stream, and why', () => {
    const denied = Object.assign(new Error('permission denied for table orders'), { code: '42501' });
    for (const reason of [
      adviceFor(denied),
      adviceFor(new TargetRefusesError('more than its rows', new Error('full'))),
      sayStopped(new ApplierAheadError('orders:forward')),
      sayStopped(new MappingError('orders', ['no key'])),
      null,
    ]) {
      expect(() => waits(reason)).toThrow(Refusal);
      expect(() => waits(reason)).toThrow(
        `orders:forward has stopped, but nothing of its log is lost: ${reason ?? ''}`,
      );
    }
  });
});
