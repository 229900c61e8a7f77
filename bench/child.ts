import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A program and its arguments. */
export type Command = { readonly file: string; readonly args: readonly string[] };

const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 5_000;
const KEPT_OUTPUT = 4_000;

const running = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null;

function start({ file, args }: Command, env: Record<string, string> = {}) {
  // A group of its own: Ctrl-C in the terminal is for us, and we stop what we started.
  const child = spawn(file, [...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  const take = (chunk: string) => {
    output = (output + chunk).slice(-KEPT_OUTPUT);
  };
  child.stdout!.setEncoding('utf8').on('data', take);
  child.stderr!.setEncoding('utf8').on('data', take);
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  failed.catch(() => {});
  return { child, failed, output: () => output };
}

/** Runs a program to its end and gives its output. Throws with that output if it fails, and the signal’s reason. */
export async function runCommand(command: Command, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const { child, failed, output } = start(command);
  const abort = () => child.kill('SIGKILL');
  signal.addEventListener('abort', abort, { once: true });
  try {
    const [code] = (await Promise.race([once(child, 'close'), failed])) as [number | null];
    signal.throwIfAborted();
    if (code !== 0) throw new Error(`${command.args[2] ?? command.file} ended with code ${code}:\n${output().trim()}`);
    return output();
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** As `startProcess`; gives only its stop. */
export async function startChild(
  ...[name, command, ready, signal, env]: Parameters<typeof startProcess>
): Promise<() => Promise<void>> {
  return (await startProcess(name, command, ready, signal, env)).stop;
}

/** Starts a program and waits until `ready` no longer throws. Gives its id and its stop, safe to call twice. */
export async function startProcess(
  name: string,
  command: Command,
  ready: () => Promise<unknown>,
  signal: AbortSignal,
  env: Record<string, string> = {},
): Promise<{ readonly pid: number; readonly stop: () => Promise<void> }> {
  const { child, failed, output } = start(command, env);
  failed.catch(() => {});
  const stop = async () => {
    if (!running(child) || child.pid === undefined) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
    await ended;
    clearTimeout(late);
  };
  const deadline = Date.now() + READY_WITHIN_MS;
  let why: unknown;
  while (running(child) && child.pid !== undefined && Date.now() < deadline && !signal.aborted) {
    try {
      await ready();
      return { pid: child.pid, stop };
    } catch (error) {
      why = error;
      await sleep(50);
    }
  }
  await stop();
  signal.throwIfAborted();
  throw new Error(
    `${name} is not ready (${why instanceof Error ? why.message : 'it did not start'}):\n${output().trim()}`,
  );
}

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as { port: number };
  await new Promise((closed) => server.close(closed));
  return port;
}
