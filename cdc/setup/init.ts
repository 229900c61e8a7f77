import {
  CAPTURED,
  createOrigins,
  createTables,
  openSession,
  prepareFence,
  quoted,
  type Session,
  writersOf,
} from '@strangler/ledger';
import type { Plan } from '@strangler/plan';
import { createTopics } from '../capture/topics.ts';
import { MappingError, mapTables } from '../mapping/mapping.ts';
import { parseAddress, publicationName, syncedCapabilities } from '../names.ts';
import { grantsOf, type UserGrants } from './grants.ts';
import { findUncopyable } from './uncopyable.ts';
import { findUnsafe } from './unsafe.ts';

/** What `init` may do beyond creating its own things. */
export type InitOptions = {
  /** Also carries out the GRANTs it prints. */
  readonly apply: boolean;
  /** Also creates users that are missing, with the passwords of the Plan's addresses. */
  readonly createUsers: boolean;
  readonly say: (line: string) => void;
};

/**
 * Prepares both sides for the sync of a Plan: our tables, replication origins, publications, topics, privileges.
 * Safe to repeat, and to go on with after it was interrupted. Throws MappingError, KafkaError, the drivers' errors.
 */
export async function init(plan: Plan, options: InitOptions): Promise<void> {
  const { say } = options;
  const grants = grantsOf(plan);
  const monolith = await openAdmin(plan.monolith.database!.admin);
  try {
    await createTables(monolith);
    for (const capability of syncedCapabilities(plan)) await prepareFence(monolith, capability);
    say('monolith: tables are ready');
    await allow(
      monolith,
      grants.filter(({ where }) => where === 'monolith'),
      options,
    );
    const refusals: string[] = [];
    for (const capability of syncedCapabilities(plan)) {
      const url = plan.capabilities[capability]!.service.database!.admin;
      const service = await openAdmin(url);
      try {
        await prepareService(plan, capability, service, parseAddress(url).database);
        say(`${capability}: tables, replication origins and publication are ready`);
        await allow(
          service,
          grants.filter(({ where }) => where === capability),
          options,
        );
        const { mapping, reasons } = await mapTables(plan.capabilities[capability]!, monolith, service);
        const refused = [
          ...reasons,
          ...(await findUnsafe(monolith, service, mapping)),
          ...(await findUncopyable(monolith, capability, mapping)),
        ];
        if (refused.length) throw new MappingError(capability, refused);
      } catch (error) {
        if (!(error instanceof MappingError)) throw error;
        refusals.push(error.message);
      } finally {
        await service.close();
      }
    }
    if (refusals.length) throw new Error(refusals.join('\n'));
  } finally {
    await monolith.close();
  }
  await createTopics(plan);
  say('kafka: the topics stand');
}

const openAdmin = (url: string): Promise<Session> => openSession(url, 'reader');

async function prepareService(plan: Plan, capability: string, service: Session, database: string): Promise<void> {
  await createTables(service);
  await prepareFence(service, capability);
  await createOrigins(service, database, writersOf(capability));
  const tables = Object.entries(plan.capabilities[capability]!.tables).map(([table, { to }]) => to ?? table);
  const [reasons, present]: [string[], string[]] = [[], []];
  for (const table of tables) {
    const { rows } = await service.query('SELECT 1 WHERE to_regclass(quote_ident(?)) IS NOT NULL', [table]);
    if (!rows.length) reasons.push(`${table}: not found in the service's database`);
    else present.push(table);
    for (const column of await virtualColumns(service, table))
      reasons.push(
        `${table}: column ${column} of the service's table is GENERATED … VIRTUAL, and Postgres refuses every UPDATE and DELETE of ` +
          'such a table once it is captured; make it STORED, or leave it to a view',
      );
  }
  if (reasons.length) throw new MappingError(capability, reasons);
  // Published before they are captured whole: Postgres 18 refuses an UPDATE of a table with a generated column that is not.
  const publication = publicationName(plan, capability);
  const published = [...CAPTURED, ...tables].map(quote).join(', ');
  const { rows } = await service.query('SELECT 1 FROM pg_publication WHERE pubname = ?', [publication]);
  await service.query(
    rows.length
      ? `ALTER PUBLICATION ${quote(publication)} SET TABLE ${published}`
      : `CREATE PUBLICATION ${quote(publication)} FOR TABLE ${published}`,
  );
  if (await publishesGenerated(service))
    await service.query(`ALTER PUBLICATION ${quote(publication)} SET (publish_generated_columns = stored)`);
  for (const table of present) await service.query(`ALTER TABLE ${quote(table)} REPLICA IDENTITY FULL`);
}

async function virtualColumns(service: Session, table: string): Promise<string[]> {
  const { rows } = await service.query<{ attname: string }>(
    "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(quote_ident(?)) AND attgenerated = 'v'",
    [table],
  );
  return rows.map(({ attname }) => attname);
}

/** Since Postgres 18 a publication may have generated columns, and must where a table is captured whole. */
async function publishesGenerated(service: Session): Promise<boolean> {
  const { rows } = await service.query<{ version: string }>("SELECT current_setting('server_version_num') AS version");
  return Number(rows[0]!.version) >= 180_000;
}

const quote = (name: string): string => quoted('postgres', name);

/** Prints what each user needs and, if asked, sees to it. */
async function allow(admin: Session, users: readonly UserGrants[], options: InitOptions): Promise<void> {
  for (const { where, role, user, create, grants } of users) {
    const present = await userExists(admin, user);
    options.say(`-- ${where}: ${role} (${user})${present ? '' : ' is missing'}`);
    const creating = !present && options.createUsers && create !== undefined;
    if (creating) await admin.query(create);
    else if (!present && create) options.say(`${create.replace(/(BY|PASSWORD) '.*'$/, "$1 '…'")};`);
    for (const grant of grants) {
      options.say(`${grant};`);
      if (options.apply && (present || creating)) await admin.query(grant);
    }
  }
}

async function userExists(admin: Session, user: string): Promise<boolean> {
  const sql =
    admin.dialect === 'mysql' ? 'SELECT 1 FROM mysql.user WHERE User = ?' : 'SELECT 1 FROM pg_roles WHERE rolname = ?';
  return (await admin.query(sql, [user])).rows.length > 0;
}
