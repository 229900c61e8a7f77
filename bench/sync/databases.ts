import { setTimeout as sleep } from 'node:timers/promises';
import { openSession, type Session } from '@strangler/ledger';
import type { Servers } from '@strangler/servers';
import { Kafka, logLevel } from 'kafkajs';

/** What the names of everything that the benchmark makes on shared servers begin with. */
export const PREFIX = 'bench';
const DATABASES = ['bench_ours', 'bench_peer_forward', 'bench_peer_reverse'] as const;
type Database = (typeof DATABASES)[number];

/** The address of one of the benchmark’s databases, or of the server’s own, as its superuser. */
export function addressOf(servers: Servers, system: 'mysql' | 'postgres', database: Database | 'mysql' | 'postgres') {
  const { user, password, host, port } = servers[system];
  return `${system}://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`;
}

async function asSuperuser(servers: Servers, system: 'mysql' | 'postgres', work: (session: Session) => Promise<void>) {
  const session = await openSession(addressOf(servers, system, system), 'reader');
  try {
    await work(session);
  } finally {
    await session.close();
  }
}

/** Creates the benchmark’s databases in both systems, empty. */
export async function createDatabases(servers: Servers): Promise<void> {
  for (const system of ['mysql', 'postgres'] as const) {
    await asSuperuser(servers, system, async (session) => {
      for (const name of DATABASES) await session.query(`CREATE DATABASE ${name}`);
    });
  }
}

/** Drops every database, slot, origin, topic and group of the benchmark, also of a run that was killed. */
export async function dropEverything(servers: Servers): Promise<void> {
  await asSuperuser(servers, 'mysql', async (session) => {
    for (const name of DATABASES) await session.query(`DROP DATABASE IF EXISTS ${name}`);
  });
  await asSuperuser(servers, 'postgres', async (session) => {
    for (const name of DATABASES) await dropPostgres(session, name);
  });
  await dropTopics(servers);
}

async function dropPostgres(session: Session, database: Database): Promise<void> {
  await session.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ?', [database]);
  for (let tries = 0; tries < 100; tries++) {
    const { rows } = await session.query('SELECT 1 FROM pg_replication_slots WHERE database = ? AND active', [
      database,
    ]);
    if (!rows.length) break;
    await sleep(50);
  }
  await session.query('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = ?', [
    database,
  ]);
  await session.query(
    'SELECT pg_replication_origin_drop(roname) FROM pg_replication_origin WHERE starts_with(roname, ?)',
    [`strangler_${database}_`],
  );
  await session.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
}

async function dropTopics({ kafka }: Servers): Promise<void> {
  const admin = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    const ours = (name: string) =>
      new RegExp(`^(strangler[.-]|__debezium-heartbeat\\.|connect-)?${PREFIX}[.-]`).test(name);
    const topics = (await admin.listTopics()).filter(ours);
    if (topics.length) await admin.deleteTopics({ topics });
    for (let tries = 0; tries < 200 && (await admin.listTopics()).some(ours); tries++) await sleep(50);
    const groups = (await admin.listGroups()).groups.map(({ groupId }) => groupId).filter(ours);
    if (groups.length) await admin.deleteGroups(groups).catch(() => {}); // one in its session time-out goes by itself
  } finally {
    await admin.disconnect();
  }
}
