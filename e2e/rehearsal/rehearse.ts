import { at as local, PORTS } from './addresses.ts';
import { mistakesIn } from './books.ts';
import { keepExpecting } from './expecting.ts';
import { inStoppingOrder } from './programs.ts';
import { expectedOf, type Report, thisMachine } from './report.ts';
import { pictureOf, show } from './screen.ts';
import { settle } from './settle.ts';
import { onStage, type Stage } from './stage.ts';
import { StepBook } from './steps.ts';
import { runStory } from './story.ts';
import { CUSTOMERS_AT_A_TIME, REPLAY_SECONDS, startTraffic } from './traffic.ts';
import { Watch } from './watch.ts';

/** A rehearsal that has come to its end and still stands. */
export type Rehearsal = {
  readonly report: Report;
  /** A customer who has bought something. */
  readonly customer: number;
  /** Stops what it started; safe to call twice. */
  readonly stop: () => Promise<void>;
};

/** Runs the whole rehearsal. Rejects, with everything stopped, if a chapter cannot be finished. */
export const rehearse = (quick: boolean, signal: AbortSignal): Promise<Rehearsal> =>
  onStage(quick, signal, (stage) => play(stage, quick, signal));

async function play(stage: Stage, quick: boolean, signal: AbortSignal): Promise<Omit<Rehearsal, 'stop'>> {
  const { input, env, addresses, processes, webhook, suite, backfilled, timed, took, atTheEnd } = stage;
  const bases = PORTS.proxies.map(local);
  const seconds = REPLAY_SECONDS[quick ? 'quick' : 'full'];
  const over = new AbortController();
  atTheEnd(async () => over.abort());
  const traffic = startTraffic(input, bases, {
    seconds,
    signal: AbortSignal.any([signal, over.signal]),
    upTo: 0,
  });
  const { tally } = traffic;
  const watch = new Watch((now) => show(pictureOf(now, traffic.share(), tally.requests, tally.errors.length)));
  atTheEnd(() => watch.stop());
  atTheEnd(keepExpecting('rehearsal', env));
  const book = new StepBook(input, tally, watch);
  const { kill, wrongBuild, compared, completeAt, suspect } = await timed(
    'replay',
    `${input.live.length.toLocaleString('en')} purchases of 1998 replayed`,
    () => runStory(book, traffic, processes.orders, webhook, env),
  );
  await watch.stop();
  const ledger = await timed('books', 'the books are counted', () => settle(addresses, input, tally));
  const mistakes = [
    ...mistakesIn(ledger, input),
    ...tally.errors.map((error) => `a customer saw: ${error}`),
    ...compared.flatMap(({ paths }) => paths.map((path) => `monolith and service differ: ${path}`)),
    ...(wrongBuild.boundary === 1_000
      ? []
      : [`the gate let users move to a wrong build: ${wrongBuild.boundary / 100} %`]),
    ...(suspect ? [`${suspect} rows were overwritten, superseded or applied late by orderly moves`] : []),
    ...(suite.agreed ? [] : ['monolith and services do not answer alike']),
    ...inStoppingOrder(processes).flatMap(({ died, program }) => (died ? [`the process ${program.name} died`] : [])),
  ];
  const report: Report = {
    quick,
    at: new Date().toISOString(),
    machine: thisMachine(),
    took,
    regression: { cases: suite.cases.length, agreed: suite.agreed },
    backfill: { rows: backfilled, rowsPerSecond: Math.round(backfilled / (took.backfill! / 1_000)) },
    steps: book.steps,
    kill,
    comparing: { compared, wrongBuild },
    traffic: {
      customersAtATime: CUSTOMERS_AT_A_TIME,
      requests: tally.requests,
      retries: tally.retryTimes.length,
      errors: tally.errors,
      mostInFlight: tally.mostInFlight,
    },
    completeAt,
    expected: expectedOf(input),
    ledger,
    mistakes,
  };
  return { report, customer: input.live[0]!.customer };
}
