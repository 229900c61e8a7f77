import { setTimeout as sleep } from 'node:timers/promises';
import { sayDuration } from '@strangler/plan';
import type { Chance } from '../chance.ts';
import { look } from '../faults/operator.ts';
import { lagOf } from '../rehearsal/chaos/recoveries.ts';
import { revive } from '../rehearsal/chaos/victims.ts';
import type { Process } from '../rehearsal/processes.ts';
import { say } from '../rehearsal/screen.ts';
import { readStatus } from '../rehearsal/watch.ts';
import { killServer, type Part } from '../servers.ts';
import { CAPABILITY } from './addresses.ts';

/** One kill, in milliseconds from it. */
export type Kill = {
  readonly victim: string;
  /** The percentage of the users on the service then. */
  readonly at: number;
  /** Until it had been started again and answered. */
  readonly back: number;
  /** Until every stream's lag was below a second again. */
  readonly healed: number;
};

/** However busy the machine is, ms. */
const HEALED_WITHIN_MS = 300_000;
const IN_TIME_MS = 1_000;
/** In time for as long as this, or it was only that nobody had noticed yet, ms. */
const LASTS_MS = 3_000;
const POLL_MS = 200;
/** A kill comes this late at most, ms. */
const AT_MOST_MS = 1_500;

/** Kills processes and servers at moments that chance decides, and keeps book. */
export class Kills {
  readonly all: Kill[] = [];
  /** What is down now. */
  down = '';
  readonly #chance: Chance;
  readonly #signal: AbortSignal;

  constructor(chance: Chance, signal: AbortSignal) {
    this.#chance = chance;
    this.#signal = signal;
  }

  /** Kills a process, and starts it again as its supervisor would; resolves when the sync is in time again. */
  process(name: string, victim: Process): Promise<void> {
    return this.#strike(name, async () => {
      await victim.kill();
      await revive(victim, this.#signal);
    });
  }

  /** Kills a server; its supervisor starts it again. */
  server(name: string, part: Part): Promise<void> {
    return this.#strike(name, () => killServer(part));
  }

  async #strike(victim: string, kill: () => Promise<void>): Promise<void> {
    await sleep(this.#chance.between(0, AT_MOST_MS), undefined, { signal: this.#signal });
    const percent = ((await look(CAPABILITY))?.boundary ?? 0) / 100;
    const begun = Date.now();
    this.down = victim;
    say(`  ✗ ${victim} killed at ${percent} % of the users`);
    try {
      await kill();
      const back = Date.now() - begun;
      const healed = (await this.#inTime(victim)) - begun;
      this.all.push({ victim, at: percent, back, healed });
      say(`  ✓ ${victim} back after ${sayDuration(back)}, lag below 1 s again after ${sayDuration(healed)}`);
    } finally {
      this.down = '';
    }
  }

  /** When the sync began to be in time, and stayed so. */
  async #inTime(victim: string): Promise<number> {
    let since: number | undefined;
    for (const end = Date.now() + HEALED_WITHIN_MS; ; await sleep(POLL_MS, undefined, { signal: this.#signal })) {
      const status = await readStatus().catch(() => undefined);
      if (!status || lagOf(status) >= IN_TIME_MS) since = undefined;
      else since ??= Date.now();
      if (since !== undefined && Date.now() - since >= LASTS_MS) return since;
      if (Date.now() > end)
        throw new Error(`the sync did not get over the end of ${victim}: ${JSON.stringify(status)}`);
    }
  }
}
