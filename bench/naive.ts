import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { servers as readServers, type Servers } from '@strangler/servers';
import { tryLock } from '../deploy/local/lock.ts';
import { databaseAddresses } from '../e2e/rehearsal/addresses.ts';
import { cleanSlate } from '../e2e/rehearsal/clean-slate.ts';
import { type Input, readInput } from '../e2e/rehearsal/input.ts';
import { loadShop } from '../e2e/rehearsal/load-shop.ts';
import { beTheOnlyOne, stopLeftovers } from '../e2e/rehearsal/processes.ts';
import { inStoppingOrder, processesOf } from '../e2e/rehearsal/programs.ts';
import { CUSTOMERS_AT_A_TIME } from '../e2e/rehearsal/traffic.ts';
import type { Benchmark, Options } from './benchmark.ts';
import { table } from './figures.ts';
import { startOneWay } from './naive/one-way.ts';
import { startOurs, writePlan } from './naive/ours.ts';
import { KILLED_AT, RAMP, replay, type WayCounts } from './naive/replay.ts';
import type { Way } from './naive/way.ts';
import { say } from './screen.ts';
import { startWorker } from './sync/connect-worker.ts';
import { dropEverything, PREFIX } from './sync/databases.ts';

const WAYS = ['request', 'user', 'ours'] as const;
type Which = (typeof WAYS)[number];

/** One way’s run, with the seed of its router’s choices. */
type Run = WayCounts & { readonly way: Which; readonly name: string; readonly seed: number };

type Task = {
  readonly servers: Servers;
  readonly input: Input;
  readonly seconds: number;
  readonly signal: AbortSignal;
};

async function run({ seconds = 60, rounds = 1, seed = 1, signal }: Options) {
  const servers = await readServers();
  const lock = await tryLock('bench sync', String(process.pid));
  if (!lock) throw new Error('another benchmark of the sync is running on this machine; wait for it to end');
  try {
    beTheOnlyOne('bench/main.ts');
    const task = { servers, input: readInput(false), seconds, signal };
    const runs: Run[] = [];
    for (let round = 0; round < rounds; round++) {
      for (const way of WAYS) runs.push(await inFreshShop(task, way, seed + round));
    }
    return findings(runs, { seconds, rounds, seed });
  } finally {
    await lock.release();
  }
}

/** Sets up the shop with the purchases of 1997 and one way beside it, replays those of 1998, and takes all of it away. */
async function inFreshShop({ servers, input, seconds, signal }: Task, which: Which, seed: number): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'strangler-bench-'));
  const stops: (() => Promise<unknown>)[] = [];
  try {
    await stopLeftovers();
    await dropEverything(servers);
    await cleanSlate(servers);
    const plan = writePlan(folder);
    const processes = processesOf(servers, plan);
    const addresses = databaseAddresses(servers);
    stops.push(async () => {
      for (const one of inStoppingOrder(processes)) await one.stop();
    });
    await processes.monolith.start();
    await processes.orders.start();
    await loadShop(addresses.monolith.admin, input, () => {});
    signal.throwIfAborted();
    let way: Way;
    if (which === 'ours') way = await startOurs(servers, processes, plan, input.live);
    else {
      const worker = await startWorker(servers, PREFIX, folder, signal);
      stops.push(worker.stop);
      const oneWay = await startOneWay(servers, worker, which, seed, signal);
      stops.push(oneWay.stop);
      way = oneWay;
    }
    say(`${way.name}: set up, ${input.history.length} orders copied`);
    const outcome = await replay(way, {
      live: input.live,
      seconds,
      orders: processes.orders,
      serving: addresses.monolith.admin,
      other: addresses.orders.admin,
      signal,
    });
    return { way: which, name: way.name, seed, ...outcome };
  } finally {
    for (const stop of stops.reverse()) await stop();
    await cleanSlate(servers);
    await dropEverything(servers);
    rmSync(folder, { recursive: true, force: true });
  }
}

function findings(runs: readonly Run[], setting: { seconds: number; rounds: number; seed: number }) {
  const sum = (some: readonly Run[], of: 'acknowledged' | 'requests' | 'lost' | 'doubled' | 'unreadable') =>
    some.reduce((total, one) => total + one[of], 0);
  const rows = WAYS.map((which) => {
    const some = runs.filter(({ way }) => way === which);
    return [
      some[0]!.name,
      ...(['acknowledged', 'requests', 'lost', 'doubled', 'unreadable'] as const).map((of) => whole(sum(some, of))),
    ];
  });
  const ramp = RAMP.map(({ percent }) => percent).join(' → ');
  const text = [
    `The purchases of 1998 by ${CUSTOMERS_AT_A_TIME} customers at a time, spread over ${setting.seconds} s; orders ramped ${ramp} % by the same`,
    `purchases, the service killed (SIGKILL) at ${KILLED_AT * 100} % of them, everybody back on the monolith, and on to the end.`,
    `Rounds: ${setting.rounds}; seed of the router’s choices: ${setting.seed}${setting.rounds > 1 ? ' and on' : ''}.\n`,
    table([['', 'acknowledged', 'requests', 'lost', 'doubled', 'not readable'], ...rows]),
    '',
    '  acknowledged: purchases the shop said yes to, by the customers’ own record. lost: of those, absent from the',
    '  database that serves everybody after the rollback. doubled: more than one order for one Idempotency-Key.',
    '  not readable: the order was not there when its owner asked for it right after the yes, through the same proxy.',
    '',
    ...runs.flatMap(({ name, seed, ...one }) => [
      `  ${name}, seed ${seed}: ${one.seconds} s, ${whole(one.retries)} requests retried, ${one.failed} failed for good; rolled back ${one.brokenFor} ms after the kill;`,
      `    ${whole(one.stranded)} of the lost stand in the service’s database, ${whole(one.unreadableForGood)} of the unreadable would never have arrived; ${one.sync}`,
    ]),
  ].join('\n');
  return { text, figures: { ...setting, ramp: RAMP, killedAt: KILLED_AT, customers: CUSTOMERS_AT_A_TIME, runs } };
}

const whole = (number: number): string => number.toLocaleString('en');

export const naive: Benchmark = {
  about: 'orders lost, doubled and unreadable when a service dies: the usual way, and ours (needs the servers)',
  run,
};
