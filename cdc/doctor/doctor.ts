import { openSession, originName, type Session, writersOf } from '@strangler/ledger';
import type { Plan } from '@strangler/plan';
import { Connect, ConnectError } from '../capture/connectors.ts';
import { KafkaError, logTopics, withKafka } from '../capture/topics.ts';
import { mapTables } from '../mapping/mapping.ts';
import { connectorName, parseAddress, syncedCapabilities } from '../names.ts';
import { checkSharedByKey } from './by-key.ts';
import { checkBystanders } from './bystanders.ts';
import { type Finding, type ReportFinding, splitReason } from './finding.ts';
import { checkForeignKeys } from './foreign-keys.ts';
import { checkMysqlServer } from './mysql.ts';
import { checkPostgresServer } from './postgres.ts';
import { checkPrivileges } from './privileges.ts';
import { checkQuarantine } from './quarantine.ts';
import { checkMysqlRights, checkPostgresRights } from './rights.ts';
import { checkTables } from './tables.ts';

/** Codes of a server that answers, but does not let this user in: a wrong password, or no access. */
const REFUSED = new Set(['ER_ACCESS_DENIED_ERROR', 'ER_DBACCESS_DENIED_ERROR', '28P01', '28000', '42501']);

/** Looks at everything the sync of a Plan demands of its systems. Changes nothing, and never throws. */
export async function doctor(plan: Plan): Promise<Finding[]> {
  const findings: Finding[] = [];
  const report: ReportFinding = (finding) => findings.push(finding);
  const monolith = await reach(plan.monolith.database!.admin, 'monolith', report);
  try {
    if (monolith) {
      await checkMysqlServer(monolith, report);
      await checkMysqlRights(plan, monolith, report);
    }
    for (const capability of syncedCapabilities(plan)) await checkCapability(plan, capability, monolith, report);
    await checkPrivileges(plan, report);
    await checkKafka(plan, report);
    await checkConnect(plan, report);
  } finally {
    await monolith?.close();
  }
  return findings;
}

async function reach(url: string, where: string, report: ReportFinding): Promise<Session | undefined> {
  try {
    return await openSession(url, 'reader');
  } catch (error) {
    const { host, port, database, user } = parseAddress(url);
    const isRefused = REFUSED.has(String((error as { code?: unknown }).code));
    report({
      level: 'error',
      where,
      what: `${user} cannot reach database ${database} at ${host}:${port}: ${(error as Error).message}`,
      why: 'nothing can be synced without it',
      fix: isRefused
        ? `the server is there but does not let ${user} in: correct the user or the password of ${where} in the Plan, or grant the access`
        : `start the server, or correct the address of ${where} in the Plan`,
    });
    return undefined;
  }
}

async function checkCapability(
  plan: Plan,
  capability: string,
  monolith: Session | undefined,
  report: ReportFinding,
): Promise<void> {
  const url = plan.capabilities[capability]!.service.database!.admin;
  const service = await reach(url, capability, report);
  if (!service) return;
  try {
    const { database } = parseAddress(url);
    const origins = writersOf(capability).map((writer) => originName(database, writer));
    await checkPostgresServer(plan, capability, service, origins, report);
    await checkPostgresRights(plan, capability, service, report);
    await checkQuarantine(capability, 'forward', service, report);
    if (!monolith) return;
    await checkQuarantine(capability, 'reverse', monolith, report);
    await checkMapped(plan, capability, monolith, service, report);
  } finally {
    await service.close();
  }
}

async function checkMapped(plan: Plan, capability: string, monolith: Session, service: Session, report: ReportFinding) {
  const { mapping, reasons } = await mapTables(plan.capabilities[capability]!, monolith, service);
  const tables = [...mapping.values()];
  // First, because a column that a foreign key sets to NULL cannot be made NOT NULL.
  await checkForeignKeys(plan, capability, tables, monolith, service, report);
  for (const reason of reasons) {
    report({
      level: 'error',
      where: capability,
      what: reason,
      why: 'a column that is not mapped would be lost on the way there or back',
      fix: 'change the table so that both sides agree, or name the other column under `columns` in the Plan',
      ...splitReason(reason),
    });
  }
  await checkTables(capability, tables, monolith, service, report);
  await checkSharedByKey(plan, capability, tables, service, report);
  await checkBystanders(capability, mappedBeside(plan, capability), monolith, service, report);
}

/** The tables of the Plan in a service’s database; it may be that of several capabilities. */
function mappedBeside(plan: Plan, capability: string): Set<string> {
  const placeOf = (name: string) => {
    const { host, port, database } = parseAddress(plan.capabilities[name]!.service.database!.admin);
    return `${host}:${port}/${database}`;
  };
  const beside = syncedCapabilities(plan).filter((name) => placeOf(name) === placeOf(capability));
  const tables = beside.flatMap((name) => Object.entries(plan.capabilities[name]!.tables));
  return new Set(tables.map(([table, { to }]) => to ?? table));
}

async function checkKafka(plan: Plan, report: ReportFinding): Promise<void> {
  const broken = (what: string, why: string, fix: string) => report({ level: 'error', where: 'kafka', what, why, fix });
  try {
    await withKafka(plan.kafka!.brokers, async (admin) => {
      const present = await admin.listTopics();
      for (const topic of logTopics(plan)) {
        if (!present.includes(topic)) {
          broken(`topic ${topic} is missing`, 'the log has nowhere to go', 'strangler init');
          continue;
        }
        const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
        const count = topics[0]!.partitions.length;
        if (count !== 1) {
          broken(
            `topic ${topic} has ${count} partitions`,
            'the order of commits is lost',
            'strangler remove --yes, then strangler init',
          );
        }
      }
    });
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    broken(error.message, 'nothing can be synced without it', 'start Kafka, or correct kafka.brokers in the Plan');
  }
}

async function checkConnect(plan: Plan, report: ReportFinding): Promise<void> {
  const connect = new Connect(plan.kafka!.connect);
  const broken = (what: string, why: string, fix: string) =>
    report({ level: 'error', where: 'connect', what, why, fix });
  try {
    const names = [{}, ...syncedCapabilities(plan).map((capability) => ({ capability }))];
    for (const name of names.map((origin) => connectorName(plan, origin))) {
      const state = await connect.state(name);
      if (state?.state !== 'FAILED') continue;
      broken(
        `connector ${name} has failed: ${state.reason}`,
        'its log is not read',
        `curl -X POST '${plan.kafka!.connect}/connectors/${name}/restart?includeTasks=true&onlyFailed=true'`,
      );
    }
    for (const plugin of await connect.missingPlugins()) {
      broken(`Kafka Connect does not know ${plugin}`, 'the log cannot be read', 'add the plugin to its plugin.path');
    }
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    broken(error.message, 'no log can be read without it', 'start it, or correct kafka.connect in the Plan');
  }
}
