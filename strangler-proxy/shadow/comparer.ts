import { Worker } from 'node:worker_threads';
import type { Result, Rule, UsedRule } from '@strangler/compare';
import type { End, NewRules, Pair, Used, Verdict } from './comparing-thread.ts';

/** Compares in a thread of its own, so that no request waits for it. */
export class Comparer {
  #rules: Readonly<Record<string, readonly Rule[]>>;
  readonly #onUsed: (capability: string, rules: readonly UsedRule[]) => void;
  readonly #waiting = new Map<number, (result: Result | undefined) => void>();
  #thread: Worker | undefined;
  #last = 0;
  #stopped = false;

  /** The rules of each capability, and who hears what they have excused since the last time. */
  constructor(
    rules: Readonly<Record<string, readonly Rule[]>>,
    onUsed: (capability: string, rules: readonly UsedRule[]) => void,
  ) {
    this.#rules = rules;
    this.#onUsed = onUsed;
  }

  /** What comparing the pair came to; undefined if the thread has died over it. */
  compare(pair: Omit<Pair, 'id'>): Promise<Result | undefined> {
    if (this.#stopped) return Promise.resolve(undefined);
    const id = ++this.#last;
    this.#thread ??= this.#start();
    this.#thread.postMessage({ ...pair, id } satisfies Pair);
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  /** Compares with these rules of a capability from now on. */
  use(capability: string, rules: readonly Rule[]): void {
    this.#rules = { ...this.#rules, [capability]: rules };
    this.#thread?.postMessage({ capability, rules } satisfies NewRules);
  }

  /** Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const thread = this.#thread;
    if (!thread) return;
    // It ends by itself: terminating a thread that is just starting or compiling can bring the whole process down.
    const ended = new Promise((resolve) => thread.once('exit', resolve));
    thread.postMessage({ end: true } satisfies End);
    await ended;
  }

  #start(): Worker {
    const thread = new Worker(new URL('./comparing-thread.ts', import.meta.url), { workerData: this.#rules });
    thread.unref();
    thread.on('message', (message: Verdict | Used) => {
      if ('id' in message) return this.#give(message.id, message.result);
      for (const [capability, rules] of Object.entries(message.used)) this.#onUsed(capability, rules);
    });
    thread.on('error', () => {}); // what it was asked is not compared; the next pair gets a new thread
    thread.on('exit', () => {
      this.#thread = undefined;
      for (const id of [...this.#waiting.keys()]) this.#give(id, undefined);
    });
    return thread;
  }

  #give(id: number, result: Result | undefined): void {
    this.#waiting.get(id)?.(result);
    this.#waiting.delete(id);
  }
}
