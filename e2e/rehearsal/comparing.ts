import { setTimeout as sleep } from 'node:timers/promises';
import type { ComparedTally } from '@strangler/plan';
import { type Process, strangler } from './processes.ts';
import { readCompared, waitForStatus } from './watch.ts';

/** What comparing the replies of monolith and service came to. */
export type Compared = {
  readonly compared: number;
  readonly equalByRule: number;
  readonly differing: number;
  /** Not in the rate: not comparable, failed, dropped. */
  readonly beside: number;
  /** Route and path of everything that differed. */
  readonly paths: readonly string[];
};

/** How a wrong build of the orders service fared. */
export type WrongBuild = {
  /** From the moment it began to answer to the closed gate, ms. */
  readonly closedAfter: number;
  /** Where users were, and stayed, although more were wanted: 0…10000. */
  readonly boundary: number;
  readonly found: Compared;
};

const CLOSED_WITHIN_MS = 60_000;
const OPEN_WITHIN_MS = 120_000;
/** How long more users are wanted in vain, ms. */
const IN_VAIN_MS = 1_500;

/** Adds up what was found of some capabilities. */
export function sumOf(...tallies: readonly ComparedTally[]): Compared {
  const sum = { compared: 0, equalByRule: 0, differing: 0, beside: 0 };
  for (const { counts, comparable, mismatches } of tallies.flatMap(({ routes }) => routes)) {
    sum.compared += comparable;
    sum.equalByRule += counts['equal-by-rule'];
    sum.differing += mismatches;
    sum.beside += Object.values(counts).reduce((total, count) => total + count, -comparable);
  }
  const groups = tallies.flatMap((tally) => tally.groups);
  return { ...sum, paths: groups.map(({ route, path, kind }) => `${route} ${path} (${kind})`) };
}

/** Everything compared since control began, or was told to forget. */
export const comparedSoFar = async (): Promise<Compared> =>
  sumOf(await readCompared('notifications'), await readCompared('orders'));

/**
 * The orders service answers as a wrong build would, and more users are wanted on it: the gate must keep them. Then it
 * is fixed, control forgets, and the gate opens again.
 */
export async function tryWrongBuild(orders: Process, env: Record<string, string>, wanted: number): Promise<WrongBuild> {
  const gates = (differ: boolean) =>
    waitForStatus(
      differ ? 'the gate to close' : 'the gate to open',
      differ ? CLOSED_WITHIN_MS : OPEN_WITHIN_MS,
      (status) => {
        const found = status.capabilities.find(({ capability }) => capability === 'orders')!.gates;
        return differ ? found.some((gate) => gate.includes('replies differ')) : !found.length;
      },
    );
  const forget = () => strangler(['compared', 'orders', '--forget'], env);
  await forget(); // as after every new build
  const begun = Date.now();
  orders.signal('SIGUSR2');
  await gates(true);
  const closedAfter = Date.now() - begun;
  await strangler(['set', 'orders', String(wanted), '--reason', 'rehearsal', '--no-wait'], env);
  await sleep(IN_VAIN_MS);
  const { boundary } = (await gates(true)).capabilities.find(({ capability }) => capability === 'orders')!;
  const found = sumOf(await readCompared('orders'));
  orders.signal('SIGUSR2');
  await forget();
  await gates(false);
  return { closedAfter, boundary, found };
}
