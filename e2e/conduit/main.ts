import { parseArgs } from 'node:util';
import { sayDuration } from '@strangler/plan';
import { Misused, runEntry } from '../entry.ts';
import { say } from '../rehearsal/screen.ts';
import { conduit } from './conduit.ts';
import { describe } from './report.ts';

const HELP = `npm run conduit -- [--seed N]

A stranger's monolith, moved there and back on real servers. Conduit (examples/conduit) is asked as it was: the survey and
doctor must name every trap of it. Then with its Plan of at most 60 lines, and changed where it was asked to be: from 0 to
100 % of the users and back to 0 under load, while proxy, control, cdc, the service, Kafka and Postgres are killed.
At the end both databases are held against what people were told, and each row that was overwritten, late or declared must
be explained. docs/a-strangers-monolith.md tells it as a story.

  --seed N   of the load and of the moments of the kills; printed when it is left to chance
  --help     this text

Exit code 0: every trap is named, nothing is lost, doubled or different, and nothing is unexplained.`;

function readOptions() {
  const { values } = parseArgs({ options: { seed: { type: 'string' }, help: { type: 'boolean', default: false } } });
  if (values.seed !== undefined && !/^[1-9]\d{0,8}$/.test(values.seed))
    throw new Misused(`--seed must be a whole number above 0, not ${values.seed}`);
  return { help: values.help, seed: Number(values.seed ?? 1 + Math.floor(Math.random() * 99_999)) };
}

async function main(stop: AbortSignal): Promise<number> {
  const { help, seed } = readOptions();
  if (help) {
    console.log(HELP);
    return 0;
  }
  say(`  seed ${seed}`);
  const begun = Date.now();
  const result = await conduit(seed, stop);
  say(describe(result));
  say(`\n  ${sayDuration(Date.now() - begun)} in all, seed ${seed}.`);
  return result.mistakes.length ? 1 : 0;
}

await runEntry(HELP, main);
