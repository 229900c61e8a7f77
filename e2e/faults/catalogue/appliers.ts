import { streamName } from '@strangler/plan';
import { Kafka, logLevel } from 'kafkajs';
import { Process } from '../../rehearsal/processes.ts';
import type { Chapter, Fault, Scene } from '../fault.ts';
import { eventually, firstOf, holding, inSession } from '../holding.ts';
import { until } from '../operator.ts';
import type { Stack } from '../stack.ts';

const SEEN_WITHIN_MS = 20_000;
const RUNS_WITHIN_MS = 60_000;

/** The applier of orders into MySQL or into Postgres waits for a lock: its transaction is under way and gets no further. */
const WAITING = {
  reverse: `SELECT 1 FROM performance_schema.threads WHERE processlist_user = 'shop_applier' AND processlist_time >= 0
     AND (processlist_state LIKE 'Waiting for table%' OR thread_id IN
       (SELECT requesting_thread_id FROM performance_schema.data_lock_waits)) LIMIT 1`,
  forward: `SELECT 1 FROM pg_stat_activity WHERE usename = 'shop_orders_applier' AND wait_event_type = 'Lock' LIMIT 1`,
};
const SYNC_WAIT = `SELECT 1 FROM pg_stat_activity WHERE usename = 'shop_orders_applier' AND wait_event = 'SyncRep' LIMIT 1`;

type Direction = keyof typeof WAITING;

const targetOf = ({ addresses }: Stack, direction: Direction): string =>
  (direction === 'forward' ? addresses.orders : addresses.monolith).admin;

/** Waits until the target says so, then kills cdc there. */
async function killedWhen(scene: Scene, direction: Direction, sql: string): Promise<void> {
  await inSession(targetOf(scene.stack, direction), (session) =>
    eventually('the applier in the middle of its transaction', SEEN_WITHIN_MS, () => firstOf(session, sql)),
  );
  await scene.stack.cdc.kill();
}

/** Kills cdc while a lock of ours keeps its transaction where it is; then lets go, and starts cdc again. */
const killedAt = (direction: Direction, when: string, lock: string, chapter: Chapter): Fault => ({
  name: `applier killed ${when}, ${streamName('orders', direction)}`,
  lines: [61, 63],
  chapter,
  strike: async (scene) => {
    await holding(targetOf(scene.stack, direction), [lock], () => killedWhen(scene, direction, WAITING[direction]));
    await scene.stack.cdc.start();
  },
});

const checkpointOf = (direction: Direction) =>
  `SELECT version FROM strangler_checkpoint WHERE stream = '${streamName('orders', direction)}' FOR UPDATE`;

/** Every COMMIT in Postgres is durable, and is not answered: a standby it waits for does not exist. */
async function killedUnanswered(scene: Scene): Promise<void> {
  await inSession(scene.stack.addresses.orders.admin, async (session) => {
    await session.query("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    await session.query('SELECT pg_reload_conf()');
    try {
      await killedWhen(scene, 'forward', SYNC_WAIT);
    } finally {
      await session.query('ALTER SYSTEM RESET synchronous_standby_names');
      await session.query('SELECT pg_reload_conf()');
    }
  });
  await scene.stack.cdc.start();
}

/** Two processes apply the same streams: one of them must stop by itself, and neither may do a thing twice. */
async function twoAtOnce({ stack, pause }: Scene): Promise<void> {
  const second = new Process({ ...stack.cdc.program, name: 'cdc-2' });
  await second.start();
  await pause(3_000, 5_000);
  await Promise.all([second.kill(), stack.cdc.kill()]);
  await stack.cdc.start();
  // What the one that stopped has written stands until the new one writes that it runs.
  await until('streams that run', 'orders', RUNS_WITHIN_MS, ({ streams }) =>
    streams.every((one) => one.state === 'running'),
  );
}

/** A stranger joins the reader's group, is given its partition, and leaves again. */
async function rebalanced({ stack, pause }: Scene): Promise<void> {
  const kafka = new Kafka({ brokers: [...stack.servers.kafka.brokers], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const { groups } = await admin.listGroups();
  await admin.disconnect();
  const readers = groups.filter(({ groupId }) => groupId.startsWith('strangler.shop.orders.'));
  const strangers = readers.map(async ({ groupId }) => {
    const stranger = kafka.consumer({ groupId });
    await stranger.connect();
    const topic = groupId.includes('.forward.') ? 'strangler.shop.monolith' : 'strangler.shop.orders';
    await stranger.subscribe({ topic });
    await stranger.run({ autoCommit: false, eachMessage: async () => {} });
    return stranger;
  });
  const joined = await Promise.all(strangers);
  await pause(2_000, 4_000);
  await Promise.all(joined.map((stranger) => stranger.disconnect()));
}

/** cdc hangs so long that its broker and its databases take it for dead. */
async function hangs({ stack, over }: Scene): Promise<void> {
  stack.cdc.signal('SIGSTOP');
  await new Promise((resolve) => setTimeout(resolve, 35_000));
  stack.cdc.signal('SIGCONT');
  over();
}

/** Breaks the applier within its transaction, and its reading. */
export const appliers: readonly Fault[] = [
  killedAt('forward', 'before it claims its checkpoint', checkpointOf('forward'), 'steady'),
  killedAt('reverse', 'before it claims its checkpoint', checkpointOf('reverse'), 'steady'),
  killedAt('forward', 'before it writes rows', 'LOCK TABLE orders IN SHARE MODE', 'steady'),
  killedAt('reverse', 'before it writes rows', 'LOCK TABLES orders READ', 'steady'),
  killedAt('forward', 'before it notes a handoff', 'LOCK TABLE strangler_ownership IN SHARE MODE', 'ramping'),
  killedAt('reverse', 'before it notes a handoff', 'LOCK TABLES strangler_ownership READ', 'rolling back'),
  {
    name: 'applier killed after COMMIT, before its answer',
    lines: [63],
    chapter: 'ramping',
    strike: killedUnanswered,
    mayRollBack: true,
  },
  { name: 'two appliers at once', lines: [63], chapter: 'ramping', strike: twoAtOnce },
  { name: 'reader’s group rebalanced', lines: [62], chapter: 'ramping', strike: rebalanced },
  { name: 'cdc hangs for 35 s', lines: [62], chapter: 'steady', strike: hangs },
];
