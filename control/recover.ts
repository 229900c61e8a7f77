import type { HandoffKind } from '@strangler/ledger';
import { type HandoffParts, RETRY_MS, record } from './handoff-parts.ts';
import { idle, isUrgent, recovery, restsOnService, rowOf } from './handoff-state.ts';
import type { CapabilityState } from './state.ts';
import { SupersededError } from './stored-state.ts';

/** How often a recovery looks whether it should give way, ms. */
const POLL_MS = 20;

/**
 * Brings the stored phase to rest, after a crash or an error: what had not flipped is cancelled, in the old side’s log
 * first if that may know of it; what had flipped is granted. Repeats until the databases let it, but gives way (`stuck`)
 * when an urgent rollback is wanted and the service’s database does not answer. Without tables it never waits for that.
 */
export async function recover(parts: HandoffParts, reason: string): Promise<'none' | 'cancel' | 'grant' | 'stuck'> {
  const { activity: words } = parts.proxies;
  const giveWay = new AbortController();
  let calm = performance.now();
  const watch = setInterval(() => {
    const now = performance.now();
    if (!parts.sides || !isUrgent(parts.cell.current) || !restsOnService(parts.cell.current)) calm = now;
    if (now - calm >= parts.limits.forceAfter) giveWay.abort();
  }, POLL_MS);
  const stuck = new Promise<'stuck'>((resolve) =>
    giveWay.signal.addEventListener('abort', () => resolve('stuck'), { once: true }),
  );
  try {
    for (;;) {
      try {
        return await Promise.race([recoverOnce(parts, reason), stuck]);
      } catch (error) {
        if (error instanceof SupersededError || parts.stopping.aborted) throw error;
        parts.onError(error);
        await words.wait(RETRY_MS, AbortSignal.any([parts.stopping, giveWay.signal]));
      }
    }
  } finally {
    clearInterval(watch);
  }
}

async function recoverOnce({ cell, sides, release, proxies }: HandoffParts, reason: string) {
  const state = await cell.settle();
  const must = recovery(state);
  const moving = state.moving;
  if (must === 'none' || !moving) {
    proxies.publish(); // what brought it to rest may have been stored without an answer: then nobody has been told
    return 'none';
  }
  const kind: HandoffKind = must;
  const row = rowOf(cell.capability, moving, kind);
  const noted = record(cell.capability, moving, must === 'cancel' ? 'cancel' : 'handoff', reason, {});
  // A barrier sent to the service may arrive there behind a lost connection, whatever its log says now: only its cancel
  // ends the waiting for an outcome. One sent to the monolith is fenced by the state it goes with.
  const mayKnow = () => moving.from === 'service' || sides!.has(moving.from, moving.epoch, 'barrier');
  const needed = sides && (kind === 'grant' || (await mayKnow()));
  if (needed && row.side === 'service') {
    // A flip sent behind a lost connection must not follow its own cancel: the service would own by its own log.
    if (kind === 'cancel') await cell.fence();
    await sides.write(row);
  }
  // Force may have gone on without this one meanwhile; then there is nothing left to bring to rest here.
  const rest = (now: CapabilityState) => (now.epoch === state.epoch && now.phase === state.phase ? idle(now) : now);
  const now = await cell.update(rest, { record: noted, ...(needed && row.side === 'monolith' && { handoff: row }) });
  if (now.epoch === state.epoch) release(moving.epoch);
  return must;
}
