import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Misused, runEntry } from '../entry.ts';
import { CATALOGUE } from './catalogue/index.ts';
import { MOST_LANES, usualHome } from './place.ts';
import { runSuite } from './suite.ts';

const HELP = `npm run faults -- [--only NAME…] [--seeds N] [--seed N] [--lanes N] [--list] [--keep-going]

Breaks the real house in every way it is meant to survive, under a write load, and holds both databases against the
writer's own ledger after each: nothing lost, nothing doubled, nothing different. On servers of its own, which it kills.

  --only NAME    only faults whose name contains this; may be given again
  --seeds N      every fault with the seeds 1 to N (5)
  --seed N       every fault with this seed alone
  --lanes N      N faults at a time, each on servers of its own, which take two to three cores each (1)
  --list         the faults, and what happens meanwhile
  --keep-going   go on after a fault that failed
  --help         this text

The table is printed and written to .strangler/reports/faults.json. Exit code 0: every run balanced.`;

function read() {
  const flag = { type: 'boolean' } as const;
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      only: { ...text, multiple: true },
      ...{ seeds: text, seed: text, lanes: text, list: flag, 'keep-going': flag, help: flag },
    },
  });
  const whole = (name: 'seeds' | 'seed' | 'lanes', most: number): number | undefined => {
    const given = values[name];
    if (given === undefined) return undefined;
    if (!/^\d+$/.test(given) || Number(given) < 1 || Number(given) > most)
      throw new Misused(`--${name} must be a whole number from 1 to ${most}`);
    return Number(given);
  };
  const seed = whole('seed', 1_000_000);
  const seeds = seed === undefined ? Array.from({ length: whole('seeds', 1_000) ?? 5 }, (_, nth) => nth + 1) : [seed];
  return { ...values, seeds, lanes: whole('lanes', MOST_LANES) ?? 1 };
}

async function main(stop: AbortSignal): Promise<number> {
  const options = read();
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  const reports = join(usualHome(process.env), 'reports');
  const unknown = options.only?.filter((name) => !CATALOGUE.some((fault) => fault.name.includes(name))) ?? [];
  if (unknown.length) throw new Misused(`no fault is named ${unknown.join(', ')}; --list names them all`);
  const faults = CATALOGUE.filter(({ name }) => !options.only || options.only.some((part) => name.includes(part)));
  if (options.list) {
    for (const { name, chapter, lines } of faults) console.log(`${name}  (${chapter}; faults ${lines.join(', ')})`);
    return 0;
  }
  const { seeds, lanes } = options;
  const keepGoing = options['keep-going'] === true;
  const runs = await runSuite({ faults, seeds, lanes, keepGoing, reports }, stop);
  return runs.length === faults.length * seeds.length && runs.every(({ mistakes }) => !mistakes.length) ? 0 : 1;
}

await runEntry(HELP, main);
