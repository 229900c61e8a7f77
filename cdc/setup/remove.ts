import { dropOrigins, dropTables, openSession, type Session, writersOf } from '@strangler/ledger';
import type { Plan } from '@strangler/plan';
import { Connect } from '../capture/connectors.ts';
import { deleteTopics } from '../capture/topics.ts';
import { connectorName, parseAddress, publicationName, surveyConnectorName, syncedCapabilities } from '../names.ts';
import { sleep } from '../sleep.ts';

/**
 * Takes everything away that `init` and `run` made: connectors, then slots, publications, origins and our tables, then
 * topics. Safe to repeat, and to go on with after it was interrupted. Throws ConnectError, KafkaError, driver errors.
 */
export async function remove(plan: Plan, say: (line: string) => void): Promise<void> {
  const connect = new Connect(plan.kafka!.connect);
  const capabilities = syncedCapabilities(plan);
  for (const name of [
    connectorName(plan, {}),
    surveyConnectorName(plan),
    ...capabilities.map((one) => connectorName(plan, { capability: one })),
  ]) {
    await connect.remove(name);
    say(`connector ${name} is gone`);
  }
  for (const capability of capabilities) {
    const url = plan.capabilities[capability]!.service.database!.admin;
    await inSession(url, (service) => cleanService(plan, capability, service, parseAddress(url).database));
    say(`${capability}: slot, publication, origins and our tables are gone`);
  }
  await inSession(plan.monolith.database!.admin, dropTables);
  say('monolith: our tables are gone');
  await deleteTopics(plan);
  say('kafka: the topics are gone');
}

async function inSession(url: string, task: (session: Session) => Promise<void>): Promise<void> {
  const session = await openSession(url, 'reader');
  try {
    await task(session);
  } finally {
    await session.close();
  }
}

async function cleanService(plan: Plan, capability: string, service: Session, database: string): Promise<void> {
  const name = publicationName(plan, capability);
  await dropSlot(service, name);
  await service.query(`DROP PUBLICATION IF EXISTS "${name}"`);
  for (const [table, { to }] of Object.entries(plan.capabilities[capability]!.tables)) {
    const named = `"${(to ?? table).replaceAll('"', '""')}"`;
    await service.query(`ALTER TABLE IF EXISTS ${named} REPLICA IDENTITY DEFAULT`);
  }
  await endHolders(service, database, capability);
  await dropOrigins(service, database, writersOf(capability));
  await dropTables(service);
}

const TIMEOUT_MS = 10_000;

/** The slot's walsender may live on for a moment after its connector has gone. */
export async function dropSlot(service: Session, slot: string): Promise<void> {
  for (const until = Date.now() + TIMEOUT_MS; ; ) {
    const { rows } = await service.query<{ active: boolean; pid: number | null }>(
      'SELECT active, active_pid AS pid FROM pg_replication_slots WHERE slot_name = ?',
      [slot],
    );
    if (!rows[0]) return;
    if (!rows[0].active) {
      await service.query('SELECT pg_drop_replication_slot(?)', [slot]);
      return;
    }
    if (Date.now() > until) {
      throw new Error(`replication slot ${slot} is still in use by server process ${rows[0].pid}; stop it and repeat`);
    }
    await sleep(100, AbortSignal.timeout(1_000));
  }
}

/** An origin in use cannot be dropped: cdc and control must have been stopped. */
async function endHolders(service: Session, database: string, capability: string): Promise<void> {
  const { rows } = await service
    .query<{ pid: number; usename: string }>(
      `SELECT a.pid, a.usename FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid
     WHERE a.datname = ? AND l.relation = 'strangler_checkpoint'::regclass AND a.pid <> pg_backend_pid()`,
      [database],
    )
    .catch(() => ({ rows: [] as { pid: number; usename: string }[] }));
  if (rows.length) {
    throw new Error(
      `${capability}: server process ${rows[0]!.pid} (${rows[0]!.usename}) still writes our tables; stop cdc and control, then repeat`,
    );
  }
}
