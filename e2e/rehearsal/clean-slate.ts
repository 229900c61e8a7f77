import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSession, type Session } from '@strangler/ledger';
import type { Servers } from '@strangler/servers';
import { Kafka, logLevel } from 'kafkajs';
import { type DatabaseUsers, databaseAddresses, planEnvironment } from './addresses.ts';

/** A task that was waiting to try again takes its time, ms. */
const STOPPED_WITHIN_MS = 60_000;

const superuser = (servers: Servers, system: 'mysql' | 'postgres'): string => {
  const { user, password, host, port } = servers[system];
  return `${system}://${user}:${encodeURIComponent(password)}@${host}:${port}/${system === 'mysql' ? 'mysql' : 'postgres'}`;
};

/** What a migration leaves on the servers: everything that is called after its Plan, and its databases with their users. */
export type Slate = {
  /** The Plan’s name. */
  readonly name: string;
  readonly flagsFile: string;
  readonly monolith: DatabaseUsers;
  readonly services: readonly DatabaseUsers[];
};

/** The rehearsal’s. */
const shop = (servers: Servers): Slate => {
  const { monolith, orders, notifications } = databaseAddresses(servers);
  const flagsFile = planEnvironment(servers).FLAGS_FILE!;
  return { name: 'shop', flagsFile, monolith, services: [orders, notifications] };
};

/**
 * Drops what the last run left: its flags, connectors with their offsets, topics, slots, origins, databases and users. Then
 * creates the databases and the users of the applications.
 */
export async function cleanSlate(servers: Servers, slate = shop(servers)): Promise<void> {
  rmSync(slate.flagsFile, { force: true });
  await dropConnectors(servers, slate);
  await Promise.all([dropTopics(servers, slate), dropMysql(servers, slate), dropPostgres(servers, slate)]);
}

async function dropConnectors({ connect }: Servers, { name: migration }: Slate): Promise<void> {
  const call = (path: string, method = 'GET') =>
    fetch(`${connect.url}/connectors${path}`, { method, signal: AbortSignal.timeout(30_000) });
  const names = ((await (await call('')).json()) as string[]).filter((name) =>
    new RegExp(`\\b${migration}\\b`).test(name.replaceAll('_', '-')),
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

async function dropTopics({ kafka }: Servers, { name: migration }: Slate): Promise<void> {
  const admin = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    const ours = new RegExp(`^(strangler|${migration}|__debezium-heartbeat)[.-].*\\b${migration}\\b|^${migration}\\.`);
    const topics = (await admin.listTopics()).filter((name) => ours.test(name));
    if (topics.length) await admin.deleteTopics({ topics });
    while ((await admin.listTopics()).some((name) => topics.includes(name))) await sleep(50);
    const { groups: all } = await admin.listGroups();
    const groups = all.map(({ groupId }) => groupId).filter((id) => new RegExp(`\\b${migration}\\b`).test(id));
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

const databaseOf = (url: string): string => new URL(url).pathname.slice(1);

async function dropMysql(servers: Servers, { monolith }: Slate): Promise<void> {
  const { app, admin: _, ...roles } = monolith;
  const database = databaseOf(app);
  await withSession(superuser(servers, 'mysql'), async (session) => {
    await session.query(`DROP DATABASE IF EXISTS ${database}`);
    await session.query(`CREATE DATABASE ${database} CHARACTER SET utf8mb4`);
    for (const url of [app, ...Object.values(roles)]) await session.query(`DROP USER IF EXISTS '${userOf(url)}'@'%'`);
    await session.query(`CREATE USER '${userOf(app)}'@'%' IDENTIFIED BY '${new URL(app).password}'`);
    await session.query(`GRANT ALL ON ${database}.* TO '${userOf(app)}'@'%'`);
  });
}

async function dropPostgres(servers: Servers, { services }: Slate): Promise<void> {
  await withSession(superuser(servers, 'postgres'), async (session) => {
    for (const { app, admin: _, ...roles } of services) {
      const database = databaseOf(app);
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
      for (const url of [app, ...Object.values(roles)]) {
        const { rows } = await session.query('SELECT 1 FROM pg_roles WHERE rolname = ?', [userOf(url)]);
        if (!rows.length) continue;
        await session.query(`DROP OWNED BY ${userOf(url)}`); // what it was granted outside its database
        await session.query(`DROP ROLE ${userOf(url)}`);
      }
      await session.query(`CREATE ROLE ${userOf(app)} LOGIN PASSWORD '${new URL(app).password}'`);
      await session.query(`CREATE DATABASE ${database} OWNER ${userOf(app)}`);
    }
  });
}
