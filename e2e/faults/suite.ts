import { fork } from 'node:child_process';
import { on, once } from 'node:events';
import { join } from 'node:path';
import { FLAGS } from '../rehearsal/processes.ts';
import { chapter, say, show } from '../rehearsal/screen.ts';
import type { Fault } from './fault.ts';
import type { Heard, Job } from './lane-process.ts';
import { placeOf } from './place.ts';
import { describeRun, describeRuns, writeReport } from './report.ts';
import type { Run } from './run.ts';

/** What to run. */
export type Choice = {
  readonly faults: readonly Fault[];
  readonly seeds: readonly number[];
  /** How many faults at a time, each on servers of its own. */
  readonly lanes: number;
  /** Goes on after a fault that failed. */
  readonly keepGoing: boolean;
  /** The folder of the report. */
  readonly reports: string;
};

/**
 * Runs every fault with the first seed, then with the next, several at a time. Gives the runs; stops what it started,
 * also when aborted.
 */
export async function runSuite(choice: Choice, signal: AbortSignal): Promise<readonly Run[]> {
  const jobs = choice.seeds.flatMap((seed) => choice.faults.map(({ name }) => ({ fault: name, seed })));
  const total = jobs.length;
  const runs: Run[] = [];
  const lanes: LaneProcess[] = [];
  const doing = new Map<LaneProcess, Job>();
  const work = async (lane: LaneProcess): Promise<void> => {
    await lane.opened;
    for (let job = jobs.shift(); job; job = jobs.shift()) {
      doing.set(lane, job);
      const now = [...doing.values()].map(({ fault, seed }) => `${fault}, seed ${seed}`);
      show(`… ${runs.length} of ${total} done; ${now.join(' · ')}`);
      const run = await lane.run(job);
      runs.push(run);
      say(describeRun(run));
      writeReport(choice.reports, runs);
      if (run.mistakes.length && !choice.keepGoing) jobs.length = 0;
    }
    doing.delete(lane);
  };
  try {
    const first = startLane(1, signal);
    lanes.push(first);
    // The others need what the first one unpacks.
    await chapter('MySQL, Postgres, Kafka, Connect and Debezium are up, for this suite alone', () => first.opened);
    for (let nth = 2; nth <= Math.min(choice.lanes, total); nth++) lanes.push(startLane(nth, signal));
    await Promise.all(lanes.map(work));
    return runs;
  } finally {
    await Promise.all(lanes.map((lane) => lane.close()));
    if (runs.length) {
      say(`\n${describeRuns(choice.faults, runs)}\n`);
      say(`  The report: ${writeReport(choice.reports, runs)}`);
    }
  }
}

type LaneProcess = ReturnType<typeof startLane>;

/** Starts the process of a lane. What it is asked rejects when it ends or the signal is aborted. */
function startLane(nth: number, signal: AbortSignal) {
  const child = fork(join(import.meta.dirname, 'lane-process.ts'), {
    execArgv: FLAGS,
    env: { ...process.env, ...placeOf(process.env, nth) },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  const gone = new AbortController();
  child.on('exit', (code) => gone.abort(new Error(`lane ${nth} ended with code ${code}`)));
  const interrupted = AbortSignal.any([signal, gone.signal]);
  const answers = on(child, 'message', { signal: interrupted });
  const hear = async (): Promise<Heard> => {
    const { value } = await answers.next().catch(() => Promise.reject(interrupted.reason));
    const [heard] = value as [Heard];
    if ('failed' in heard) throw new Error(heard.failed);
    return heard;
  };
  return {
    /** Once its servers are up. */
    opened: hear().then(() => {}),
    async run(job: Job): Promise<Run> {
      child.send(job);
      const heard = await hear();
      if (!('run' in heard)) throw new Error(`lane ${nth} answered out of turn`);
      return heard.run;
    },
    /** Ends what is under way, and everything the lane started. */
    async close(): Promise<void> {
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}
