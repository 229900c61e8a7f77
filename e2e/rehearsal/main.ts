import { parseArgs } from 'node:util';
import { sayDuration } from '@strangler/plan';
import { chaos } from './chaos/chaos.ts';
import { describeChaos } from './chaos/report.ts';
import { rehearse } from './rehearse.ts';
import { describeReport, writeReport } from './report.ts';
import { say } from './screen.ts';
import { stayUp } from './stay-up.ts';

const HELP = `npm start -- [--quick] [--once] [--chaos [--seed N] [--kills N]]

Runs a whole migration on real servers with real input: 69,659 purchases of CDNOW, moved from a monolith on MySQL
to services on Postgres, a percentage of the users at a time, and back.

  --quick   a tenth of the customers
  --once    stop everything at the end, also in a terminal
  --chaos   with keys that kill whatever the migration stands on, while it goes on
  --seed N  with --chaos: kills that come by themselves, at moments the seed decides; also without a terminal
  --kills N how many of those; 9 unless given, which is each victim once
  --help    this text

The report is printed and written to .strangler/reports/rehearsal.json (chaos.json). Exit code 0: the ledger is
perfect.`;

/** Aborted by Ctrl-C. */
const stop = new AbortController();

class Misused extends Error {}

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Misused(`--${name} must be a whole number above 0, not ${text}`);
  return Number(text);
}

function readOptions() {
  const flag = { type: 'boolean', default: false } as const;
  const text = { type: 'string' } as const;
  const options = { quick: flag, once: flag, help: flag, chaos: flag, seed: text, kills: text };
  const { values } = parseArgs({ options });
  const seed = wholeNumber('seed', values.seed);
  const kills = wholeNumber('kills', values.kills);
  if (!values.chaos && (seed ?? kills) !== undefined) throw new Misused('--seed and --kills need --chaos');
  return { ...values, seed, kills };
}

type Options = ReturnType<typeof readOptions>;

/** Plays what was asked for. Gives the report in words, whether it is perfect, and what still stands. */
async function play({ quick, chaos: withKills, seed, kills }: Options) {
  if (!withKills) {
    const { report, ...rest } = await rehearse(quick, stop.signal);
    return { ...rest, mistakes: report.mistakes, text: describeReport(report), file: writeReport('rehearsal', report) };
  }
  const keys = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const byThemselves = !keys || (seed ?? kills) !== undefined;
  const planned = byThemselves
    ? { seed: seed ?? 1 + Math.floor(Math.random() * 99_999), kills: kills ?? 9 }
    : undefined;
  const { report, ...rest } = await chaos({ quick, planned, keys, signal: stop.signal, interrupt });
  return { ...rest, mistakes: report.mistakes, text: describeChaos(report), file: writeReport('chaos', report) };
}

const interrupt = () => stop.abort(new Error('stopped before the end'));

async function main(): Promise<number> {
  let options: Options;
  try {
    options = readOptions();
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    return 2;
  }
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt);
  const begun = Date.now();
  const played = await play(options);
  try {
    say(played.text);
    say(`\n  ${sayDuration(Date.now() - begun)} in all. The report: ${played.file}`);
    if (process.stdout.isTTY && !options.once && !stop.signal.aborted) await stayUp(played.customer, stop.signal);
    return played.mistakes.length ? 1 : 0;
  } finally {
    await played.stop();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  say(`✗ ${(stop.signal.aborted ? stop.signal.reason : error).message}`);
  process.exitCode = stop.signal.aborted ? 130 : 1;
}
