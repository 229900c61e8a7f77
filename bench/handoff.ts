import { setTimeout as sleep } from 'node:timers/promises';
import { atRest, rollback, set, until } from '../e2e/faults/operator.ts';
import { at, PORTS, SECRETS } from '../e2e/rehearsal/addresses.ts';
import { beTheOnlyOne } from '../e2e/rehearsal/processes.ts';
import type { Benchmark, Options } from './benchmark.ts';
import { quantile, rounded, table } from './figures.ts';
import { inHouse } from './handoff/house.ts';
import { startLoad } from './handoff/load.ts';
import { say } from './screen.ts';

const RATE = 300;
/** Half of the requests are purchases. */
const WRITES = 0.5;
const SLICE = 100;
const MOVED_WITHIN_MS = 120_000;

/** Moves a share of the users there and back under load, 1 % at a time, and reads from control how long each was held. */
async function run({ seconds = 10, rounds = 2, signal }: Options) {
  beTheOnlyOne('bench/main.ts');
  return inHouse({ handoff: { slice: SLICE } }, signal, async (stack) => {
    const load = startLoad(stack, RATE, WRITES);
    await sleep(seconds * 1_000); // processes that have just started are slow
    const [calm, failedBefore] = [load.writes.length, load.failed()];
    const began = Date.now();
    for (let round = 1; round <= rounds; round++) {
      for (const percentage of [40, 10]) {
        await set('orders', percentage);
        await settled(percentage);
        signal.throwIfAborted();
        say(`round ${round} of ${rounds}: ${percentage} %`);
      }
    }
    const elapsed = (Date.now() - began) / 1_000;
    const moving = load.writes.slice(calm);
    await rollback('orders');
    await settled(0);
    await load.stop();
    return findings(await timings(), load.writes.slice(0, calm), moving, load.failed() - failedBefore, elapsed);
  });
}

const settled = (percentage: number) =>
  until(
    `${percentage} %`,
    'orders',
    MOVED_WITHIN_MS,
    (status) => atRest(status) && status.boundary === percentage * 100,
  );

/** Of one handoff, ms: until every proxy holds, until none has a write under way, until the barrier has arrived. */
type Timings = {
  readonly holdMs: number;
  readonly drainMs: number;
  readonly arrivalMs: number;
  readonly pauseMs: number;
};

async function timings(): Promise<Timings[]> {
  const answer = await fetch(`${at(PORTS.control)}/records?capability=orders&limit=1000`, {
    headers: { authorization: `Bearer ${SECRETS.admin}` },
  });
  const { records } = (await answer.json()) as { records: { event: string; inputs: Timings }[] };
  return records.filter(({ event }) => event === 'handoff').map(({ inputs }) => inputs);
}

function findings(handoffs: Timings[], calm: number[], moving: number[], failed: number, seconds: number) {
  const row = (name: string, values: number[]) => [
    name,
    values.length,
    ...[0.5, 0.99, 1].map((share) => quantile(values, share)),
  ];
  const [pauses, holds, drains, arrivals] = (['pauseMs', 'holdMs', 'drainMs', 'arrivalMs'] as const).map((name) =>
    handoffs.map((one) => one[name]),
  ) as [number[], number[], number[], number[]];
  const text = [
    `${RATE} requests/s, half of them purchases, through two proxies; ${pauses.length} handoffs of 1 % of the users each\n`,
    table([
      ['milliseconds', 'count', 'p50', 'p99', 'max'],
      row('users held, per handoff', pauses),
      row('  until proxies hold', holds),
      row('  until writes are done', drains),
      row('  until the barrier is there', arrivals),
      row('purchases while nobody moves', calm),
      row('purchases while users move', moving),
    ]),
    `\n  failed or repeated requests: ${failed}`,
  ].join('\n');
  const figuresOf = (values: number[]) => ({
    count: values.length,
    p50: rounded(quantile(values, 0.5)),
    p99: rounded(quantile(values, 0.99)),
    max: rounded(quantile(values, 1)),
  });
  const parts = { hold: figuresOf(holds), drain: figuresOf(drains), arrival: figuresOf(arrivals) };
  const figures = { pause: figuresOf(pauses), ...parts, calm: figuresOf(calm), moving: figuresOf(moving) };
  return { text, figures: { rate: RATE, seconds: rounded(seconds), failed, ...figures } };
}

export const handoff: Benchmark = {
  about: 'how long users are held while 1 % of them move, at 300 requests/s (needs the servers)',
  run,
};
