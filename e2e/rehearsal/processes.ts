import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HOME, ROOT } from './addresses.ts';

/** What to run: a script of the repository, its arguments and the environment it adds. */
export type Program = {
  readonly name: string;
  readonly script: string;
  readonly args?: readonly string[];
  readonly env: Record<string, string>;
  /** Answers 200 once the process is ready; a process without is taken for ready when it lives. */
  readonly health?: string;
};

const LOGS = join(HOME, 'logs', 'rehearsal');
const PIDS = join(HOME, 'rehearsal');
const READY_WITHIN_MS = 30_000;
const STOP_WITHIN_MS = 15_000;
/** What every process of ours is started with. */
export const FLAGS = ['--disable-warning=ExperimentalWarning', '--disable-warning=TimeoutNegativeWarning'];

const logOf = (name: string): string => join(LOGS, `${name}.log`);

const lastLines = (name: string): string =>
  existsSync(logOf(name)) ? readFileSync(logOf(name), 'utf8').trimEnd().split('\n').slice(-8).join('\n  ') : '';

/** A process of the rehearsal: started, killed and started again by name. */
export class Process {
  readonly program: Program;
  #child: ChildProcess | undefined;
  #stopping = false;

  constructor(program: Program) {
    this.program = program;
  }

  /**
   * Starts the process, with `more` in its environment for this life, and waits until it is ready. Throws with the end
   * of its log if it is not.
   */
  async start(more: Record<string, string> = {}): Promise<void> {
    const { name, script, args = [], env, health } = this.program;
    mkdirSync(LOGS, { recursive: true });
    mkdirSync(PIDS, { recursive: true });
    const log = openSync(logOf(name), 'a');
    this.#stopping = false;
    const child = spawn(process.execPath, [...FLAGS, join(ROOT, script), ...args], {
      cwd: ROOT,
      env: { ...process.env, ...env, ...more },
      detached: true, // Ctrl-C in the terminal is for us; we stop the others in order
      stdio: ['ignore', log, log],
    });
    this.#child = child;
    writeFileSync(join(PIDS, `${name}.pid`), `${child.pid} ${script}\n`);
    if (!health) return;
    const deadline = Date.now() + READY_WITHIN_MS;
    while (child.exitCode === null && child.signalCode === null && Date.now() < deadline) {
      const answer = await fetch(health, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined);
      if (answer?.ok) return;
      await sleep(50);
    }
    const how =
      child.exitCode === null ? `was not ready after ${READY_WITHIN_MS / 1_000} s` : `stopped (code ${child.exitCode})`;
    throw new Error(`${name} ${how}. The end of ${logOf(name)}:\n  ${lastLines(name)}`);
  }

  /** True if the process ended without being asked to. */
  get died(): boolean {
    const child = this.#child;
    return !this.#stopping && child !== undefined && (child.exitCode !== null || child.signalCode !== null);
  }

  /** Its process id. Throws if it was never started. */
  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`${this.program.name} has not been started`);
    return pid;
  }

  /** Sends a signal to the process if it lives; SIGSTOP and SIGCONT let it hang for a while. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Ends the process at once, as a power cut would. */
  async kill(): Promise<void> {
    this.#stopping = true;
    await end(this.#child, 'SIGKILL');
  }

  /** Asks the process to stop and waits; safe to call twice. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await end(this.#child, 'SIGTERM');
    rmSync(join(PIDS, `${this.program.name}.pid`), { force: true });
  }
}

async function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  await ended;
  clearTimeout(late);
}

const ME = join(PIDS, 'rehearsal.pid');

/** Process id and script of a pid file, if that process still runs that script of this repository. */
function livingIn(file: string): { pid: number } | undefined {
  const [pid, script] = readFileSync(file, 'utf8').trim().split(' ') as [string, string];
  try {
    const started = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const folder = readlinkSync(`/proc/${pid}/cwd`);
    return started.some((part) => resolve(folder, part) === join(ROOT, script)) ? { pid: Number(pid) } : undefined;
  } catch {
    return undefined; // there is no such process
  }
}

/** Makes this process, which runs `script`, the only one of its home. Throws if another one is running. */
export function beTheOnlyOne(script = 'e2e/rehearsal/main.ts'): void {
  const other = existsSync(ME) ? livingIn(ME) : undefined;
  if (other)
    throw new Error(`${script} is running already (process ${other.pid}); stop it with Ctrl-C, then start again`);
  mkdirSync(PIDS, { recursive: true });
  writeFileSync(ME, `${process.pid} ${script}\n`);
}

/** Ends what a rehearsal that was itself killed has left running, only processes provably ours, and drops old logs. */
export async function stopLeftovers(): Promise<void> {
  const files = existsSync(PIDS) ? readdirSync(PIDS).filter((name) => name.endsWith('.pid')) : [];
  for (const file of files.map((name) => join(PIDS, name)).filter((one) => one !== ME)) {
    const leftover = livingIn(file);
    if (leftover) process.kill(leftover.pid, 'SIGKILL');
    while (livingIn(file)) await sleep(20);
    rmSync(file);
  }
  rmSync(LOGS, { recursive: true, force: true });
}

/** Runs a command of the `strangler` CLI to its end. Throws with what it printed if it fails. */
export async function strangler(args: readonly string[], env: Record<string, string>): Promise<string> {
  const child = spawn(process.execPath, [...FLAGS, join(ROOT, 'cli/main.ts'), ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`strangler ${args.join(' ')} ended with code ${code}:\n${output.trimEnd()}`);
  return output;
}
