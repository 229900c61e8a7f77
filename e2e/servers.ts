import { setTimeout as sleep } from 'node:timers/promises';
import { down, status, up } from '@strangler/servers';

/** The servers that rehearsal and faults need, and may kill. */
export const NEEDED = ['mysql', 'postgres', 'kafka', 'connect'] as const;
export type Part = (typeof NEEDED)[number] | 'unleash';

/** However busy the machine is, ms. */
const BACK_WITHIN_MS = 300_000;
const POLL_MS = 50;

/** The process id of a server. Throws if it does not run. */
export async function pidOf(part: Part): Promise<number> {
  const { pid } = (await status()).parts[part];
  if (pid === undefined) throw new Error(`${part} does not run`);
  return pid;
}

/** Kills a server as a power cut would; its supervisor starts it again. Resolves when it answers. */
export async function killServer(part: Part): Promise<void> {
  const killed = await pidOf(part);
  process.kill(killed, 'SIGKILL');
  for (const deadline = Date.now() + BACK_WITHIN_MS; ; ) {
    const { pid, state, error } = (await status()).parts[part];
    if (pid !== undefined && pid !== killed && state === 'ready') return;
    if (Date.now() > deadline) throw new Error(`${part} did not come back: ${error ?? state}`);
    await sleep(POLL_MS);
  }
}

/** Takes a server down, and brings it up again after `ms` milliseconds. */
export async function stopServer(part: Part, ms: number): Promise<void> {
  await down([part]);
  await sleep(ms);
  await up({ parts: [part] });
}
