import type { FlagStore } from '@strangler/flags';
import type { Logger } from 'pino';
import { Notify } from './notify.ts';
import type { StoredState } from './stored-state.ts';

const POLL_MS = 1_000;

/**
 * Keeps the flag and what control wants in agreement: writes what control decided, for as long as it takes, and hears
 * when a person moves the flag. A flag that cannot be read changes nothing; one that is not there is made as agreed.
 */
export class FlagFollower {
  readonly #capability: string;
  readonly #cell: StoredState;
  readonly #flags: FlagStore;
  readonly #log: Logger;
  readonly #onMoved: (percentage: number) => Promise<void>;
  readonly #whyNot: (percentage: number) => string | undefined;
  readonly #wake = new Notify();
  readonly #stopping = new AbortController();
  #problem: string | undefined;
  /** What the flag says and cannot be. */
  #refused: number | undefined;
  #forget: () => void = () => {};
  #running: Promise<void> = Promise.resolve();

  constructor(
    capability: string,
    cell: StoredState,
    flags: FlagStore,
    log: Logger,
    onMoved: (percentage: number) => Promise<void>,
    whyNot: (percentage: number) => string | undefined = () => undefined,
  ) {
    this.#capability = capability;
    this.#cell = cell;
    this.#flags = flags;
    this.#log = log;
    this.#onMoved = onMoved;
    this.#whyNot = whyNot;
  }

  /** Why what the flag says is not followed: the capability cannot be there. */
  get problem(): string | undefined {
    const percentage = this.#read();
    return percentage === undefined ? undefined : this.#whyNot(percentage);
  }

  /** Begins to watch and write. */
  start(): void {
    this.#forget = this.#flags.onChange(() => this.#wake.wake());
    this.#running = this.#loop();
  }

  /** Something may have to be written. */
  wake(): void {
    this.#wake.wake();
  }

  /** Ends watching; what is not written yet is kept in the state. Safe to call twice. */
  async stop(): Promise<void> {
    this.#forget();
    this.#stopping.abort();
    await this.#running;
  }

  async #loop(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#follow();
        await this.#write();
        this.#problem = undefined;
      } catch (error) {
        if (signal.aborted) return;
        this.#complain((error as Error).message);
      }
      const { flag } = this.#cell.current;
      const read = this.#read();
      const more = read !== undefined && read !== flag.seen && read !== this.#refused;
      await this.#wake.wait(more ? 50 : POLL_MS, signal);
    }
  }

  /** Tries go on every second; a problem is logged once. */
  #complain(problem: string): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#log.warn({ capability: this.#capability, problem }, 'the flag could not be kept in step; trying again');
  }

  #read(): number | undefined {
    return this.#flags.read(this.#capability)?.percentage;
  }

  /** A person moved the flag if it says something new that control did not write. */
  async #follow(): Promise<void> {
    const percentage = this.#read();
    const { flag } = this.#cell.current;
    const { problem } = this;
    if (problem !== undefined && percentage !== this.#refused)
      this.#log.warn({ capability: this.#capability, percentage, problem }, 'the flag is not followed');
    this.#refused = problem === undefined ? undefined : percentage;
    if (percentage === undefined || percentage === flag.seen || problem !== undefined) return;
    if (percentage !== flag.agreed) await this.#onMoved(percentage);
    await this.#cell.update((state) => ({ ...state, flag: { ...state.flag, seen: percentage } }));
  }

  async #write(): Promise<void> {
    const { agreed, pending } = this.#cell.current.flag;
    if (pending === null) {
      if (this.#read() !== undefined) return;
      await this.#flags.create(this.#capability, agreed, 'there was no flag');
      // Seen, so that it is not taken for a person's word if somebody has asked for another percentage meanwhile.
      await this.#cell.update((state) =>
        state.flag.seen === agreed ? state : { ...state, flag: { ...state.flag, seen: agreed } },
      );
      return;
    }
    await this.#flags.write(this.#capability, agreed, pending);
    // Seen in any case: if another percentage was agreed on meanwhile, this one is still no person’s word.
    await this.#cell.update((state) => {
      const isDone = state.flag.agreed === agreed && state.flag.pending === pending;
      return { ...state, flag: { ...state.flag, seen: agreed, pending: isDone ? null : state.flag.pending } };
    });
  }
}
