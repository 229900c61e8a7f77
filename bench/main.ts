import { parseArgs } from 'node:util';
import { describeProblem } from '../deploy/local/problem.ts';
import { aa } from './aa.ts';
import type { Benchmark, Options } from './benchmark.ts';
import { compare } from './compare.ts';
import { confirmed } from './confirmed.ts';
import { handoff } from './handoff.ts';
import { huge } from './huge.ts';
import { judge } from './judge.ts';
import { machine } from './machine.ts';
import { naive } from './naive.ts';
import { proxy } from './proxy.ts';
import { shadow } from './shadow.ts';
import { soak } from './soak.ts';
import { sync } from './sync.ts';

const benchmarks: Readonly<Record<string, Benchmark>> = {
  proxy,
  sync,
  huge,
  handoff,
  confirmed,
  naive,
  compare,
  shadow,
  aa,
  soak,
  judge,
};

const HELP = `npm run bench -- NAME [--seconds N] [--rounds N] [--seed N] [--days N]

${Object.entries(benchmarks)
  .map(([name, { about }]) => `  ${name.padEnd(9)} ${about}`)
  .join('\n')}

  --seconds N   length of one measurement
  --rounds N    how often each is taken, contenders in turn
  --seed N      of what is left to chance; the next round takes the next one
  --days N      how many days are simulated

The last line printed is one JSON object with every figure and the machine.`;

class Misused extends Error {}

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new Misused(`--${name} must be a whole number above 0, not ${text}`);
  return Number(text);
}

function read(signal: AbortSignal): { name: string; options: Options } | undefined {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { seconds: text, rounds: text, seed: text, days: text, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) return undefined;
  const [name = '', ...more] = positionals;
  if (!Object.hasOwn(benchmarks, name) || more.length) {
    throw new Misused(name ? `there is no benchmark "${positionals.join(' ')}"` : 'which benchmark?');
  }
  const options = {
    seconds: wholeNumber('seconds', values.seconds),
    rounds: wholeNumber('rounds', values.rounds),
    seed: wholeNumber('seed', values.seed),
    days: wholeNumber('days', values.days),
    signal,
  };
  return { name, options };
}

async function main(stop: AbortController): Promise<number> {
  const asked = read(stop.signal);
  if (!asked) {
    console.log(HELP);
    return 0;
  }
  const { name, options } = asked;
  const where = machine();
  const { text, figures } = await benchmarks[name]!.run(options);
  console.log(`\n${text}\n`);
  console.log(JSON.stringify({ benchmark: name, ...figures, machine: where }));
  return 0;
}

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    process.exitCode = 130;
    stop.abort(new Error('stopped'));
  });
}
try {
  process.exitCode = await main(stop);
} catch (error) {
  const misused = error instanceof Misused || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS');
  if (stop.signal.aborted) console.error('stopped');
  else console.error(misused ? `${(error as Error).message}\n\n${HELP}` : describeProblem(error));
  process.exitCode = stop.signal.aborted ? 130 : misused ? 2 : 1;
}
