import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { init } from '@strangler/cdc';
import { barrierArrived, openSession, readApplier, writeHandoff } from '@strangler/ledger';
import { BUCKETS, type Direction, parsePlan, streamName } from '@strangler/plan';
import type { Servers } from '@strangler/servers';
import { startChild } from '../child.ts';
import { addressOf, PREFIX } from './databases.ts';
import type { Pipeline } from './measure.ts';
import { createOrders } from './orders-table.ts';

const ARRIVED_WITHIN_MS = 30_000;
const CDC = join(import.meta.dirname, '../../cdc/main.ts');

const planOf = (monolith: string, service: string, broker: string, connect: string): string => `version: 1
name: ${PREFIX}
monolith: { database: "${monolith}" }
kafka: { brokers: ["${broker}"], connect: "${connect}" }
control: { tokens: { admin: bench-admin, proxy: bench-proxy } }
capabilities:
  orders:
    service: { database: "${service}" }
    userType: integer
    tables:
      orders: { user: user_id, sameWhen: [user_id, idempotency_key], touched: [updated_at] }
`;

/** Starts our sync as an operator would, a process of its own. Gives both ways of it; the monolith owns everybody. */
export async function startOurs(servers: Servers, connect: string, folder: string, signal: AbortSignal) {
  const monolith = addressOf(servers, 'mysql', 'bench_ours');
  const service = addressOf(servers, 'postgres', 'bench_ours');
  for (const url of [monolith, service]) await createOrders(url);
  const file = join(folder, 'strangler.yaml');
  const text = planOf(monolith, service, servers.kafka.brokers[0]!, connect);
  writeFileSync(file, text);
  await init(parsePlan(text, {}), { apply: false, createUsers: false, say: () => {} });
  const pipelines = {
    forward: pipeline('forward', monolith, service),
    reverse: pipeline('reverse', service, monolith),
  };
  const ready = () => Promise.all([mustRun('forward', pipelines.forward), mustRun('reverse', pipelines.reverse)]);
  const command = {
    file: process.execPath,
    args: ['--disable-warning=TimeoutNegativeWarning', CDC, 'run', '--plan', file],
  };
  const stop = await startChild('cdc', command, ready, signal);
  return { pipelines, handOver: () => handOver(monolith, service, signal), stop };
}

/** What the applier of a stream says of itself in its target. */
async function applierOf(direction: Direction, target: string) {
  const session = await openSession(target, 'reader');
  try {
    return await readApplier(session, streamName('orders', direction));
  } finally {
    await session.close();
  }
}

const pipeline = (direction: Direction, source: string, target: string): Pipeline => ({
  name: 'ours',
  source,
  target,
  state: async () => {
    const applier = await applierOf(direction, target);
    return applier
      ? `the ${direction} stream is ${applier.state}, ${applier.reason ?? 'and gives no reason'}`
      : 'no applier';
  },
});

/** Throws unless the stream says that it runs and knows its lag. */
async function mustRun(direction: Direction, { target, state }: Pipeline): Promise<void> {
  const applier = await applierOf(direction, target);
  if (applier?.state !== 'running' || applier.lag === null) throw new Error(await state());
}

/** Hands everybody over to the service, as control does: barrier, arrival, grant. */
async function handOver(monolith: string, service: string, signal: AbortSignal): Promise<void> {
  const [from, to] = [await openSession(monolith, 'control'), await openSession(service, 'control')];
  try {
    const row = { capability: 'orders', epoch: 1, subject: { lo: 0, hi: BUCKETS }, forced: false } as const;
    await from.transaction(() => writeHandoff(from, { ...row, kind: 'barrier' }));
    const deadline = Date.now() + ARRIVED_WITHIN_MS;
    while (!(await barrierArrived(to, streamName('orders', 'forward'), row.epoch))) {
      signal.throwIfAborted();
      if (Date.now() > deadline) throw new Error('the barrier did not arrive');
      await sleep(10);
    }
    await to.transaction(() => writeHandoff(to, { ...row, kind: 'grant' }));
  } finally {
    await from.close();
    await to.close();
  }
}
