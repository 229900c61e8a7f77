import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { markOf, type Report, readWishes, supervisorLock, type Wishes, writeReport } from './books.ts';
import { type Home, homeOf } from './home.ts';
import { tryLock } from './lock.ts';
import { allParts, needs, type Part } from './parts.ts';
import { findMarked, type Identity, identify, isAlive, markVariable, signal } from './process-identity.ts';
import { recipes } from './recipes/index.ts';
import type { Kitchen } from './recipes/recipe.ts';
import { type PartState, step, unknownState } from './reconcile.ts';

const tickEvery = 100;
const logLimit = 32 * 1024 * 1024;

/** A part as the supervisor holds it: its state, and what is under way for it. */
interface Ward {
  state: PartState;
  starting: boolean;
  probing: boolean;
  answers: boolean;
  /** Why the last probe failed. */
  lastAnswer?: string;
  error?: string;
}

/**
 * Keeps the wished servers running until none is wished. Each tick reads the wishes, looks which processes live, and
 * takes one step per part; so it can be killed at any moment, and the next one adopts the servers it finds.
 */
async function supervise(home: Home): Promise<void> {
  const wards = new Map(allParts.map((part) => [part, adopt(home, part)]));
  let told = '';
  for (;;) {
    const wishes = readWishes(home);
    for (const [part, ward] of wards) tick(home, wishes, part, ward, wards);
    const report: Report = {
      parts: Object.fromEntries(
        [...wards].map(([part, { state, error }]) => [part, { ...state, ...(error ? { error } : {}) }]),
      ),
    };
    const text = JSON.stringify(report);
    if (text !== told) told = tell(home, report) ? text : '';
    const wished = Object.keys(wishes?.parts ?? {}).length > 0;
    if (!wished && [...wards.values()].every((ward) => ward.state.phase === 'stopped' && !ward.starting)) return;
    await pause(tickEvery);
  }
}

/** A report that cannot be written (the disk is full) is tried again; it must not end the servers' supervision. */
function tell(home: Home, report: Report): boolean {
  try {
    writeReport(home, report);
    return true;
  } catch (error) {
    log(`the report cannot be written: ${(error as Error).message}`);
    return false;
  }
}

function adopt(home: Home, part: Part): Ward {
  const [first, ...others] = findMarked(markOf(home, part));
  for (const other of others) signal(other, 'SIGKILL');
  const state = unknownState(performance.now());
  if (first) log(`${part}: adopting process ${first.pid}`);
  return { state: first ? { ...state, process: first } : state, starting: false, probing: false, answers: false };
}

function tick(home: Home, wishes: Wishes | undefined, part: Part, ward: Ward, wards: Map<Part, Ward>): void {
  if (ward.starting) return;
  const before = ward.state;
  const { state, effect } = step(before, {
    now: performance.now(),
    wish: wishes?.parts[part],
    alive: before.process !== undefined && isAlive(before.process),
    answers: ward.answers,
    needsReady: needs[part].every((needed) => wards.get(needed)?.state.phase === 'ready'),
    neededStill: [...wards].some(
      ([other, { state }]) => needs[other].includes(part) && !wishes?.parts[other] && state.phase !== 'stopped',
    ),
  });
  ward.state = state;
  if (state.phase !== before.phase) {
    log(`${part}: ${before.phase} → ${state.phase}`);
    if (state.phase === 'resting' || state.phase === 'failed') {
      ward.answers = false;
      const what = before.phase === 'ready' ? 'it died' : `it did not come up (${ward.lastAnswer ?? 'not asked yet'})`;
      ward.error = `${what}\n${lastLines(home, part)}`;
    }
    if (state.phase === 'ready') delete ward.error;
  }
  if (effect === 'ask to stop') signal(state.process as Identity, recipes[part].stopSignal);
  if (effect === 'kill') signal(state.process as Identity, 'SIGKILL');
  if (!wishes) return;
  const kitchen: Kitchen = { home, ports: wishes.ports, say: (text) => log(`${part}: ${text}`) };
  if (effect === 'start') void start(kitchen, part, ward);
  if (state.phase === 'starting' && !ward.starting && !ward.probing) void probe(kitchen, part, ward);
}

async function start(kitchen: Kitchen, part: Part, ward: Ward): Promise<void> {
  ward.starting = true;
  ward.answers = false;
  const { home } = kitchen;
  const { process: _, ...state } = ward.state;
  ward.state = state;
  let out: number | undefined;
  try {
    out = openLog(home, part);
    await recipes[part].beforeStart?.(kitchen);
    const command = recipes[part].command(kitchen);
    const child = spawn(command.file, [...command.args], {
      detached: true,
      stdio: ['ignore', out, out],
      env: { ...process.env, ...command.env, [markVariable]: markOf(home, part) },
      ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
      ...(command.uid === undefined ? {} : { uid: command.uid }),
      ...(command.gid === undefined ? {} : { gid: command.gid }),
    });
    child.on('error', (error) => {
      ward.lastAnswer = error.message;
    });
    child.on('exit', (code, name) => log(`${part}: process ${child.pid} ended (${name ?? `exit code ${code}`})`));
    const identity = child.pid === undefined ? undefined : identify(child.pid);
    if (identity) ward.state = { ...ward.state, process: identity };
  } catch (error) {
    ward.lastAnswer = (error as Error).message; // without a process the next tick counts a failed start
  } finally {
    if (out !== undefined) closeSync(out);
    ward.starting = false;
  }
}

async function probe(kitchen: Kitchen, part: Part, ward: Ward): Promise<void> {
  ward.probing = true;
  const asked = ward.state.process;
  try {
    await recipes[part].probe(kitchen);
    if (asked && asked === ward.state.process) ward.answers = true;
  } catch (error) {
    ward.lastAnswer = (error as Error).message; // not yet: the next tick asks again, until the limit for starting
  } finally {
    ward.probing = false;
  }
}

export const logFile = (home: Home, part: Part | 'supervisor'): string => join(home.logs, `${part}.log`);

function openLog(home: Home, part: Part): number {
  const path = logFile(home, part);
  mkdirSync(home.logs, { recursive: true });
  if (existsSync(path) && statSync(path).size > logLimit) renameSync(path, `${path}.old`);
  const out = openSync(path, 'a');
  writeSync(out, `\n--- start at ${new Date().toISOString()}\n`);
  return out;
}

function lastLines(home: Home, part: Part): string {
  const path = logFile(home, part);
  const lines = existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n').slice(-12) : [];
  return `${lines.map((line) => `    ${line}`).join('\n')}\n    (${path})`;
}

const log = (text: string): void => console.log(`${new Date().toISOString()} ${text}`);

if (import.meta.main) {
  const home = homeOf();
  const held = await tryLock(supervisorLock(home), String(process.pid));
  if (held) {
    log(`supervisor ${process.pid} begins`);
    await supervise(home);
    log(`supervisor ${process.pid} ends: nothing is wished`);
    process.exit();
  }
}
