import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** One process and no other: a process id is used again, but never with the same start time in the same boot. */
export interface Identity {
  readonly pid: number;
  readonly started: string;
}

/** What /proc/PID/stat tells. The command in it may hold spaces and brackets, so fields count from the last bracket. */
export function parseStat(stat: string): { state: string; parent: number; ticks: string } {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', parent: Number(fields[1]), ticks: fields[19] ?? '' };
}

let boot: string | undefined;
const bootId = (): string => {
  boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return boot;
};

/** The identity of a process that runs now; undefined if there is none or it is only waiting to be reaped. */
export function identify(pid: number): Identity | undefined {
  const stat = readProc(pid, 'stat');
  if (!stat) return undefined;
  const { state, ticks } = parseStat(stat);
  return state === 'Z' || state === 'X' ? undefined : { pid, started: `${bootId()}:${ticks}` };
}

export const isAlive = (identity: Identity): boolean => identify(identity.pid)?.started === identity.started;

/** The environment variable that every server of ours carries: who it is and to which home it belongs. */
export const markVariable = 'STRANGLER_SERVER';

/**
 * The processes that carry a mark, without their children. Asking the kernel and no file, so that a process is found
 * even if whoever started it was killed before writing its id down.
 */
export function findMarked(mark: string): Identity[] {
  const found = new Map<number, { identity: Identity; parent: number }>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    if (!readProc(pid, 'environ')?.split('\0').includes(`${markVariable}=${mark}`)) continue;
    const identity = identify(pid);
    const stat = readProc(pid, 'stat');
    if (identity && stat) found.set(pid, { identity, parent: parseStat(stat).parent });
  }
  return [...found.values()].filter(({ parent }) => !found.has(parent)).map(({ identity }) => identity);
}

/** Sends a signal to exactly this process; nothing happens if it has gone. */
export function signal(identity: Identity, name: NodeJS.Signals): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(identity.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Ends a process: SIGTERM, and SIGKILL if it is still there after `grace` milliseconds. */
export async function terminate(identity: Identity, grace: number): Promise<void> {
  signal(identity, 'SIGTERM');
  for (const end = Date.now() + grace; Date.now() < end && isAlive(identity); ) await pause(20);
  signal(identity, 'SIGKILL');
  while (isAlive(identity)) await pause(20);
}

function readProc(pid: number, file: 'stat' | 'environ'): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined; // gone in between, or another user's
  }
}
