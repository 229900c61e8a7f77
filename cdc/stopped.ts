import type { ApplierRow } from '@strangler/ledger';
import { ApplierAheadError } from './apply/apply-steps.ts';
import { NEXT_STEP } from './log/continuity.ts';
import { MappingError } from './mapping/mapping.ts';
import { Refusal } from './refusal.ts';

/**
 * The reason of a stream that has stopped for good: what it stands at, and `strangler recopy`, unless being taken past
 * that helps nobody.
 */
export function sayStopped(error: Error): string {
  const { message } = error;
  if (error instanceof ApplierAheadError || error instanceof MappingError || message.includes(NEXT_STEP))
    return message;
  return `${message}. ${NEXT_STEP}`;
}

/**
 * True for a stream that waits to be taken past what it stands at. Throws Refusal if it has stopped for another reason:
 * one that tries again by itself would take the move for another applier's, and stop for good.
 */
export function waitsToBePassed(stream: string, { state, reason }: Pick<ApplierRow, 'state' | 'reason'>): boolean {
  if (state !== 'stopped') return false;
  if (reason?.includes(NEXT_STEP)) return true;
  throw new Refusal(
    `${stream} has stopped, but nothing of its log is lost: ${reason ?? 'nobody said why'}. Fix that, and it goes on by itself; then run strangler recopy again`,
  );
}
