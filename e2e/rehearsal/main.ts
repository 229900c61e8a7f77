import { parseArgs } from 'node:util';
import { sayDuration } from '@strangler/plan';
import { rehearse } from './rehearse.ts';
import { describeReport, writeReport } from './report.ts';
import { say } from './screen.ts';
import { stayUp } from './stay-up.ts';

const HELP = `npm start -- [--quick] [--once]

Runs a whole migration on real servers with real input: 69,659 purchases of CDNOW, moved from a monolith on MySQL
to services on Postgres, a percentage of the users at a time, and back.

  --quick   a tenth of the customers
  --once    stop everything at the end, also in a terminal
  --help    this text

The report is printed and written to .strangler/reports/rehearsal.json. Exit code 0: the ledger is perfect.`;

/** Aborted by Ctrl-C. */
const stop = new AbortController();

async function main(): Promise<number> {
  let options: { quick?: boolean; once?: boolean; help?: boolean };
  try {
    const flag = { type: 'boolean' } as const;
    options = parseArgs({ options: { quick: flag, once: flag, help: flag } }).values;
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    return 2;
  }
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => stop.abort(new Error('stopped before the end')));
  const begun = Date.now();
  const rehearsal = await rehearse(options.quick === true, stop.signal);
  try {
    const { report } = rehearsal;
    const file = writeReport(report);
    say(describeReport(report));
    say(`\n  ${sayDuration(Date.now() - begun)} in all. The report: ${file}`);
    if (process.stdout.isTTY && !options.once && !stop.signal.aborted) await stayUp(rehearsal.customer, stop.signal);
    return report.mistakes.length ? 1 : 0;
  } finally {
    await rehearsal.stop();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  say(`✗ ${(stop.signal.aborted ? stop.signal.reason : error).message}`);
  process.exitCode = stop.signal.aborted ? 130 : 1;
}
