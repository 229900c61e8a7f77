import { isDeepStrictEqual } from 'node:util';
import { down, type Servers, status, up } from '@strangler/servers';
import { beTheOnlyOne, stopLeftovers } from '../rehearsal/processes.ts';
import { NEEDED } from '../servers.ts';
import type { Fault } from './fault.ts';
import { notRun, type Run, runFault } from './run.ts';
import { type Stack, startStack } from './stack.ts';

const HISTORY = 500;

/** Servers of its own, and a stack on them for one fault after another. */
export class Lane {
  readonly #servers: Servers;
  readonly #wereUp: boolean;
  #stack: Stack | undefined;

  private constructor(servers: Servers, wereUp: boolean) {
    this.#servers = servers;
    this.#wereUp = wereUp;
  }

  /** Starts the servers of this process’s home. Throws if another lane lives there. */
  static async open(): Promise<Lane> {
    beTheOnlyOne('e2e/faults/lane-process.ts');
    await stopLeftovers();
    const { parts } = await status();
    const wereUp = NEEDED.every((part) => parts[part].state === 'ready');
    return new Lane(await up({ parts: NEEDED }), wereUp);
  }

  /** Runs a fault with a seed, on the stack that stands or on a new one. Never throws. */
  async run(fault: Fault, seed: number): Promise<Run> {
    const { inPlan = {} } = fault;
    const copying = fault.chapter === 'copying';
    try {
      if (copying || !this.#stack || !isDeepStrictEqual(this.#stack.inPlan, inPlan)) {
        await this.#clear();
        // A fault that failed may have left one down.
        await up({ parts: inPlan.unleash ? [...NEEDED, 'unleash'] : NEEDED });
        this.#stack = await startStack(this.#servers, { history: fault.history ?? HISTORY, copying, inPlan });
      }
      const run = await runFault(this.#stack, fault, seed);
      if (fault.spends || copying || run.mistakes.length) await this.#clear();
      return run;
    } catch (error) {
      return notRun(fault, seed, (error as Error).message);
    }
  }

  /** Stops the stack, and the servers unless they were up before; safe to call twice. */
  async close(): Promise<void> {
    await this.#clear();
    if (!this.#wereUp) await down();
  }

  async #clear(): Promise<void> {
    const stack = this.#stack;
    this.#stack = undefined;
    await stack?.stop();
  }
}
