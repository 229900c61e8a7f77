import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { chanceOf } from '../e2e/chance.ts';
import type { Benchmark, Options } from './benchmark.ts';
import { DIFFERS } from './compare/differs.ts';
import { CHANGES, type Change, orders } from './compare/orders.ts';
import { median, ratio, rounded, table } from './figures.ts';
import { say } from './screen.ts';
import { shuffled } from './shuffled.ts';

/** Orders that make bodies of these sizes; what takes less than a millisecond is measured more often. */
const SIZES = [
  { name: '61 KB', count: 373, warmUp: 400, turns: 5 },
  { name: '1 MB', count: 6390, warmUp: 15, turns: 1 },
] as const;

const ROUNDS = 21;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as (options: { readonly type: 'minor' }) => void;

type Bodies = { readonly old: Uint8Array; readonly newer: Uint8Array; readonly bytes: number };

/** The new body is written with blanks, so that no contender can do with a look at the bytes. */
function bodies(count: number, { make }: Change): Bodies {
  const list = orders(count);
  const old = Buffer.from(JSON.stringify({ orders: list, next: null }));
  const newer = Buffer.from(JSON.stringify({ orders: make(list), next: null }).replace('{"orders":', '{ "orders": '));
  return { old, newer, bytes: old.length };
}

/** Milliseconds of one contender in every round. */
type Times = {
  /** From two bodies as they came. */
  readonly whole: number[];
  /** From what it has read. */
  readonly compared: number[];
};

/** Takes turns, so that what slows the machine slows all alike. */
function measure({ old, newer }: Bodies, rounds: number, warmUp: number, signal: AbortSignal): Record<string, Times> {
  const times: Record<string, Times> = {};
  for (const name of Object.keys(DIFFERS)) times[name] = { whole: [], compared: [] };
  const chance = chanceOf(1, 'compare');
  for (let round = -warmUp; round < rounds; round++) {
    signal.throwIfAborted();
    // Whoever comes after a slow one finds the caches full of its data: nobody always comes after the same one.
    for (const [name, differ] of shuffled(Object.entries(DIFFERS), chance)) {
      if (round >= 0) collectGarbage({ type: 'minor' }); // else one pays for what the one before left behind
      const begin = performance.now();
      const [a, b] = [differ.read(old), differ.read(newer)] as [never, never];
      const read = performance.now();
      differ.compare(a, b);
      const end = performance.now();
      if (round < 0) continue;
      times[name]!.whole.push(end - begin);
      times[name]!.compared.push(end - read);
    }
  }
  return times;
}

/** Every contender must see what there is to see, and nothing where there is nothing. */
function validate(change: Change, all: Bodies): Record<string, number> {
  const found = Object.fromEntries(
    Object.entries(DIFFERS).map(([name, differ]) => [
      name,
      differ.compare(differ.read(all.old) as never, differ.read(all.newer) as never),
    ]),
  );
  for (const [name, differences] of Object.entries(found)) {
    const nothing = change.name === 'equal' || change.unseenBy?.includes(name) === true;
    if (differences > 0 === nothing) throw new Error(`${name} finds ${differences} differences in "${change.name}"`);
  }
  return found;
}

/** The fastest other one, and how many times as fast ours is. */
function against(times: Record<string, Times>, what: keyof Times): { fastest: string; faster: number } {
  const peers = Object.keys(times).filter((name) => name !== 'ours');
  const middle = (name: string) => median(times[name]![what]);
  const fastest = peers.reduce((best, name) => (middle(name) < middle(best) ? name : best));
  return { fastest, faster: rounded(ratio(times[fastest]![what], times.ours![what])) };
}

async function run({ rounds = ROUNDS, signal }: Options) {
  const figures: Record<string, unknown> = {};
  const text: string[] = [];
  for (const { name: size, count, warmUp, turns } of SIZES) {
    for (const change of CHANGES) {
      const all = bodies(count, change);
      const found = validate(change, all);
      say(`${size} (${all.bytes} bytes), ${change.name}: ${change.about}`);
      const times = measure(all, rounds * turns, warmUp, signal);
      const [compared, whole] = [against(times, 'compared'), against(times, 'whole')];
      const rows = Object.entries(times).map(([name, each]) => [
        name,
        ...[median(each.compared), median(each.whole)],
        found[name]!,
      ]);
      text.push(
        `${size}, ${change.name} (${change.about}): ours is ${compared.faster} times as fast as ${compared.fastest}, ` +
          `reading included ${whole.faster} times as fast as ${whole.fastest}`,
        table([['', 'ms', 'with reading, ms', 'differences'], ...rows]),
        '',
      );
      const middles = (what: keyof Times) =>
        Object.fromEntries(Object.entries(times).map(([name, each]) => [name, rounded(median(each[what]))]));
      figures[`${size} ${change.name}`] = {
        bytes: all.bytes,
        compared: { milliseconds: middles('compared'), ...compared },
        whole: { milliseconds: middles('whole'), ...whole },
        differences: found,
      };
    }
  }
  return { text: text.join('\n').trimEnd(), figures: { rounds, ...figures } };
}

export const compare: Benchmark = { about: 'bodies of JSON, ours against the differs people take', run };
