import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Report, readReport, readWishes, supervisorLock, type Wishes, writeWishes } from './books.ts';
import type { Home } from './home.ts';
import { lockHolder } from './lock.ts';
import type { Part } from './parts.ts';
import type { Ports } from './ports.ts';

/** The process id of the set's supervisor, if one lives. */
export async function supervisorPid(home: Home): Promise<number | undefined> {
  const holder = await lockHolder(supervisorLock(home));
  return holder === undefined ? undefined : Number(holder);
}

/** Starts a supervisor of its own session, which outlives us; if there is one already, the new one leaves at once. */
export function ensureSupervisor(home: Home): Promise<void> {
  starting ??= startSupervisor(home).finally(() => {
    starting = undefined;
  });
  return starting;
}

let starting: Promise<void> | undefined;

async function startSupervisor(home: Home): Promise<void> {
  if (await supervisorPid(home)) return;
  mkdirSync(home.logs, { recursive: true });
  const out = openSync(join(home.logs, 'supervisor.log'), 'a');
  spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      '--disable-warning=TimeoutNegativeWarning',
      join(import.meta.dirname, 'supervisor.ts'),
    ],
    {
      detached: true,
      stdio: ['ignore', out, out],
      cwd: import.meta.dirname,
      env: { ...process.env, STRANGLER_HOME: home.root, STRANGLER_DOWNLOADS: home.downloads, NODE_OPTIONS: '' },
    },
  ).unref();
  closeSync(out);
  for (let tries = 0; tries < 100 && !(await supervisorPid(home)); tries++) await pause(50);
}

/** Changes what is wished and gives the new wishes. */
export function wish(home: Home, ports: Ports, change: (parts: Partial<Record<Part, number>>) => void): Wishes {
  const parts = { ...readWishes(home)?.parts };
  change(parts);
  const wishes = { ports, parts };
  writeWishes(home, wishes);
  return wishes;
}

/** The first report of the supervisor's that satisfies `done`; starts a supervisor again if it is gone. */
export async function waitForReport(home: Home, done: (report: Report) => boolean): Promise<Report> {
  for (let turn = 0; ; turn++) {
    const report = readReport(home);
    if (done(report)) return report;
    if (turn % 20 === 0) await ensureSupervisor(home);
    await pause(50);
  }
}
