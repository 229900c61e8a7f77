import { setTimeout as sleep } from 'node:timers/promises';
import { type CapabilityStatus, SUSPECT } from '@strangler/plan';
import { strangler } from './processes.ts';
import { readStatus } from './watch.ts';

const EVERY_MS = 500;

/** Rows of a capability that were overwritten, superseded or applied late, and are not by design. */
export const suspectIn = ({ corrections }: CapabilityStatus): number =>
  corrections.filter(({ cause }) => SUSPECT.includes(cause)).reduce((sum, { rows }) => sum + rows, 0);

/**
 * An operator who looks at what was kept, after a rollback under load for one, and calls it expected, so that users may
 * move forward again. Gives its stop.
 */
export function keepExpecting(reason: string, env: Record<string, string>, plan: readonly string[] = []) {
  const abort = new AbortController();
  const watching = (async () => {
    while (!abort.signal.aborted) {
      const status = await readStatus().catch(() => undefined); // control is dead; the next look will tell
      const some = status?.capabilities.some(({ corrections }) => corrections.some(({ unexpected }) => unexpected > 0));
      // A database that is away is asked again at the next look.
      if (some) await strangler(['quarantine', 'expect', '--all', '--reason', reason, ...plan], env).catch(() => {});
      await sleep(EVERY_MS, undefined, { signal: abort.signal }).catch(() => {});
    }
  })();
  return async (): Promise<void> => {
    abort.abort();
    await watching;
  };
}
