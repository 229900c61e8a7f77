import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Result, Rule, UsedRule } from '@strangler/compare';
import type { BeginComparing, NewRules, PairResult, ReplyPair, Used } from './comparing-process.ts';

const PROGRAM = fileURLToPath(new URL('./comparing-process.ts', import.meta.url));

/** Compares in a process of its own, so that no request waits for it, nor suffers from what it may die of. */
export class Comparer {
  #rules: Readonly<Record<string, readonly Rule[]>>;
  readonly #onUsed: (capability: string, rules: readonly UsedRule[]) => void;
  readonly #waiting = new Map<number, (result: Result | undefined) => void>();
  #process: ChildProcess | undefined;
  #ended: Promise<void> | undefined;
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

  /** What comparing the pair came to; undefined if the process has died over it, or cannot be started. */
  compare(pair: Omit<ReplyPair, 'id'>): Promise<Result | undefined> {
    if (this.#stopped) return Promise.resolve(undefined);
    const id = ++this.#last;
    try {
      this.#process ??= this.#start();
    } catch {
      return Promise.resolve(undefined); // the machine has no room for a process
    }
    this.#process.send({ ...pair, id } satisfies ReplyPair);
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  /** Compares with these rules of a capability from now on. */
  use(capability: string, rules: readonly Rule[]): void {
    this.#rules = { ...this.#rules, [capability]: rules };
    this.#process?.send({ capability, rules } satisfies NewRules);
  }

  /** Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#process?.connected) this.#process.disconnect();
    await this.#ended;
  }

  #start(): ChildProcess {
    const process = fork(PROGRAM, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    process.unref();
    process.channel?.unref();
    process.on('message', (message: PairResult | Used) => {
      if ('id' in message) return this.#give(message.id, message.result);
      for (const [capability, rules] of Object.entries(message.used)) this.#onUsed(capability, rules);
    });
    this.#ended = new Promise((resolve) => {
      const end = () => {
        resolve();
        if (this.#process !== process) return;
        // What it was asked is not compared; the next pair gets a new process.
        this.#process = undefined;
        process.kill('SIGKILL');
        for (const id of [...this.#waiting.keys()]) this.#give(id, undefined);
      };
      process.once('exit', end);
      process.on('error', end); // it cannot be started, or talked to
    });
    process.send({ begin: this.#rules } satisfies BeginComparing);
    return process;
  }

  #give(id: number, result: Result | undefined): void {
    this.#waiting.get(id)?.(result);
    this.#waiting.delete(id);
  }
}
