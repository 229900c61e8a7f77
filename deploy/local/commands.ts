import { rmSync } from 'node:fs';
import { markOf, readReport, readWishes } from './books.ts';
import { asOnlyCommand } from './command-lock.ts';
import { dataFolder, type Home, homeOf } from './home.ts';
import { allParts, namedParts, type Part } from './parts.ts';
import { choosePorts, rememberedPorts } from './ports.ts';
import { findMarked, isAlive } from './process-identity.ts';
import type { Phase } from './reconcile.ts';
import { type Servers, serversAt, serversFile } from './servers.ts';
import { ensureSupervisor, supervisorPid, waitForReport, wish } from './supervised.ts';

export interface PartStatus {
  readonly state: Phase | 'unsupervised';
  readonly pid?: number;
  readonly restarts: number;
  readonly error?: string;
}

/** The set as it is: its supervisor, and of each part the address, credentials, process id and state. */
export interface SetStatus {
  readonly home: string;
  readonly supervisor: number | null;
  readonly parts: { readonly [P in Part]: PartStatus & Servers[P] };
}

/** How the servers stand now. */
export async function status(home: Home = homeOf()): Promise<SetStatus> {
  const supervisor = await supervisorPid(home);
  const report = readReport(home);
  const addresses = serversAt(choosePorts([], process.env, rememberedPorts(home)));
  const one = (part: Part): PartStatus => {
    const told = report.parts[part];
    if (supervisor === undefined) {
      const [found] = findMarked(markOf(home, part));
      return found ? { state: 'unsupervised', pid: found.pid, restarts: 0 } : { state: 'stopped', restarts: 0 };
    }
    return {
      state: told?.phase ?? 'stopped',
      ...(told?.process && isAlive(told.process) ? { pid: told.process.pid } : {}),
      restarts: told?.restarts ?? 0,
      ...(told?.error ? { error: told.error } : {}),
    };
  };
  const parts = Object.fromEntries(allParts.map((part) => [part, { ...one(part), ...addresses[part] }]));
  return { home: home.root, supervisor: supervisor ?? null, parts: parts as SetStatus['parts'] };
}

/** Stops the named parts (all, if none is named) cleanly and waits for their end. */
export async function down(names: readonly string[] = [], home = homeOf(), progress = silent): Promise<void> {
  const parts = namedParts(names);
  await asOnlyCommand(home, 'down', progress, () => stop(home, parts));
  progress(`stopped: ${parts.join(', ')}`);
}

/** Stops everything and deletes the data; downloads, ports and logs stay. */
export async function reset(home = homeOf(), progress = silent): Promise<void> {
  await asOnlyCommand(home, 'reset', progress, async () => {
    await stop(home, allParts);
    for (const part of allParts) rmSync(dataFolder(home, part), { recursive: true, force: true });
    for (const folder of [home.data, home.run]) rmSync(folder, { recursive: true, force: true });
  });
  progress('stopped, and the data is deleted');
}

const silent = (_line: string): void => {};

async function stop(home: Home, parts: readonly Part[]): Promise<void> {
  if (parts.length === allParts.length) rmSync(serversFile(home), { force: true });
  const wishes = readWishes(home);
  if (!wishes) return;
  wish(home, wishes.ports, (wished) => {
    for (const part of parts) delete wished[part];
  });
  const running = () => parts.some((part) => findMarked(markOf(home, part)).length > 0);
  if (!running() && (await supervisorPid(home)) === undefined) return;
  await ensureSupervisor(home);
  await waitForReport(
    home,
    (report) => parts.every((part) => (report.parts[part]?.phase ?? 'stopped') === 'stopped') && !running(),
  );
}
