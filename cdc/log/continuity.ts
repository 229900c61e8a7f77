import { FatalStreamError } from '../fatal-stream-error.ts';

/** What one can do when a piece of a log is gone. */
export const NEXT_STEP =
  'Look at the damage with `strangler verify`, then run `strangler recopy`: it says what it would write, and with --apply takes the stream past the loss and copies what is missing from each row’s owner';

/** A piece of the log is gone although everything seems to run, or cannot be read any more. The stream must stop. */
export class ContinuityError extends FatalStreamError {
  constructor(what: string) {
    super(`${what}: a piece of the source's log is missing. ${NEXT_STEP}`);
    this.name = 'ContinuityError';
  }
}

/** The tick to remember after `seen`; `last` is 0 before the first. Throws ContinuityError on a gap. */
export function nextTick(last: number, seen: number): number {
  if (last !== 0 && seen > last + 1) throw new ContinuityError(`tick ${last} was followed by ${seen}`);
  return Math.max(last, seen);
}

/** Checks that a topic still holds the record to resume from. Throws ContinuityError. */
export function checkOffset(topic: string, resume: bigint, earliest: bigint, latest: bigint): void {
  if (resume < earliest) {
    throw new ContinuityError(
      `topic ${topic} was truncated: it begins at offset ${earliest}, after ${resume}, where this stream is`,
    );
  }
  if (resume > latest) {
    throw new ContinuityError(
      `topic ${topic} was recreated or truncated: it ends at offset ${latest}, before ${resume}, where this stream is`,
    );
  }
}
