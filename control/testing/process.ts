import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Control as a process of its own, so that it can be killed at any point. */
export class ControlProcess {
  readonly address: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;

  private constructor(child: ChildProcess, address: string, ended: Promise<number | null>) {
    this.#child = child;
    this.address = address;
    this.#ended = ended;
  }

  /** Starts it with this Plan and waits until it listens. Rejects with what it said when it ends instead. */
  static async start(folder: string, plan: object): Promise<ControlProcess> {
    const file = join(folder, 'plan.json');
    await writeFile(file, JSON.stringify(plan));
    const main = new URL('../main.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, [main, '--plan', file], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    child.stderr!.on('data', (chunk: Buffer) => {
      said += chunk;
    });
    const address = await new Promise<string>((resolve, reject) => {
      child.stdout!.on('data', (chunk: Buffer) => {
        said += chunk;
        const found = /"address":"([^"]+)"/.exec(said)?.[1];
        if (found) resolve(found);
      });
      void ended.then((code) => reject(new Error(`ended with ${code}: ${said}`)));
    });
    return new ControlProcess(child, address, ended);
  }

  /** SIGKILL: nothing is finished, nothing is given back. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }

  /** SIGTERM; the exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM');
    return this.#ended;
  }
}
