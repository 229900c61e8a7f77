import { CAPTURED, quoted, type Session } from '@strangler/ledger';
import type { Plan } from '@strangler/plan';
import { publicationName } from '../names.ts';
import { narrowEncodingOf } from '../setup/unsafe.ts';
import type { ReportFinding } from './finding.ts';

/** Looks at the Postgres server and database of a capability's service. */
export async function checkPostgresServer(
  plan: Plan,
  capability: string,
  session: Session,
  origins: readonly string[],
  report: ReportFinding,
): Promise<void> {
  const error = (what: string, why: string, fix: string) =>
    report({ level: 'error', where: capability, what, why, fix });
  const one = async <Row>(sql: string, values: readonly string[] = []) => (await session.query<Row>(sql, values)).rows;

  const settings = new Map(
    (await one<{ name: string; setting: string }>('SELECT name, setting FROM pg_settings')).map((row) => [
      row.name,
      row.setting,
    ]),
  );
  if (settings.get('wal_level') !== 'logical') {
    error(
      `wal_level is ${settings.get('wal_level')}, not logical`,
      'the log cannot be decoded',
      'ALTER SYSTEM SET wal_level = logical; then restart Postgres',
    );
  }
  const encoding = await narrowEncodingOf(session);
  if (encoding) error(encoding.what, encoding.why, encoding.fix);
  const slot = publicationName(plan, capability);
  const slots = await one<{ slot_name: string; wal_status: string }>(
    'SELECT slot_name, wal_status FROM pg_replication_slots',
  );
  const own = slots.find((row) => row.slot_name === slot);
  if (own?.wal_status === 'lost') {
    error(
      `replication slot ${slot} has lost its log`,
      'writes of the service are missing in the monolith',
      'strangler rollback, strangler verify, then strangler remove --yes and strangler init',
    );
  }
  if (!own && slots.length >= Number(settings.get('max_replication_slots'))) {
    error(
      `all ${slots.length} replication slots are in use`,
      'the service’s log needs one',
      `ALTER SYSTEM SET max_replication_slots = ${slots.length + 10}; then restart Postgres`,
    );
  }
  const known = new Set(
    (await one<{ roname: string }>('SELECT roname FROM pg_replication_origin')).map((r) => r.roname),
  );
  const missing = origins.filter((origin) => !known.has(origin));
  if (missing.length) {
    error(
      `replication origins are missing: ${missing.join(', ')}`,
      'our writes would look like yours',
      'strangler init',
    );
  }
  const room = Number(settings.get('max_active_replication_origins') ?? settings.get('max_replication_slots'));
  if (known.size > room) {
    report({
      level: 'warning',
      where: capability,
      what: `${known.size} replication origins, room for ${room} in use`,
      why: 'an applier or control may find no room',
      fix: `ALTER SYSTEM SET max_active_replication_origins = ${known.size + 20}; then restart Postgres`,
    });
  }
  await checkCapture(plan, capability, session, slot, error);
}

async function checkCapture(
  plan: Plan,
  capability: string,
  session: Session,
  publication: string,
  error: (what: string, why: string, fix: string) => void,
): Promise<void> {
  const tables = Object.entries(plan.capabilities[capability]!.tables).map(([table, { to }]) => to ?? table);
  const wanted = [...CAPTURED, ...tables];
  const { rows } = await session.query<{ name: string; identity: string; published: boolean }>(
    `SELECT c.relname AS name, c.relreplident AS identity,
       EXISTS (SELECT 1 FROM pg_publication_tables p WHERE p.pubname = ? AND p.tablename = c.relname) AS published
     FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'`,
    [publication],
  );
  for (const table of wanted) {
    const row = rows.find(({ name }) => name === table);
    if (!row) {
      error(
        `table ${table} is missing in schema public`,
        'it is captured or written by the sync',
        CAPTURED.some((ours) => ours === table) ? 'strangler init' : 'create it in the service’s database',
      );
      continue;
    }
    if (row.identity !== 'f') {
      error(
        `${table} has no full replica identity`,
        'a late write is judged by its whole former row',
        `ALTER TABLE ${quoted('postgres', table)} REPLICA IDENTITY FULL;`,
      );
    }
    if (!row.published) error(`${table} is not in publication ${publication}`, 'its log is not read', 'strangler init');
  }
}
