import { setTimeout as sleep } from 'node:timers/promises';
import { hasDiedByItself, revive } from '../rehearsal/chaos/victims.ts';
import type { Process } from '../rehearsal/processes.ts';
import { say } from '../rehearsal/screen.ts';

const EVERY_MS = 500;

/**
 * Starts again what has ended by itself, as a supervisor would: a control whose lease could not be renewed in time, for one.
 * Gives its stop.
 */
export function supervise(processes: readonly Process[], signal: AbortSignal): () => Promise<void> {
  const over = new AbortController();
  const ending = AbortSignal.any([signal, over.signal]);
  const watching = (async () => {
    for (; !ending.aborted; await sleep(EVERY_MS, undefined, { signal: ending }).catch(() => {})) {
      for (const one of processes.filter(hasDiedByItself)) {
        say(`  ! ${one.program.name} ended by itself, and is started again`);
        revive(one, ending).catch(() => {}); // the run is over
      }
    }
  })();
  return async () => {
    over.abort();
    await watching;
  };
}
