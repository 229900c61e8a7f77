import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSession, type Session } from '@strangler/ledger';
import type { Servers } from '@strangler/servers';
import { Kafka, logLevel } from 'kafkajs';
import { DATABASES, databaseAddresses, planEnvironment } from './addresses.ts';

/** A task that was waiting to try again takes its time, ms. */
const STOPPED_WITHIN_MS = 60_000;

const superuser = (servers: Servers, system: 'mysql' | 'postgres'): string => {
  const { user, password, host, port } = servers[system];
  return `${system}://${user}:${encodeURIComponent(password)}@${host}:${port}/${system === 'mysql' ? 'mysql' : 'postgres'}`;
};

/** Drops what the last run left: its flags, connectors with their offsets, topics, slots, origins, databases and users. */
export async function cleanSlate(servers: Servers): Promise<void> {
  rmSync(planEnvironment(servers).FLAGS_FILE!, { force: true });
  await dropConnectors(servers);
  await Promise.all([dropTopics(servers), dropMysql(servers), dropPostgres(servers)]);
}

async function dropConnectors({ connect }: Servers): Promise<void> {
  const call = (path: string, method = 'GET') =>
    fetch(`${connect.url}/connectors${path}`, { method, signal: AbortSignal.timeout(30_000) });
  const names = ((await (await call('')).json()) as string[]).filter((name) =>
    /\bshop\b/.test(name.replaceAll('_', '-')),
  );
  await Promise.all(
    names.map(async (name) => {
      await call(`/${name}/stop`, 'PUT');
      for (const until = Date.now() + STOPPED_WITHIN_MS; ; await sleep(100)) {
        const forgotten = await call(`/${name}/offsets`, 'DELETE'); // refused until its tasks have stopped
        if (forgotten.ok) break;
        if (Date.now() > until) throw new Error(`Connect keeps the offsets of ${name}: ${await forgotten.text()}`);
      }
      await call(`/${name}`, 'DELETE');
    }),
  );
}

async function dropTopics({ kafka }: Servers): Promise<void> {
  const admin = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    const ours = (name: string) => /^(strangler|shop|__debezium-heartbeat)[.-].*\bshop\b|^shop\./.test(name);
    const topics = (await admin.listTopics()).filter(ours);
    if (topics.length) await admin.deleteTopics({ topics });
    while ((await admin.listTopics()).some((name) => topics.includes(name))) await sleep(50);
    const groups = (await admin.listGroups()).groups.map(({ groupId }) => groupId).filter((id) => /\bshop\b/.test(id));
    if (groups.length) await admin.deleteGroups(groups).catch(() => {}); // one still in its session time-out: seek decides, not the group
  } finally {
    await admin.disconnect();
  }
}

async function withSession(url: string, work: (session: Session) => Promise<void>): Promise<void> {
  const session = await openSession(url, 'reader');
  try {
    await work(session);
  } finally {
    await session.close();
  }
}

const userOf = (url: string): string => decodeURIComponent(new URL(url).username);

async function dropMysql(servers: Servers): Promise<void> {
  const { monolith } = databaseAddresses(servers);
  await withSession(superuser(servers, 'mysql'), async (session) => {
    await session.query(`DROP DATABASE IF EXISTS ${DATABASES.monolith}`);
    await session.query(`CREATE DATABASE ${DATABASES.monolith} CHARACTER SET utf8mb4`);
    for (const [role, url] of Object.entries(monolith)) {
      if (role !== 'admin') await session.query(`DROP USER IF EXISTS '${userOf(url)}'@'%'`);
    }
    await session.query(`CREATE USER '${userOf(monolith.app)}'@'%' IDENTIFIED BY '${new URL(monolith.app).password}'`);
    await session.query(`GRANT ALL ON ${DATABASES.monolith}.* TO '${userOf(monolith.app)}'@'%'`);
  });
}

async function dropPostgres(servers: Servers): Promise<void> {
  const addresses = databaseAddresses(servers);
  await withSession(superuser(servers, 'postgres'), async (session) => {
    for (const name of ['orders', 'notifications'] as const) {
      const database = DATABASES[name];
      await session.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ?', [database]);
      for (let tries = 0; tries < 100; tries++) {
        const { rows } = await session.query<{ active: boolean }>(
          'SELECT active FROM pg_replication_slots WHERE database = ?',
          [database],
        );
        if (rows.every(({ active }) => !active)) break;
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
      for (const [role, url] of Object.entries(addresses[name])) {
        if (role === 'admin') continue;
        const { rows } = await session.query('SELECT 1 FROM pg_roles WHERE rolname = ?', [userOf(url)]);
        if (!rows.length) continue;
        await session.query(`DROP OWNED BY ${userOf(url)}`); // what it was granted outside its database
        await session.query(`DROP ROLE ${userOf(url)}`);
      }
      const app = addresses[name].app;
      await session.query(`CREATE ROLE ${userOf(app)} LOGIN PASSWORD '${new URL(app).password}'`);
      await session.query(`CREATE DATABASE ${database} OWNER ${userOf(app)}`);
    }
  });
}
