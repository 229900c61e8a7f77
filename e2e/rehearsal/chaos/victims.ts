import { setTimeout as sleep } from 'node:timers/promises';
import { killServer } from '../../servers.ts';
import type { Process } from '../processes.ts';
import type { Processes } from '../programs.ts';

/** Something that can be killed, by its key on the keyboard. */
export type Victim = {
  readonly key: string;
  readonly name: string;
  /** Kills it with SIGKILL. Resolves when it has been started again and answers. */
  readonly strike: () => Promise<void>;
};

/** What a supervisor waits before it starts a dead process again, in milliseconds. */
const RESTART_AFTER_MS = 1_000;

/** Everything that can be killed. The proxies die in turn. Nothing is started again once `signal` is aborted. */
export function victimsOf(processes: Processes, signal: AbortSignal): Victim[] {
  const { proxies, control, cdc, orders, notifications } = processes;
  let turn = 0;
  const process = (key: string, name: string, next: () => Process): Victim => ({
    key,
    name,
    strike: async () => {
      const one = next();
      await one.kill();
      await revive(one, signal);
    },
  });
  return [
    process('p', 'proxy', () => proxies[turn++ % proxies.length]!),
    process('c', 'control', () => control),
    process('d', 'cdc', () => cdc),
    process('o', 'orders', () => orders),
    process('n', 'notifications', () => notifications),
    { key: 'w', name: 'Connect', strike: () => killServer('connect') },
    { key: 'k', name: 'Kafka', strike: () => killServer('kafka') },
    { key: 'g', name: 'Postgres', strike: () => killServer('postgres') },
    { key: 'm', name: 'MySQL', strike: () => killServer('mysql') },
  ];
}

const reviving = new Set<Process>();

/** True for a process that has ended without anybody killing it, and that nobody is starting again yet. */
export const hasDiedByItself = (one: Process): boolean => one.died && !reviving.has(one);

/**
 * Starts a dead process again after a moment, as often as it takes: what it needs may be dead as well. Rejects when
 * `signal` is aborted.
 */
export async function revive(one: Process, signal: AbortSignal): Promise<void> {
  reviving.add(one);
  try {
    for (;;) {
      await sleep(RESTART_AFTER_MS, undefined, { signal });
      try {
        return await one.start();
      } catch {
        await one.kill(); // its log says why; it may have come half way
      }
    }
  } finally {
    reviving.delete(one);
  }
}
