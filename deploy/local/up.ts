import { existsSync, mkdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { commandLock, markOf, readReport, readWishes } from './books.ts';
import { type Home, homeOf } from './home.ts';
import { lock } from './lock.ts';
import { type Part, selectParts } from './parts.ts';
import { portHolder, portIsTaken } from './port-holder.ts';
import { choosePorts, type PortName, type Ports, rememberedPorts, rememberPorts } from './ports.ts';
import { Problem } from './problem.ts';
import { findMarked, terminate } from './process-identity.ts';
import { recipes } from './recipes/index.ts';
import { type Servers, serversAt, writeServers } from './servers.ts';
import { waitForReport, wish } from './supervised.ts';
import { wholeFolder } from './whole-folder.ts';

export interface UpOptions {
  /** Parts to start with what they need; all, if none is named. */
  readonly parts?: readonly string[];
  /** `name=port`, remembered for the next time. */
  readonly ports?: readonly string[];
  readonly home?: Home;
  /** Hears one line per step. */
  progress?(line: string): void;
}

/**
 * Fetches what is missing, makes the data folders, starts the servers under their supervisor and waits until each
 * answers. What is up already stays as it is. Throws a Problem that names what is wrong and what mends it.
 */
export async function up({
  parts = [],
  ports: chosen = [],
  home = homeOf(),
  progress = () => {},
}: UpOptions = {}): Promise<Servers> {
  checkPlatform();
  const names = selectParts(parts);
  const began = Date.now();
  const say = (who: string, text: string) =>
    progress(`${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s  ${who.padEnd(9)} ${text}`);
  mkdirSync(home.run, { recursive: true });
  const held = await lock(commandLock(home), `\`up\` (process ${process.pid})`, (holder) =>
    say('', `waiting for ${holder}`),
  );
  try {
    const ports = settlePorts(home, chosen);
    checkDisk(home, names);
    await Promise.all(names.map((part) => prepare(home, ports, part, (text) => say(part, text))));
    await ready(home, ports, names, say);
    writeServers(home, ports);
    return serversAt(ports);
  } finally {
    await held.release();
  }
}

function checkPlatform(): void {
  if (process.platform === 'linux' && process.arch === 'x64') return;
  throw new Problem(
    `These servers run on Linux x64, this is ${process.platform} ${process.arch}.`,
    'docker compose up',
  );
}

function settlePorts(home: Home, chosen: readonly string[]): Ports {
  const remembered = rememberedPorts(home);
  const ports = choosePorts(chosen, process.env, remembered);
  const running = readWishes(home)?.parts ?? {};
  const changed =
    remembered && Object.keys(ports).some((name) => ports[name as PortName] !== remembered[name as PortName]);
  if (changed && Object.keys(running).length > 0) {
    throw new Problem(
      'Ports can only be changed while the servers are down.',
      'npm run servers -- down, then up again',
    );
  }
  rememberPorts(home, ports);
  return ports;
}

function checkDisk(home: Home, parts: readonly Part[]): void {
  const fresh = parts.filter((part) => recipes[part].initialise && !existsSync(join(home.data, part))).length;
  const needed = 300 + 400 * fresh;
  const { bavail, bsize } = statfsSync(home.run);
  const free = Math.floor((bavail * bsize) / 1e6);
  if (free < needed)
    throw new Problem(
      `The disk of ${home.root} has ${free} MB free, ${needed} MB are needed.`,
      'free some space, or set STRANGLER_HOME to another disk',
    );
}

/** Brings one part to where it can be started, and wishes for it. */
async function prepare(home: Home, ports: Ports, part: Part, say: (text: string) => void): Promise<void> {
  const kitchen = { home, ports, say };
  const recipe = recipes[part];
  for (const left of findMarked(`initialise-${part}@${home.root}`)) await terminate(left, 0);
  await recipe.install(kitchen);
  if (recipe.initialise) await wholeFolder(join(home.data, part), (half) => recipe.initialise!(kitchen, half));
  if (findMarked(markOf(home, part)).length === 0) await checkPorts(ports, part);
  wish(home, ports, (wishes) => {
    wishes[part] = Date.now();
  });
}

async function checkPorts(ports: Ports, part: Part): Promise<void> {
  for (const name of part === 'kafka' ? (['kafka', 'controller'] as const) : ([part] as const)) {
    if (!(await portIsTaken(ports[name]))) continue;
    const holder = portHolder(ports[name]) ?? 'a process of another user';
    throw new Problem(
      `Port ${ports[name]} of ${name} is in use by ${holder}.`,
      `end that process, or choose another: npm run servers -- up --port ${name}=${ports[name] + 1000}`,
    );
  }
}

async function ready(
  home: Home,
  ports: Ports,
  parts: readonly Part[],
  say: (who: string, text: string) => void,
): Promise<void> {
  const wishes = readWishes(home)?.parts ?? {};
  const waiting = new Set(parts);
  await waitForReport(home, (report) => {
    for (const part of waiting) {
      const state = report.parts[part];
      if (state?.wish !== wishes[part]) continue;
      if (state.phase === 'failed') {
        throw new Problem(
          `${part} is given up after ${state.deaths.length} attempts: ${state.error}`,
          'mend what its log says, then npm run servers -- up',
        );
      }
      if (state.phase !== 'ready') continue;
      waiting.delete(part);
      say(part, `ready on port ${ports[part]} (process ${state.process?.pid})`);
    }
    return waiting.size === 0;
  });
  void readReport;
}
