import { CheckpointLockedError } from '@strangler/ledger';
import { streamName } from '@strangler/plan';
import {
  type HandoffOutcome,
  type HandoffParts,
  RETRY_MS,
  record,
  sayMove,
  since,
  unaccounted,
} from './handoff-parts.ts';
import { forced, idle, type Move, rowOf } from './handoff-state.ts';
import { SupersededError } from './stored-state.ts';

/** A lock of the checkpoint is asked for again after, and its holder’s session ended after, ms. */
const LOCK_RETRY_MS = 5;
const LOCK_TIMEOUT_MS = 100;

/**
 * The forced handoff of docs/how-it-works.md#forced: one transaction in the monolith’s database takes the checkpoint of the stream
 * from the service, and with it the subject. Repeats until that database lets it; needs nothing else.
 */
export async function force(
  parts: HandoffParts,
  move: Move,
  held: number,
  signal: AbortSignal,
): Promise<HandoffOutcome> {
  const { cell, sides } = parts;
  const stream = streamName(cell.capability, 'reverse');
  const risk = parts.atRisk(move.subject);
  let lockedSince: number | undefined;
  for (;;) {
    if (signal.aborted) return { done: false, reason: 'overtaken', retryIn: 0 };
    try {
      const { moving, unproven } = await cell.update(
        (state) => forced(state, move, risk, new Date().toISOString()),
        ({ moving }) => ({
          handoff: rowOf(cell.capability, moving!, 'grant', true),
          takeOver: { stream, ...moving! },
        }),
      );
      const timings = since(held);
      if (!moving) return { done: true, timings }; // it had come to rest, and only the answer was lost
      parts.release(moving.epoch);
      const event = unproven.at(-1)?.epoch === moving.epoch ? 'forced' : 'handoff'; // it may have arrived after all
      const about = { urgent: true, ...timings, ...(event === 'forced' && risk), ...unaccounted(parts.proxies) };
      await cell.update(idle, { record: record(cell.capability, moving, event, sayMove(moving), about) });
      return { done: true, timings };
    } catch (error) {
      if (error instanceof SupersededError) throw error;
      if (error instanceof CheckpointLockedError) {
        lockedSince ??= performance.now();
        if (performance.now() - lockedSince < LOCK_TIMEOUT_MS) {
          await parts.proxies.activity.wait(LOCK_RETRY_MS, signal);
          continue;
        }
        await sides!.free().catch(parts.onError);
        lockedSince = undefined;
        continue;
      }
      parts.onError(error);
      await parts.proxies.activity.wait(RETRY_MS, signal);
    }
  }
}
