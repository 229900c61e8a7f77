import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Redaction } from '../redact.ts';
import type { BesideReply, Exchange } from './exchange.ts';
import type { End, KeptEntry, ToKeep } from './keeping-thread.ts';
import type { UserFrom } from './user.ts';

export interface KeepingOptions {
  readonly redaction: Redaction;
  /** Bytes of a decoded body beyond which only size and hash are kept. */
  readonly cap: number;
  /** Base URLs without a slash at their end. */
  readonly target: string;
  readonly beside: string | undefined;
  readonly user: UserFrom | undefined;
}

/** Looks for secrets in a thread of its own: nobody whose request passes by has to wait for it. */
export class Keeping {
  readonly #thread: Worker;
  /** The thread answers in the order it is asked in. */
  readonly #asked: { readonly size: number; readonly resolve: (kept: KeptEntry) => void }[] = [];
  readonly #ended: Promise<unknown>;
  #backlog = 0;
  #failure: string | undefined;

  private constructor(thread: Worker) {
    this.#thread = thread;
    this.#ended = new Promise((resolve) => thread.once('exit', resolve));
    this.#thread.on('message', (kept: KeptEntry) => this.#answer(kept));
    this.#thread.on('error', ({ message }) => {
      this.#failure = message;
      while (this.#asked.length > 0) this.#answer({ why: message });
    });
  }

  /** Starts the thread; what it cannot be started with (a wrong path to redact) is thrown. */
  static async start(options: KeepingOptions): Promise<Keeping> {
    const thread = new Worker(new URL('./keeping-thread.ts', import.meta.url), { workerData: options });
    await once(thread, 'message');
    return new Keeping(thread);
  }

  /** Bytes of bodies that wait to be looked through. */
  get backlog(): number {
    return this.#backlog;
  }

  /** The exchange as a line of the file. */
  entry(exchange: Exchange, beside: BesideReply | undefined): Promise<KeptEntry> {
    if (this.#failure !== undefined) return Promise.resolve({ why: this.#failure });
    const bodies = [exchange.body, exchange.reply?.body, beside?.reply?.body];
    const size = bodies.reduce((sum, body) => sum + (body?.bytes?.length ?? 0), 0);
    this.#backlog += size;
    return new Promise((resolve) => {
      this.#asked.push({ size, resolve });
      this.#thread.postMessage({ exchange, beside } satisfies ToKeep);
    });
  }

  /** What was asked before is still answered. */
  async stop(): Promise<void> {
    // It ends by itself: terminating a thread that is just starting or compiling can bring the whole process down.
    this.#thread.postMessage({ end: true } satisfies End);
    await this.#ended;
  }

  #answer(kept: KeptEntry): void {
    const { size, resolve } = this.#asked.shift()!;
    this.#backlog -= size;
    resolve(kept);
  }
}
