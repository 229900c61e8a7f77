import { chmodSync, existsSync, mkdirSync, statfsSync } from 'node:fs';
import { markOf, readWishes } from './books.ts';
import { asOnlyCommand } from './command-lock.ts';
import { dataFolder, type Home, homeOf } from './home.ts';
import { needs, type Part, selectParts } from './parts.ts';
import { portHolder, portIsTaken } from './port-holder.ts';
import { choosePorts, type PortName, type Ports, rememberedPorts, rememberPorts } from './ports.ts';
import { describeProblem, Problem } from './problem.ts';
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
 * answers. What is up already stays as it is. Throws a Problem that names all that is wrong and what fixes it.
 */
export async function up(options: UpOptions = {}): Promise<Servers> {
  const { parts = [], ports: chosen = [], home = homeOf(), progress = () => {} } = options;
  checkPlatform();
  const names = selectParts(parts);
  const began = Date.now();
  const say = (who: string, text: string) =>
    progress(`${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s  ${who.padEnd(9)} ${text}`);
  makeFolders(home);
  return asOnlyCommand(
    home,
    'up',
    (text) => say('', text),
    async () => {
      const ports = settlePorts(home, chosen);
      checkDisk(home, names);
      const tasks = new Map<Part, Promise<void>>();
      for (const part of names)
        tasks.set(
          part,
          bringUp(home, ports, part, tasks, (text) => say(part, text)),
        );
      const ends = await Promise.allSettled(tasks.values());
      const problems = ends.filter((end) => end.status === 'rejected').map((end) => end.reason as unknown);
      const texts = new Set(problems.map(describeProblem));
      if (texts.size === 1) throw problems[0];
      if (texts.size > 1) throw new Error([...texts].join('\n'));
      writeServers(home, ports);
      return serversAt(ports);
    },
  );
}

/** Brings one part up. If a part that it needs cannot come up, it fails with the same problem. */
async function bringUp(
  home: Home,
  ports: Ports,
  part: Part,
  others: ReadonlyMap<Part, Promise<void>>,
  say: (text: string) => void,
): Promise<void> {
  const number = await prepare(home, ports, part, say);
  await Promise.all(needs[part].map((needed) => others.get(needed)));
  say(await ready(home, ports, part, number));
}

function checkPlatform(): void {
  if (process.platform === 'linux' && process.arch === 'x64') return;
  throw new Problem(
    `These servers run on Linux x64, this is ${process.platform} ${process.arch}.`,
    'docker compose up',
  );
}

/** Our own folders may be entered by the user that Postgres runs as, whatever the umask. */
function makeFolders(home: Home): void {
  for (const folder of [home.root, home.data, home.run, home.logs]) mkdirSync(folder, { recursive: true });
  for (const folder of [home.root, home.data]) chmodSync(folder, 0o755);
}

function settlePorts(home: Home, chosen: readonly string[]): Ports {
  const remembered = rememberedPorts(home);
  const ports = choosePorts(chosen, process.env, remembered);
  const running = Object.keys(readWishes(home)?.parts ?? {}).length > 0;
  const changed = Object.keys(ports).filter((name) => ports[name as PortName] !== remembered?.[name as PortName]);
  if (remembered && running && changed.length > 0) {
    throw new Problem(
      `The servers are up on other ports (${changed.join(', ')}).`,
      'npm run servers -- down, then the same command again',
    );
  }
  rememberPorts(home, ports);
  return ports;
}

function checkDisk(home: Home, parts: readonly Part[]): void {
  const fresh = parts.filter((part) => recipes[part].initialise && !existsSync(dataFolder(home, part))).length;
  const needed = 300 + 400 * fresh;
  const { bavail, bsize } = statfsSync(home.run);
  const free = Math.floor((bavail * bsize) / 1e6);
  if (free >= needed) return;
  throw new Problem(
    `The disk of ${home.root} has ${free} MB free, ${needed} MB are needed.`,
    'free some space, or set STRANGLER_HOME to a folder on another disk',
  );
}

/** Brings one part to where it can be started, and wishes for it. Gives the wish. */
async function prepare(home: Home, ports: Ports, part: Part, say: (text: string) => void): Promise<number> {
  const kitchen = { home, ports, say };
  const { install, initialise } = recipes[part];
  for (const left of findMarked(`initialise-${part}@${home.root}`)) await terminate(left, 0);
  await install(kitchen);
  if (initialise) await wholeFolder(dataFolder(home, part), (half) => initialise(kitchen, half));
  if (findMarked(markOf(home, part)).length === 0) await checkPorts(ports, part);
  const number = Date.now();
  wish(home, ports, (wishes) => {
    wishes[part] = number;
  });
  return number;
}

async function checkPorts(ports: Ports, part: Part): Promise<void> {
  for (const name of part === 'kafka' ? (['kafka', 'controller'] as const) : ([part] as const)) {
    if (!(await portIsTaken(ports[name]))) continue;
    throw new Problem(
      `Port ${ports[name]} of ${name} is in use by ${portHolder(ports[name]) ?? 'a process of another user'}.`,
      `end that process, or choose another port: npm run servers -- up --port ${name}=${ports[name] + 1000}`,
    );
  }
}

/** Waits until the supervisor reports the part ready, and says so. Throws a Problem with its last log lines. */
async function ready(home: Home, ports: Ports, part: Part, number: number): Promise<string> {
  const report = await waitForReport(home, ({ parts }) => {
    const state = parts[part];
    return state?.wish === number && (state.phase === 'ready' || state.phase === 'failed');
  });
  const state = report.parts[part];
  if (state?.phase === 'ready') return `ready on port ${ports[part]} (process ${state.process?.pid})`;
  throw new Problem(`${part} was given up: ${state?.error}`, 'fix what its log says, then npm run servers -- up');
}
