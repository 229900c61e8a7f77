import { setTimeout as sleep } from 'node:timers/promises';
import { verify } from '@strangler/cdc';
import { murmur3, SUSPECT } from '@strangler/plan';
import { chanceOf } from '../chance.ts';
import { keepExpecting } from '../rehearsal/expecting.ts';
import { audit } from './audit.ts';
import { Crossing, IN_TIME_MS } from './crossing.ts';
import type { Chapter, Fault } from './fault.ts';
import { Ledger } from './ledger.ts';
import { atRest, look, rollback, set, until } from './operator.ts';
import { PLAN_FILE, type Stack } from './stack.ts';
import { Writer } from './writer.ts';

/** What one fault did with one seed. */
export type Run = {
  readonly fault: string;
  readonly seed: number;
  /** What is wrong; empty if nothing was lost, doubled or different, and everything healed. */
  readonly mistakes: readonly string[];
  readonly acknowledged: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly differing: number;
  /** From the fault, or from the plug put back in, until every purchase crossed within a second again, ms. */
  readonly recovery: number;
  /** The longest an acknowledged purchase waited for the other database, ms. */
  readonly worstLag: number;
  readonly requests: number;
  /** Requests that failed and were sent again, and those that never got an answer. */
  readonly retried: number;
  readonly unanswered: number;
  /** Rows kept during the run. */
  readonly quarantine: { readonly open: number; readonly settled: number };
  /** Mismatches the toolkit's own verify found: a second witness. */
  readonly verified: number;
  /** What else is worth telling: times in ms, or counts. */
  readonly notes: Readonly<Record<string, number | string>>;
  readonly took: number;
};

const USERS = 120;
const RATE = 50;
const HEALED_WITHIN_MS = 240_000;
const READY_WITHIN_MS = 60_000;
/** Purchases that must be acknowledged after a fault before it counts as healed. */
const AFTERWARDS = 40;
const POLL_MS = 50;
/** How long the last rows may take to cross, ms. */
const SETTLE_WITHIN_MS = 120_000;

/** Where users are when a chapter begins, and where they should be in the end; percent. */
const CHAPTERS: Readonly<Record<Chapter, readonly [from: number, to: number]>> = {
  'nobody moved': [0, 0],
  ramping: [10, 50],
  steady: [50, 50],
  'rolling back': [50, 0],
  'everybody moved': [100, 100],
  copying: [0, 0],
};

/** Lets a fault happen under load and holds both databases against the writer's ledger. Never throws. */
export async function runFault(stack: Stack, fault: Fault, seed: number): Promise<Run> {
  const begun = Date.now();
  const chance = chanceOf(seed, fault.name);
  const ledger = new Ledger();
  const users = stack.newUsers(USERS);
  const notes: Record<string, number | string> = {};
  const mistakes: string[] = [];
  const attempt = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      mistakes.push((error as Error).message);
      return undefined;
    }
  };
  const [from, to] = CHAPTERS[fault.chapter];
  const stopExpecting = keepExpecting('fault suite', stack.env, ['--plan', PLAN_FILE]);
  if (fault.chapter !== 'copying') await attempt(() => bring(from));
  const before = await kept();
  const beforehand = await suspects();
  const crossing = new Crossing(stack.addresses.monolith.admin, stack.addresses.orders.admin);
  const write = () =>
    new Writer({
      ...{ bases: stack.bases, users, products: stack.shop.products, rate: fault.rate ?? RATE, chance, ledger },
      name: `fault-${murmur3(fault.name).toString(36)}-${seed}-${begun.toString(36)}`,
      acknowledged: ({ user, key }) => crossing.add({ userId: user, key }),
    });
  let writer = fault.idle ? undefined : write();
  let since = begun;
  const pause = (least: number, most: number) => sleep(chance.between(least, most));
  await attempt(async () => {
    await pause(500, 1_000);
    if (fault.chapter === 'ramping') await set('orders', to);
    if (fault.chapter === 'rolling back') await rollback('orders');
    await pause(0, 1_000);
    since = Date.now();
    const over = () => {
      since = Date.now();
    };
    const note = (what: string, value: number | string) => {
      notes[what] = typeof value === 'number' ? Math.round(value) : value;
    };
    await fault.strike({ stack, chance, ledger, users, pause, over, note });
    writer ??= write();
    if (fault.chapter === 'copying') await stack.settle();
    await until('the end of the move', 'orders', HEALED_WITHIN_MS, (status) => {
      return atRest(status) && (status.boundary === to * 100 || fault.mayRollBack === true);
    });
    await heal(ledger, crossing);
  });
  await writer?.stop();
  await stopExpecting();
  if (fault.behind) notes['told too early'] = String(ledger.complaints.splice(0).length);
  const recovery = crossing.recovery(since);
  const worstLag = crossing.worst(begun);
  const books = await attempt(() => audit(stack, ledger, users, mistakes.length ? 0 : SETTLE_WITHIN_MS));
  await crossing.stop();
  const verified = await attempt(() => verify(stack.plan, 'orders'));
  if (verified?.mismatches) mistakes.push(`verify found ${verified.mismatches} mismatches`);
  const after = await kept();
  for (const [cause, rows] of await suspects()) {
    const more = rows - (beforehand.get(cause) ?? 0);
    if (more) notes[cause] = String(more);
  }
  const { requests, retried, unanswered, acknowledged } = ledger;
  return {
    ...{ fault: fault.name, seed, acknowledged, recovery, worstLag, requests, retried, unanswered, notes },
    ...{ lost: books?.lost ?? 0, duplicated: books?.duplicated ?? 0, differing: books?.differing ?? 0 },
    mistakes: [...mistakes, ...(books?.mistakes ?? [])],
    quarantine: { open: after.open - before.open, settled: after.settled - before.settled },
    verified: verified?.mismatches ?? 0,
    took: Date.now() - begun,
  };
}

/** A run that could not begin, and why. */
export function notRun({ name }: Fault, seed: number, mistake: string): Run {
  const nothing = { acknowledged: 0, lost: 0, duplicated: 0, differing: 0, recovery: 0, worstLag: 0, requests: 0 };
  const none = { retried: 0, unanswered: 0, verified: 0, took: 0, notes: {} };
  return { fault: name, seed, mistakes: [mistake], ...nothing, ...none, quarantine: { open: 0, settled: 0 } };
}

/** Rows in quarantine, as control counts them. */
async function kept(): Promise<Run['quarantine']> {
  const found = await Promise.all(['orders', 'notifications'].map(look));
  const sum = (of: 'open' | 'settled') => found.reduce((total, one) => total + (one?.quarantine[of] ?? 0), 0);
  return { open: sum('open'), settled: sum('settled') };
}

/** Rows that were overwritten, superseded or applied late, and are not by design, by cause, as control counts them. */
async function suspects(): Promise<Map<string, number>> {
  const found = await Promise.all(['orders', 'notifications'].map(look));
  const all = found.flatMap((one) => one?.corrections ?? []).filter(({ cause }) => SUSPECT.includes(cause));
  const sums = new Map<string, number>();
  for (const { cause, rows } of all) sums.set(cause, (sums.get(cause) ?? 0) + rows);
  return sums;
}

/** Brings everybody where a chapter begins, with every gate open. */
async function bring(percentage: number): Promise<void> {
  const now = await until('a control', 'orders', READY_WITHIN_MS, atRest);
  if (now.boundary !== percentage * 100) await set('orders', percentage);
  await until(`${percentage} % and open gates`, 'orders', READY_WITHIN_MS, (status) => {
    return atRest(status) && status.boundary === percentage * 100 && !status.gates.length;
  });
}

/** Waits until purchases are made again, and those made since have crossed, in time. */
async function heal(ledger: Ledger, crossing: Crossing): Promise<void> {
  const enough = ledger.acknowledged + AFTERWARDS;
  let made: number | undefined;
  for (const deadline = Date.now() + HEALED_WITHIN_MS; ; await sleep(POLL_MS)) {
    if (ledger.acknowledged >= enough) made ??= Date.now();
    if (made !== undefined && Date.now() - crossing.lag >= made && crossing.lag < IN_TIME_MS) return;
    const stopped = (await look('orders'))?.streams.find(({ state }) => state === 'stopped');
    if (stopped) throw new Error(`${stopped.stream} has stopped: ${stopped.reason}`);
    if (Date.now() < deadline) continue;
    const late = Math.round(crossing.lag / 1_000);
    throw new Error(`not healed after ${HEALED_WITHIN_MS / 1_000} s: a purchase has waited ${late} s to cross`);
  }
}
