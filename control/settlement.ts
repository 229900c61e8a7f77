import type { HandoffRow } from '@strangler/ledger';
import type { HandoffParts } from './handoff-parts.ts';
import { rowOf, settled } from './handoff-state.ts';
import { Notify } from './notify.ts';
import type { Debt } from './state.ts';

/** Between two looks for what must have arrived, ms. */
const POLL_MS = 50;
/** Between two looks whether there is anything to settle, and before a database that failed is asked again, ms. */
const RETRY_MS = 500;

const pause = (ms: number, signal: AbortSignal): Promise<void> => new Notify().wait(ms, signal);

/** Waits for forced handoffs and settles them, until `signal` aborts. */
export async function settleForced(parts: HandoffParts, signal: AbortSignal): Promise<void> {
  let said = '';
  while (!signal.aborted) {
    const { unproven } = parts.cell.current;
    try {
      if (unproven.length) await settle(parts, unproven, signal);
      said = '';
    } catch (error) {
      const { message } = error as Error;
      if (message !== said) parts.onError(error); // it may take hours
      said = message;
    }
    await pause(RETRY_MS, signal);
  }
}

/**
 * Proves forced handoffs after the fact (docs/how-it-works.md#forced): the service’s own log gives the subjects away under the same
 * epochs, those barriers arrive on the monolith behind everything the service had acknowledged, and what the monolith
 * answered to it has reached the service. Gives up when something else has settled them, or more have come.
 */
async function settle({ cell, sides }: HandoffParts, debts: readonly Debt[], signal: AbortSignal): Promise<void> {
  if (!sides) return;
  const { capability } = cell;
  const present = () => !signal.aborted && cell.current.unproven === debts;
  const until = async (holds: () => Promise<boolean>) => {
    while (present() && !(await holds())) await pause(POLL_MS, signal);
  };
  await sides.write(...debts.flatMap((debt) => rowsOf(capability, debt)));
  for (const { epoch } of debts) await until(() => sides.arrived('monolith', epoch));
  const tick = await sides.tick('monolith');
  await until(() => sides.passed(tick));
  if (!present()) return;
  const inputs = { handoffs: debts.map(({ epoch, subject, since }) => ({ epoch, subject, since })) };
  const reason = 'everything the service had acknowledged has arrived, or is in quarantine';
  const epochs = debts.map(({ epoch }) => epoch);
  const record = { capability, event: 'settled', actor: 'control', reason, inputs };
  await cell.update((state) => settled(state, epochs), { record });
}

/** What the service’s log is still to be told: a grant that may not have been written, then the barrier. */
function rowsOf(capability: string, { epoch, subject, owed }: Debt): HandoffRow[] {
  const barrier = rowOf(capability, { epoch, subject, from: 'service', to: 'monolith' }, 'barrier', true);
  return owed ? [rowOf(capability, { ...owed, from: 'monolith', to: 'service' }, 'grant'), barrier] : [barrier];
}
