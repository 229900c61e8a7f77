import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

const conduit = join(import.meta.dirname, '..');

/** A program that serves; `stop` sends it SIGTERM and answers its exit code. */
export interface Program {
  url: string;
  stop(): Promise<number | null>;
}

const start = (script: string, args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess =>
  spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(conduit, script), ...args], {
    env: { ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });

/** Starts a program on a free port and waits until it says where it listens. */
export const serve = async (script: string, env: Readonly<Record<string, string>>): Promise<Program> => {
  const child = start(script, [], { PORT: '0', ...env });
  const exit = once(child, 'exit') as Promise<[number | null]>;
  child.stderr!.pipe(process.stderr);
  for await (const line of createInterface({ input: child.stdout! })) {
    const url = /http:\/\/[\d.]+:\d+/.exec(line)?.[0];
    if (url === undefined) continue;
    child.stdout!.resume();
    return {
      url,
      stop: async () => {
        child.kill('SIGTERM');
        return (await exit)[0];
      },
    };
  }
  throw new Error(`${script} ended before it listened`);
};

/** Runs a program to its end. */
export const run = async (script: string, env: Readonly<Record<string, string>>, ...args: string[]) => {
  const child = start(script, args, env);
  const [out, err, [code]] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'exit')]);
  return { code: code as number | null, out, err };
};
