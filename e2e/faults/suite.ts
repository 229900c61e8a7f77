import { isDeepStrictEqual } from 'node:util';
import { down, type Servers, status, up } from '@strangler/servers';
import { beTheOnlyOne, stopLeftovers } from '../rehearsal/processes.ts';
import { chapter, say, show } from '../rehearsal/screen.ts';
import type { Fault } from './fault.ts';
import { describeRun, describeRuns, writeReport } from './report.ts';
import { type Run, runFault } from './run.ts';
import { type Stack, startStack } from './stack.ts';

/** What to run. */
export type Choice = {
  readonly faults: readonly Fault[];
  readonly seeds: readonly number[];
  /** Goes on after a fault that failed. */
  readonly keepGoing: boolean;
  /** The folder of the report. */
  readonly reports: string;
};

const NEEDED = ['mysql', 'postgres', 'kafka', 'connect'] as const;
const HISTORY = 500;

/** Runs every fault with every seed, one after another. Gives the runs; stops what it started, also when aborted. */
export async function runSuite(choice: Choice, signal: AbortSignal): Promise<readonly Run[]> {
  beTheOnlyOne('e2e/faults/main.ts');
  const ending: (() => Promise<void>)[] = [];
  let stack: Stack | undefined;
  const runs: Run[] = [];
  const aborted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  aborted.catch(() => {}); // only what is under way minds
  const within = <T>(work: Promise<T>): Promise<T> => Promise.race([work, aborted]);
  try {
    await stopLeftovers();
    const servers = await within(startServers(ending));
    const total = choice.faults.length * choice.seeds.length;
    for (const fault of choice.faults) {
      for (const seed of choice.seeds) {
        signal.throwIfAborted();
        const { inPlan = {} } = fault;
        const copying = fault.chapter === 'copying';
        if (copying || !stack || !isDeepStrictEqual(stack.inPlan, inPlan)) {
          await stack?.stop();
          stack = undefined;
          const prepared = { history: fault.history ?? HISTORY, copying, inPlan };
          const started = startStack(servers, prepared).then((one) => {
            stack = one;
          });
          await within(copying ? started : chapter('the house runs', () => started).then(() => {}));
        }
        show(`… ${runs.length + 1} of ${total}: ${fault.name}, seed ${seed}`);
        const run = await within(runFault(stack!, fault, seed));
        runs.push(run);
        say(describeRun(run));
        writeReport(choice.reports, runs);
        if (fault.spends || copying || run.mistakes.length) {
          await stack!.stop();
          stack = undefined;
        }
        if (run.mistakes.length && !choice.keepGoing) return runs;
      }
    }
    return runs;
  } finally {
    await stack?.stop();
    for (const end of ending.reverse()) await end();
    if (runs.length) {
      say(`\n${describeRuns(choice.faults, runs)}\n`);
      say(`  The report: ${writeReport(choice.reports, runs)}`);
    }
  }
}

/** Starts the servers; what was up before stays up afterwards. */
async function startServers(ending: (() => Promise<void>)[]): Promise<Servers> {
  const { parts } = await status();
  const wereUp = NEEDED.every((part) => parts[part].state === 'ready');
  const title = 'MySQL, Postgres, Kafka, Connect and Debezium are up, for this suite alone';
  const { result: servers } = await chapter(title, () => up({ parts: NEEDED }));
  if (!wereUp) ending.push(() => down());
  return servers;
}
