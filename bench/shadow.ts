import type { Benchmark, Options } from './benchmark.ts';
import { median, quantile, ratio, rounded, table } from './figures.ts';
import { say } from './screen.ts';
import { DeadSide } from './shadow/dead-side.ts';
import { openLoad } from './shadow/open-load.ts';
import { ASKS, onStand } from './shadow/stand.ts';

const PER_SECOND = 500;
const SHARE = '20%';
const WARM_UP = 3;

const NAMES = ['no shadow', `${SHARE} shadowed`, `${SHARE} shadowed, the other side hangs`] as const;

/** Reads at a steady rate through three proxies, everybody the monolith’s; what differs is what is asked beside them. */
async function run({ seconds = 15, rounds = 3, signal }: Options) {
  const dead = await DeadSide.start();
  try {
    return await onStand(signal, async ({ service, proxy }) => {
      const ports: number[] = [];
      for (const [nth, [candidate, share]] of [
        [service, '0%'] as const,
        [service, SHARE] as const,
        [dead.port, SHARE] as const,
      ].entries()) {
        ports.push((await proxy(NAMES[nth]!, candidate, share)).port);
      }
      const measured: number[][][] = NAMES.map(() => []);
      for (let round = 0; round <= rounds; round++) {
        for (const [nth, port] of ports.entries()) {
          const load = { perSecond: PER_SECOND, seconds: round ? seconds : WARM_UP, signal };
          const latencies = await openLoad(`http://127.0.0.1:${port}`, ASKS, load);
          if (!round) continue;
          measured[nth]!.push(latencies);
          say(`round ${round} of ${rounds}: ${NAMES[nth]}, p99 ${rounded(quantile(latencies, 0.99))} ms`);
        }
      }
      return findings(measured, { seconds, rounds });
    });
  } finally {
    await dead.refuse();
  }
}

function findings(measured: number[][][], setting: { seconds: number; rounds: number }) {
  const of = (nth: number, share: number) => measured[nth]!.map((latencies) => quantile(latencies, share));
  const rows = NAMES.map((name, nth) => [name, median(of(nth, 0.5)), median(of(nth, 0.99))]);
  const ratios = NAMES.slice(1).map((_, nth) => rounded(ratio(of(nth + 1, 0.99), of(0, 0.99))));
  const added = NAMES.slice(1).map((_, nth) =>
    rounded(median(of(nth + 1, 0.99).map((p99, round) => p99 - of(0, 0.99)[round]!))),
  );
  const text = [
    `${PER_SECOND} reads/s of 1 KB through one proxy each, ${setting.rounds} rounds of ${setting.seconds} s in turn, medians\n`,
    table([['milliseconds to the end of the answer', 'p50', 'p99'], ...rows]),
    '',
    ...NAMES.slice(1).map((name, nth) => `  p99, ${name} / no shadow: ${ratios[nth]}, ${added[nth]} ms added`),
  ].join('\n');
  const figures = NAMES.map((name, nth) => ({ name, p50: of(nth, 0.5).map(rounded), p99: of(nth, 0.99).map(rounded) }));
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
