import { chanceOf } from '../e2e/chance.ts';
import type { Benchmark, Options } from './benchmark.ts';
import { median, quantile, ratio, rounded, table } from './figures.ts';
import { say } from './screen.ts';
import { DeadSide } from './shadow/dead-side.ts';
import { OpenLoad } from './shadow/open-load.ts';
import { ASKS, onStand } from './shadow/stand.ts';
import { shuffled } from './shuffled.ts';

const PER_SECOND = 500;
const SHARE = '20%';
const WARM_UP = 5;

const NAMES = ['no shadow', `${SHARE} shadowed`, `${SHARE} shadowed, the other side hangs`] as const;

/** Reads at a steady rate through three proxies, everybody the monolith’s; what differs is what is asked beside them. */
async function run({ seconds = 15, rounds = 5, seed = 1, signal }: Options) {
  const chance = chanceOf(seed, 'shadow');
  const dead = await DeadSide.start();
  try {
    return await onStand(signal, async ({ service, proxy }) => {
      const loads: OpenLoad[] = [];
      for (const [nth, [candidate, share]] of [
        [service, '0%'] as const,
        [service, SHARE] as const,
        [dead.port, SHARE] as const,
      ].entries()) {
        loads.push(new OpenLoad((await proxy(NAMES[nth]!, candidate, share)).port));
      }
      const measured: Round[][] = NAMES.map(() => []);
      for (let round = 0; round <= rounds; round++) {
        const found: number[][][] = NAMES.map(() => []);
        // A second each, in an order left to chance: what slows the machine slows all alike.
        for (let second = 0; second < (round ? seconds : WARM_UP); second++) {
          for (const nth of shuffled([...NAMES.keys()], chance)) {
            found[nth]!.push(await loads[nth]!.send(ASKS, { perSecond: PER_SECOND, seconds: 1, signal }));
          }
        }
        if (!round) continue;
        const told = found.map((ofSeconds, nth) => {
          const typically = { p50: typical(ofSeconds, 0.5), p99: typical(ofSeconds, 0.99) };
          measured[nth]!.push(typically);
          return `${NAMES[nth]} ${rounded(typically.p99)} ms`;
        });
        say(`round ${round} of ${rounds}, p99: ${told.join('; ')}`);
      }
      await Promise.all(loads.map((load) => load.close()));
      return findings(measured, { seconds, rounds, seed });
    });
  } finally {
    await dead.refuse();
  }
}

/**
 * A quantile of each second, and of these the median: the machine itself stands still for some milliseconds now and
 * then, which is most of what the slowest hundredth of a longer time consists of, and nobody's work.
 */
const typical = (ofSeconds: readonly number[][], share: number): number =>
  median(ofSeconds.map((latencies) => quantile(latencies, share)));

type Round = { readonly p50: number; readonly p99: number };

function findings(measured: readonly Round[][], setting: { seconds: number; rounds: number; seed: number }) {
  const of = (nth: number, which: keyof Round) => measured[nth]!.map((round) => round[which]);
  const rows = NAMES.map((name, nth) => [name, median(of(nth, 'p50')), median(of(nth, 'p99'))]);
  const ratios = NAMES.slice(1).map((_, nth) => rounded(ratio(of(nth + 1, 'p99'), of(0, 'p99'))));
  const added = NAMES.slice(1).map((_, nth) =>
    rounded(median(of(nth + 1, 'p99').map((p99, round) => p99 - of(0, 'p99')[round]!))),
  );
  const text = [
    `${PER_SECOND} reads/s of 1 KB through one proxy each, ${setting.rounds} rounds of ${setting.seconds} s each, a second at a time in turn; medians of the seconds’ quantiles\n`,
    table([['milliseconds to the end of the answer', 'p50', 'p99'], ...rows]),
    '',
    ...NAMES.slice(1).map((name, nth) => `  p99, ${name} / no shadow: ${ratios[nth]}, ${added[nth]} ms added`),
  ].join('\n');
  const figures = NAMES.map((name, nth) => ({
    name,
    p50: of(nth, 'p50').map(rounded),
    p99: of(nth, 'p99').map(rounded),
  }));
  return {
    text,
    figures: {
      ...setting,
      perSecond: PER_SECOND,
      share: SHARE,
      contenders: figures,
      p99Ratios: ratios,
      p99Added: added,
    },
  };
}

export const shadow: Benchmark = {
  about: 'what comparing live costs the client: p99 of reads with and without, and while the other side hangs',
  run,
};
