import { setTimeout as sleep } from 'node:timers/promises';
import { atRest, set, until } from '../e2e/faults/operator.ts';
import { beTheOnlyOne } from '../e2e/rehearsal/processes.ts';
import type { Benchmark, Options } from './benchmark.ts';
import { median, quantile, ratio, rounded, table } from './figures.ts';
import { inHouse } from './handoff/house.ts';
import { startLoad } from './handoff/load.ts';
import { say } from './screen.ts';

const RATE = 100;
const WARM_UP_MS = 5_000;

type Measured = { readonly p50: number; readonly p99: number; readonly failed: number };

/** Purchases of users who are all on the service, answered as soon as they are done, and when they are on both sides. */
async function run({ seconds = 20, rounds = 2, signal }: Options) {
  beTheOnlyOne('bench/main.ts');
  const plain: Measured[] = [];
  const confirmed: Measured[] = [];
  for (let round = 1; round <= rounds; round++) {
    for (const [name, into] of [['plain', plain] as const, ['confirmed', confirmed] as const]) {
      into.push(await measure(name === 'confirmed', seconds, signal));
      say(`round ${round} of ${rounds}, ${name}: p50 ${rounded(into.at(-1)!.p50)} ms`);
    }
  }
  const of = (all: Measured[], what: keyof Measured) => all.map((one) => one[what]);
  const row = (name: string, all: Measured[]) => [
    name,
    ...(['p50', 'p99'] as const).map((what) => median(of(all, what))),
    of(all, 'failed').reduce((sum, one) => sum + one, 0),
  ];
  const price = {
    p50: rounded(median(of(confirmed, 'p50')) - median(of(plain, 'p50'))),
    ratio: rounded(ratio(of(confirmed, 'p50'), of(plain, 'p50'))),
  };
  const text = [
    `${RATE} purchases/s of users on the service, for ${seconds} s; ${rounds} rounds in turn, medians\n`,
    table([['milliseconds to the answer', 'p50', 'p99', 'failed'], row('plain', plain), row('confirmed', confirmed)]),
    `\n  the price: ${price.p50} ms at the median, ${price.ratio} times as long`,
  ].join('\n');
  return { text, figures: { rate: RATE, seconds, rounds, plain, confirmed, price } };
}

function measure(confirmed: boolean, seconds: number, signal: AbortSignal): Promise<Measured> {
  return inHouse({ confirmed }, signal, async (stack) => {
    await set('orders', 100);
    await until('everybody', 'orders', 120_000, (status) => atRest(status) && status.boundary === 10_000);
    const load = startLoad(stack, RATE, 1);
    await sleep(WARM_UP_MS);
    const [from, failed] = [load.writes.length, load.failed()];
    await sleep(seconds * 1_000);
    const writes = load.writes.slice(from);
    await load.stop();
    return { p50: quantile(writes, 0.5), p99: quantile(writes, 0.99), failed: load.failed() - failed };
  });
}

export const confirmed: Benchmark = {
  about: 'what confirmed writes cost: milliseconds to the answer of a purchase, with and without (needs the servers)',
  run,
};
