import { writeFileSync } from 'node:fs';
import { outboxConnector } from '@example/orders';
import { down, type Servers, servers, status, up } from '@strangler/servers';
import { regressionSuite } from '../regression/suite.ts';
import { DATABASES, databaseAddresses, ENV_FILE, at as local, PORTS, planEnvironment } from './addresses.ts';
import { type Books, countBooks, mistakesIn } from './books.ts';
import { cleanSlate } from './clean-slate.ts';
import { type Input, readInput } from './input.ts';
import { loadShop } from './load-shop.ts';
import { beTheOnlyOne, stopLeftovers, strangler } from './processes.ts';
import { inStoppingOrder, OUTBOX, processesOf } from './programs.ts';
import { type Report, thisMachine } from './report.ts';
import { chapter, pictureOf, say, show } from './screen.ts';
import { StepBook } from './steps.ts';
import { type Kill, runStory } from './story.ts';
import { startToolkit } from './toolkit.ts';
import { CUSTOMERS_AT_A_TIME, startTraffic } from './traffic.ts';
import { Watch } from './watch.ts';
import { startWebhook } from './webhook.ts';

/** Over how many seconds the purchases of 1998 are replayed. */
const REPLAY_SECONDS = { quick: 50, full: 150 };
const SETTLE_WITHIN = 30_000;
const NEEDED = ['mysql', 'postgres', 'kafka', 'connect'] as const;

/** A rehearsal that has come to its end and still stands. */
export type Rehearsal = {
  readonly report: Report;
  /** A customer who has bought something. */
  readonly customer: number;
  /** Stops what it started; safe to call twice. */
  readonly stop: () => Promise<void>;
};

/** Runs the whole rehearsal. Rejects, with everything stopped, if a chapter cannot be finished. */
export async function rehearse(quick: boolean, signal: AbortSignal): Promise<Rehearsal> {
  const ending: (() => Promise<void>)[] = [];
  let stopped: Promise<void> | undefined;
  const stop = () => {
    stopped ??= (async () => {
      for (const end of ending.reverse()) await end();
    })();
    return stopped;
  };
  try {
    return { ...(await run(quick, signal, ending)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function run(quick: boolean, signal: AbortSignal, ending: (() => Promise<void>)[]) {
  const took: Record<string, number> = {};
  const aborted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  aborted.catch(() => {}); // only a chapter under way minds
  const timed = async <T>(name: string, title: string, work: () => Promise<T>): Promise<T> => {
    signal.throwIfAborted();
    const done = await Promise.race([chapter(title, work), aborted]);
    took[name] = done.took;
    return done.result;
  };
  beTheOnlyOne();
  const input = readInput(quick);
  const found = await timed('servers', 'MySQL, Postgres, Kafka, Connect and Debezium are up', () =>
    startServers(ending),
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
  ending.push(async () => {
    for (const one of inStoppingOrder(processes)) await one.stop();
  });
  await timed('shop', 'the monolith and the two services run', async () => {
    await processes.monolith.start();
    await Promise.all([processes.orders.start(), processes.notifications.start()]);
  });
  const title = `${input.history.length.toLocaleString('en')} purchases of 1997 loaded into the monolith`;
  await timed('load', title, () => loadShop(addresses.monolith.admin, input, (rows) => show(`… ${rows} rows loaded`)));
  const suite = await timed('regression', 'monolith and services answer alike', () => regressionSuite(found));
  await timed('init', 'strangler init', () => strangler(['init', '--apply', '--create-users'], env));
  const webhook = await startWebhook(PORTS.webhook);
  ending.push(webhook.stop);
  const backfilled = await timed('backfill', 'existing rows copied to the services’ databases', async () => {
    await publishOutbox(found);
    return startToolkit(processes);
  });
  await timed('verify', 'strangler verify', () => strangler(['verify'], env));

  const bases = PORTS.proxies.map(local);
  const traffic = startTraffic(input, bases, REPLAY_SECONDS[quick ? 'quick' : 'full'], signal);
  const { tally } = traffic;
  const watch = new Watch((now) => show(pictureOf(now, traffic.share(), tally.requests, tally.errors.length)));
  ending.push(() => watch.stop());
  const book = new StepBook(input, tally, watch);
  let completeAt = 1;
  const kill = await timed(
    'replay',
    `${input.live.length.toLocaleString('en')} purchases of 1998 replayed`,
    async () => {
      const story = await runStory(book, traffic, processes.orders, webhook, env, (share) => {
        completeAt = share;
      });
      await traffic.done;
      return story;
    },
  );
  await watch.stop();
  const ledger = await timed('books', 'the books are counted', () => settle(addresses, input, tally));
  const purchases = [...input.history, ...input.live];
  const mistakes = [
    ...mistakesIn(ledger, input),
    ...tally.errors.map((error) => `a customer saw: ${error}`),
    ...(suite.agreed ? [] : ['monolith and services do not answer alike']),
    ...(completeAt > 0.85
      ? [`everybody was on the service only with ${Math.round((1 - completeAt) * 100)} % to come`]
      : []),
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
    kill: kill as Kill,
    traffic: {
      customersAtATime: CUSTOMERS_AT_A_TIME,
      requests: tally.requests,
      retries: tally.retryTimes.length,
      errors: tally.errors,
      mostInFlight: tally.mostInFlight,
    },
    completeAt,
    expected: {
      orders: purchases.length,
      cents: purchases.reduce((sum, { product }) => sum + product.cents, 0),
      live: input.live.length,
    },
    ledger,
    mistakes,
  };
  return { report, customer: input.live[0]!.customer };
}

/** Starts the servers; what was up before stays up afterwards. */
async function startServers(ending: (() => Promise<void>)[]): Promise<Servers> {
  const { parts } = await status();
  const wereUp = NEEDED.every((part) => parts[part].state === 'ready');
  await up({ parts: NEEDED, progress: (line) => say(`  ${line}`) });
  if (!wereUp) ending.push(() => down());
  return servers();
}

/** Posts the connector that publishes the orders service’s events. */
async function publishOutbox(found: Servers): Promise<void> {
  const { host, port, user, password } = found.postgres;
  const outbox = outboxConnector(OUTBOX, { host, port, user, password, database: DATABASES.orders });
  const posted = await fetch(`${found.connect.url}/connectors`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(outbox),
  });
  if (!posted.ok) throw new Error(`Connect refused the outbox connector: ${await posted.text()}`);
}

/** Counts the books until they balance, because the last rows are still under way; gives up after a while. */
async function settle(...books: Parameters<typeof countBooks>): Promise<Books> {
  const deadline = Date.now() + SETTLE_WITHIN;
  for (;;) {
    const counted = await countBooks(...books);
    if (!mistakesIn(counted, books[1] as Input).length || Date.now() > deadline) return counted;
  }
}
