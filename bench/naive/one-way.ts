import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSession } from '@strangler/ledger';
import type { Servers } from '@strangler/servers';
import { at, DATABASES, databaseAddresses, PORTS, ROOT } from '../../e2e/rehearsal/addresses.ts';
import { freePort, startChild } from '../child.ts';
import type { Worker } from '../sync/connect-worker.ts';
import { PREFIX } from '../sync/databases.ts';
import { mysqlSource, sinkInto } from '../sync/jdbc-sink.ts';
import type { Way } from './way.ts';

const NAMES = {
  request: 'random per request, one-way CDC',
  user: 'sticky per user, one-way CDC',
} as const;
const TABLES = ['orders', 'order_items'] as const;
// biome-ignore lint/suspicious/noTemplateCurlyInString: the sink’s own placeholder
const TABLE_OF_TOPIC = '${source.table}';
const COPIED_WITHIN_MS = 180_000;
const FAILURES_BEFORE_BACK = 10;
/** Row triggers and foreign keys stay off in the sink’s sessions: its tables arrive in any order. */
const AS_REPLICA = 'options=-c%20session_replication_role=replica';

/** Sets up the usual way: Debezium and its JDBC sink from MySQL into Postgres, and a router that splits by weight. */
export async function startOneWay(
  servers: Servers,
  worker: Worker,
  choose: keyof typeof NAMES,
  seed: number,
  signal: AbortSignal,
): Promise<Way & { readonly stop: () => Promise<void> }> {
  await startSync(servers, worker, signal);
  const port = await freePort();
  const base = at(port);
  const command = {
    file: process.execPath,
    args: [
      join(ROOT, 'bench/naive/router.ts'),
      ...['--port', String(port), '--choose', choose, '--seed', String(seed)],
      ...['--monolith', at(PORTS.monolith), '--service', at(PORTS.orders)],
    ],
  };
  const ready = () => fetch(`${base}/health`, { signal: AbortSignal.timeout(1_000) });
  const stop = await startChild('the router', command, ready, signal);
  const ramp = async (percent: number) => {
    const answer = await fetch(`${base}/weight/${percent}`, { method: 'PUT' });
    if (!answer.ok) throw new Error(`the router answered ${answer.status} to its new weight`);
  };
  return {
    name: NAMES[choose],
    bases: [base],
    ramp,
    broughtBack: async (tally, died) => {
      while (tally.retryTimes.filter((time) => time >= died).length < FAILURES_BEFORE_BACK) {
        signal.throwIfAborted();
        await sleep(5);
      }
      await ramp(0);
    },
    sync: async () => summary(await worker.state(SINK)),
    stop,
  };
}

const SOURCE = `${PREFIX}-naive-source`;
const SINK = `${PREFIX}-naive-sink`;

/** Starts both connectors and waits until the existing rows have been copied. */
async function startSync(servers: Servers, worker: Worker, signal: AbortSignal): Promise<void> {
  const prefix = `${PREFIX}.naive`;
  const { host, port } = servers.postgres;
  const topics = TABLES.map((table) => `${prefix}.${DATABASES.monolith}.${table}`);
  const jdbc = `jdbc:postgresql://${host}:${port}/${DATABASES.orders}?reWriteBatchedInserts=true&${AS_REPLICA}`;
  const source = mysqlSource(servers, prefix, DATABASES.monolith, TABLES);
  await worker.put(SOURCE, { ...source, 'snapshot.mode': 'initial' });
  await worker.put(SINK, sinkInto(topics, TABLE_OF_TOPIC, jdbc, servers.postgres));
  const { monolith, orders } = databaseAddresses(servers);
  const all = await rowsOf(monolith.admin);
  const deadline = Date.now() + COPIED_WITHIN_MS;
  while ((await rowsOf(orders.admin)) < all) {
    signal.throwIfAborted();
    if (Date.now() > deadline) throw new Error(`the rows were not copied: ${await worker.state(SINK)}`);
    await sleep(250);
  }
}

/** The state of the sink’s task and, if it has failed, the database’s own words. */
function summary(state: string): string {
  const [task] = (JSON.parse(state) as { tasks: { state: string; trace?: string }[] }).tasks;
  const why = /ERROR: .*/.exec(task?.trace ?? '')?.[0];
  return `the sink is ${task?.state}${why ? ` (${why})` : ''}`;
}

/** How many rows the tables of orders have together. */
async function rowsOf(url: string): Promise<number> {
  const session = await openSession(url, 'reader');
  try {
    const counts = TABLES.map((table) => `(SELECT COUNT(*) FROM ${table})`);
    const { rows } = await session.query<{ n: number }>(`SELECT ${counts.join(' + ')} AS n`);
    return Number(rows[0]?.n);
  } finally {
    await session.close();
  }
}
