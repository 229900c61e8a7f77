import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { CandidateReply, RecordedExchange } from './exchange.ts';
import type {
  BeginRedacting,
  Begun,
  Failed,
  KeepingOptions,
  RedactedEntry,
  RedactionAnswer,
  ToKeep,
} from './redaction-process.ts';

const PROGRAM = fileURLToPath(new URL('./redaction-process.ts', import.meta.url));

/** Looks for secrets in a process of its own: nobody whose request passes by has to wait for it. */
export class RedactionWorker {
  readonly #process: ChildProcess;
  /** The process answers in the order it is asked in. */
  readonly #asked: { readonly size: number; readonly resolve: (answer: RedactionAnswer) => void }[] = [];
  readonly #ended: Promise<void>;
  #backlog = 0;
  #failure: string | undefined;

  private constructor(process: ChildProcess) {
    this.#process = process;
    process.on('message', (answer: RedactionAnswer) => this.#answer(answer));
    this.#ended = new Promise((resolve) => {
      const end = (error: unknown) => {
        this.#failure ??= error instanceof Error ? error.message : 'the process that looks for secrets has ended';
        while (this.#asked.length > 0) this.#answer({ why: this.#failure });
        resolve();
      };
      process.once('exit', end);
      process.on('error', end); // it cannot be talked to
    });
  }

  /** Starts the process; what it cannot be started with (a wrong path to redact) is thrown. */
  static async start(options: KeepingOptions): Promise<RedactionWorker> {
    const process = fork(PROGRAM, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    const keeping = new RedactionWorker(process);
    const said = await keeping.#ask<Begun>({ begin: options }, 0);
    if ('begun' in said) return keeping;
    await keeping.stop();
    throw new Error(said.why);
  }

  /** Bytes of bodies that wait to be looked through. */
  get backlog(): number {
    return this.#backlog;
  }

  /** The exchange as a line of the file. */
  entry(exchange: RecordedExchange, candidate: CandidateReply | undefined): Promise<RedactedEntry> {
    const bodies = [exchange.body, exchange.reply?.body, candidate?.reply?.body];
    const size = bodies.reduce((sum, body) => sum + (body?.bytes?.length ?? 0), 0);
    return this.#ask<RedactedEntry>({ exchange, candidate }, size);
  }

  /** What was asked before is answered, or why it is not. */
  async stop(): Promise<void> {
    if (this.#process.connected) this.#process.disconnect();
    await this.#ended;
  }

  /** What the process answers, or why it does not. */
  #ask<T extends RedactionAnswer>(message: BeginRedacting | ToKeep, size: number): Promise<T | Failed> {
    if (this.#failure !== undefined) return Promise.resolve({ why: this.#failure });
    this.#backlog += size;
    return new Promise((resolve) => {
      this.#asked.push({ size, resolve: (answer) => resolve(answer as T) });
      this.#process.send(message);
    });
  }

  #answer(answer: RedactionAnswer): void {
    const { size, resolve } = this.#asked.shift()!;
    this.#backlog -= size;
    resolve(answer);
  }
}
