import { Worker } from 'node:worker_threads';
import type { Result, Rule } from '@strangler/compare';
import type { Pair, Verdict } from './comparing-thread.ts';

/** Compares in a thread of its own, so that no request waits for it. */
export class Comparer {
  readonly #rules: Readonly<Record<string, readonly Rule[]>>;
  readonly #waiting = new Map<number, (result: Result | undefined) => void>();
  #thread: Worker | undefined;
  #last = 0;

  /** The rules of each capability. */
  constructor(rules: Readonly<Record<string, readonly Rule[]>>) {
    this.#rules = rules;
  }

  /** What comparing the pair came to; undefined if the thread has died over it. */
  compare(pair: Omit<Pair, 'id'>): Promise<Result | undefined> {
    const id = ++this.#last;
    this.#thread ??= this.#start();
    this.#thread.postMessage({ ...pair, id } satisfies Pair);
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  /** Safe to call twice. */
  async stop(): Promise<void> {
    await this.#thread?.terminate();
  }

  #start(): Worker {
    const thread = new Worker(new URL('./comparing-thread.ts', import.meta.url), { workerData: this.#rules });
    thread.unref();
    thread.on('message', ({ id, result }: Verdict) => this.#give(id, result));
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
