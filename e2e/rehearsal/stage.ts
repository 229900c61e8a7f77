import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { regressionSuite } from '../regression/suite.ts';
import { databaseAddresses, ENV_FILE, PORTS, planEnvironment, ROOT } from './addresses.ts';
import { cleanSlate } from './clean-slate.ts';
import { type Input, readInput } from './input.ts';
import { loadShop } from './load-shop.ts';
import { announceOrders } from './outbox.ts';
import { beTheOnlyOne, stopLeftovers, strangler } from './processes.ts';
import { inStoppingOrder, type Processes, processesOf } from './programs.ts';
import { chapter, show } from './screen.ts';
import { startServers } from './start-servers.ts';
import { startToolkit } from './toolkit.ts';
import { startWebhook, type Webhook } from './webhook.ts';

/** The orders service can be told to answer as a wrong build would. */
const WRONG_WHEN_TOLD = { NODE_OPTIONS: `--import ${JSON.stringify(join(ROOT, 'e2e/rehearsal/wrong-build.ts'))}` };

/** Runs a chapter by its name, saying its title, and keeps how long it took. Throws when the run is stopped. */
export type Timed = <T>(name: string, title: string, work: () => Promise<T>) => Promise<T>;

/** Everything set up for a play: servers, shop, toolkit, existing rows copied and verified. */
export type Stage = {
  readonly input: Input;
  readonly env: Record<string, string>;
  readonly addresses: ReturnType<typeof databaseAddresses>;
  readonly processes: Processes;
  readonly webhook: Webhook;
  /** The same questions to monolith and services. */
  readonly suite: Awaited<ReturnType<typeof regressionSuite>>;
  /** Rows copied by the backfill. */
  readonly backfilled: number;
  readonly timed: Timed;
  /** Milliseconds per chapter so far. */
  readonly took: Readonly<Record<string, number>>;
  /** Has this done when everything is stopped, last in, first out. */
  readonly atTheEnd: (end: () => Promise<unknown>) => void;
};

/** Sets the stage and plays. What stands afterwards stands until `stop`, safe to call twice. Rejects with all stopped. */
export async function onStage<T extends object>(
  quick: boolean,
  signal: AbortSignal,
  play: (stage: Stage) => Promise<T>,
): Promise<T & { readonly stop: () => Promise<void> }> {
  const ending: (() => Promise<unknown>)[] = [];
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= (async () => {
      for (const end of ending.reverse()) await end();
    })();
    return stopped;
  };
  try {
    return { ...(await play(await setStage(quick, signal, (end) => ending.push(end)))), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function setStage(quick: boolean, signal: AbortSignal, atTheEnd: Stage['atTheEnd']): Promise<Stage> {
  const took: Record<string, number> = {};
  const aborted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  aborted.catch(() => {}); // only a chapter under way minds
  const timed: Timed = async (name, title, work) => {
    signal.throwIfAborted();
    const done = await Promise.race([chapter(title, work), aborted]);
    took[name] = done.took;
    return done.result;
  };
  beTheOnlyOne();
  const input = readInput(quick);
  const found = await timed('servers', 'MySQL, Postgres, Kafka, Connect and Debezium are up', () =>
    startServers(atTheEnd),
  );
  await timed('cleanSlate', 'what the last run left is gone', async () => {
    await stopLeftovers();
    await cleanSlate(found);
  });
  const env = planEnvironment(found);
  writeFileSync(
    ENV_FILE,
    Object.entries(env)
      .map(([name, value]) => `export ${name}='${value}'\n`)
      .join(''),
    { mode: 0o600 },
  );
  const addresses = databaseAddresses(found);
  const processes = processesOf(found);
  atTheEnd(async () => {
    for (const one of inStoppingOrder(processes)) await one.stop();
  });
  await timed('shop', 'the monolith and the two services run', async () => {
    await processes.monolith.start();
    await Promise.all([processes.orders.start(WRONG_WHEN_TOLD), processes.notifications.start()]);
  });
  const title = `${input.history.length.toLocaleString('en')} purchases of 1997 loaded into the monolith`;
  await timed('load', title, () => loadShop(addresses.monolith.admin, input, (rows) => show(`… ${rows} rows loaded`)));
  const suite = await timed('regression', 'monolith and services answer alike', () => regressionSuite(found));
  await timed('init', 'strangler init', () => strangler(['init', '--apply', '--create-users'], env));
  const webhook = await startWebhook(PORTS.webhook);
  atTheEnd(webhook.stop);
  const backfilled = await timed('backfill', 'existing rows copied to the services’ databases', async () => {
    atTheEnd(await announceOrders(found));
    return startToolkit(processes);
  });
  await timed('verify', 'strangler verify', () => strangler(['verify'], env));
  return { input, env, addresses, processes, webhook, suite, backfilled, timed, took, atTheEnd };
}
