import { setTimeout as sleep } from 'node:timers/promises';
import type { Status } from '@strangler/plan';
import { Witness } from '../../witness.ts';
import { at, PORTS } from '../addresses.ts';
import { mistakesIn } from '../books.ts';
import { keepExpecting } from '../expecting.ts';
import { expectedOf, thisMachine } from '../report.ts';
import { show } from '../screen.ts';
import { settle } from '../settle.ts';
import { onStage, type Stage } from '../stage.ts';
import { surveyFirst } from '../survey-first.ts';
import { CUSTOMERS_AT_A_TIME, type LiveTraffic, REPLAY_SECONDS, startTraffic } from '../traffic.ts';
import { Watch } from '../watch.ts';
import { listenToKeys } from './keys.ts';
import { Killer, type KillPlan } from './killer.ts';
import { operate } from './operator.ts';
import { panelOf } from './panel.ts';
import { type ChaosReport, killOf } from './report.ts';
import { secondsFor } from './schedule.ts';
import { visit } from './visit.ts';

/** How a rehearsal with kills is played. */
export type ChaosOptions = {
  readonly quick: boolean;
  /** Kills that come by themselves; none if they all come from the keyboard. */
  readonly planned: KillPlan | undefined;
  /** Whether keys kill. */
  readonly keys: boolean;
  readonly signal: AbortSignal;
  readonly interrupt: () => void;
};

/** Customers wait as long as it takes: how often somebody pulls the plug is not their affair. Milliseconds. */
const TIMEOUT_MS = 600_000;
const BEAT_MS = 100;
/** How often the witness looks into both databases, ms. */
const POLL_MS = 200;
/** Control has spoken within this time, or what it said is not shown any more. */
const SILENCE_MS = 1_000;
const ENDED_WITHIN_MS = 180_000;

/** Runs the rehearsal and kills what it stands on. Rejects, with everything stopped, if a chapter cannot be finished. */
export const chaos = (options: ChaosOptions) => {
  // Evidence takes replies, and a side that is killed gives none.
  Object.assign(process.env, { COMPARE_NOTIFICATIONS: '0%', COMPARE_ORDERS: '0%' });
  return onStage(options.quick, options.signal, (stage) => play(stage, options));
};

async function play(stage: Stage, options: ChaosOptions): Promise<{ report: ChaosReport; customer: number }> {
  const { input, env, addresses, processes, suite, timed, took, atTheEnd } = stage;
  atTheEnd(keepExpecting('chaos rehearsal', env));
  const witness = new Witness(addresses.monolith.admin, addresses.orders.admin, POLL_MS);
  atTheEnd(() => witness.stop());
  const over = new AbortController();
  atTheEnd(async () => over.abort());
  const signal = AbortSignal.any([options.signal, over.signal]);
  const begun = Date.now();
  const traffic = startTraffic(input, PORTS.proxies.map(at), {
    seconds: Math.max(REPLAY_SECONDS[options.quick ? 'quick' : 'full'], secondsFor(options.planned?.kills ?? 0)),
    signal,
    visit: visit((purchase) => witness.add(purchase)),
    patience: TIMEOUT_MS,
    upTo: 0,
  });
  const { tally } = traffic;
  await timed('survey', 'strangler survey, while the first customers buy', () => surveyFirst(traffic, 0.02, env));
  traffic.open(1);
  const fire = new Killer(processes, traffic.share, options.planned, signal);
  await timed('replay', `${input.live.length.toLocaleString('en')} purchases of 1998 replayed, under fire`, () =>
    underFire(traffic, witness, fire, { ...options, signal }),
  );
  const ledger = await timed('books', 'the books are counted', () => settle(addresses, input, tally));
  const mistakes = [
    ...mistakesIn(ledger, input),
    ...tally.errors.map((error) => `a customer saw: ${error}`),
    ...(suite.agreed ? [] : ['monolith and services do not answer alike']),
    ...fire.wounds.bleeding.map(({ victim }) => `${victim} was killed and did not heal`),
  ];
  const report: ChaosReport = {
    quick: options.quick,
    at: new Date().toISOString(),
    machine: thisMachine(),
    took,
    seed: options.planned?.seed ?? null,
    kills: fire.wounds.all.map((wound) => killOf(wound, begun)),
    traffic: {
      customersAtATime: CUSTOMERS_AT_A_TIME,
      requests: tally.requests,
      retries: tally.retryTimes.length,
      errors: tally.errors,
    },
    expected: expectedOf(input),
    ledger,
    mistakes,
  };
  return { report, customer: input.live[0]!.customer };
}

/** Kills, heals and shows until every purchase is made, everything has healed and everybody is where they belong. */
async function underFire(
  traffic: LiveTraffic,
  witness: Witness,
  fire: Killer,
  { keys, signal, interrupt }: ChaosOptions,
): Promise<void> {
  const { wounds, victims } = fire;
  const { tally } = traffic;
  let heard: { status: Status; at: number } | undefined;
  const watch = new Watch((status) => {
    heard = { status, at: Date.now() };
  });
  const bought = whileRunning(traffic.done);
  const moved = whileRunning(operate(traffic, () => wounds.bleeding.length > 0, signal));
  const stopKeys = keys ? listenToKeys((key) => fire.press(key), interrupt) : () => {};
  try {
    for (let deadline = Number.POSITIVE_INFINITY; ; await sleep(BEAT_MS)) {
      signal.throwIfAborted();
      const now = Date.now();
      if (bought.running) deadline = now + ENDED_WITHIN_MS;
      else await bought.done; // whatever failed is not waited for
      if (!moved.running) await moved.done;
      if (!bought.running && ((!moved.running && !wounds.bleeding.length) || now > deadline)) break;
      fire.turn();
      const status = heard && now - heard.at < SILENCE_MS ? heard.status : undefined;
      const { lag: waiting, newestFound } = witness;
      fire.tend({ now, status, heardAt: heard?.at ?? 0, waiting, newestFound, buying: bought.running });
      const customers = { requests: tally.requests, retried: tally.retryTimes.length, errors: tally.errors.length };
      const { bleeding } = wounds;
      const view = { now, share: traffic.share(), ledger: witness, customers, status, waiting, bleeding };
      show(...panelOf({ ...view, keys: keys ? victims : undefined }));
    }
    if (moved.running) throw new Error('users did not get where the operator wants them; see strangler records');
  } finally {
    stopKeys();
    await watch.stop();
  }
}

/** A task, and whether it still runs. Whoever awaits `done` gets its failure. */
function whileRunning(task: Promise<void>): { readonly done: Promise<void>; readonly running: boolean } {
  let running = true;
  const done = task.finally(() => {
    running = false;
  });
  done.catch(() => {});
  return {
    done,
    get running() {
      return running;
    },
  };
}
