import { quoted, type Session } from '@strangler/ledger';
import type { Plan } from '@strangler/plan';
import { parseAddress, syncedCapabilities } from '../names.ts';
import type { ReportFinding } from './finding.ts';

const WHY =
  'a row of ours written by mistake moves users or makes a stream skip rows; the application needs none of them';
const WRITES = 'INSERT, UPDATE, DELETE';

/** Names who may write our tables in the monolith’s database beside the users of the Plan and the administrators. */
export async function checkMysqlRights(plan: Plan, session: Session, report: ReportFinding): Promise<void> {
  const { admin, application } = plan.monolith.database!;
  const { database } = parseAddress(admin);
  const ours = usersOf(plan.monolith.database!);
  warnOfShared('monolith', application?.replace(/@[^@]*$/, ''), ours, report);
  const wide = await session
    .query<Record<'user' | 'host' | 'level', string>>(MYSQL_WRITERS, [database, database])
    .catch((error: { errno?: number }) => {
      if (error.errno !== REFUSED) throw error;
      report({
        ...{ level: 'warning', where: 'monolith', what: 'this user may not see who may write strangler_ tables' },
        why: 'the application might',
        fix: `GRANT SELECT ON mysql.* TO ${mysqlText(parseAddress(admin).user)}@'%';`,
      });
    });
  const { rows: tables } = await session.query<{ name: string }>(
    `SELECT TABLE_NAME AS name FROM information_schema.TABLES
     WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE' AND TABLE_NAME NOT LIKE 'strangler\\_%' ORDER BY 1`,
  );
  for (const { user, host, level } of wide?.rows ?? []) {
    if (ours.has(user)) continue;
    const account = `${mysqlText(user)}@${mysqlText(host)}`;
    const own = `${quoted('mysql', database)}.`;
    const isTable = level.startsWith('strangler_');
    const on = isTable ? own + level : level === '*' ? '*.*' : `${quoted('mysql', level)}.*`;
    const again = isTable
      ? []
      : tables.map(({ name }) => `GRANT ${WRITES} ON ${own}${quoted('mysql', name)} TO ${account};`);
    report({
      level: 'warning',
      where: 'monolith',
      what: `${account} may write ${isTable ? level : `the strangler_ tables: ${WRITES} ON ${on}`}`,
      why: WHY,
      fix: [`REVOKE ${WRITES} ON ${on} FROM ${account};`, ...again].join(' '),
    });
  }
}

/** Not allowed to read a table. */
const REFUSED = 1142;

/** Accounts that may write everywhere, in databases whose names are like ours, or in a table of ours; not administrators. */
const MYSQL_WRITERS = `SELECT w.user, w.host, w.level FROM (
    SELECT User AS user, Host AS host, '*' AS level FROM mysql.user
      WHERE 'Y' IN (Insert_priv, Update_priv, Delete_priv)
    UNION ALL SELECT User, Host, Db FROM mysql.db WHERE ? LIKE Db AND 'Y' IN (Insert_priv, Update_priv, Delete_priv)
    UNION ALL SELECT User, Host, Table_name FROM mysql.tables_priv
      WHERE Db = ? AND Table_name LIKE 'strangler\\\\_%' AND Table_priv REGEXP 'Insert|Update|Delete') w
  JOIN mysql.user u ON u.User = w.user AND u.Host = w.host
  WHERE u.Create_user_priv <> 'Y' AND u.User NOT LIKE 'mysql.%' ORDER BY 1, 2, 3`;

/** The same of a service’s database. */
export async function checkPostgresRights(
  plan: Plan,
  capability: string,
  session: Session,
  report: ReportFinding,
): Promise<void> {
  const all = syncedCapabilities(plan).map((name) => plan.capabilities[name]!.service.database!);
  const ours = usersOf(...all); // one database may be that of several capabilities
  warnOfShared(capability, plan.capabilities[capability]!.service.database!.application, ours, report);
  const { rows } = await session.query<{ who: string | null; tables: string; rights: string }>(
    `SELECT r.rolname AS who, string_agg(DISTINCT quote_ident(n.nspname) || '.' || quote_ident(c.relname), ', ') AS tables,
       string_agg(DISTINCT x.privilege_type, ', ') AS rights
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL aclexplode(c.relacl) x
       LEFT JOIN pg_roles r ON r.oid = x.grantee
     WHERE n.nspname = 'public' AND c.relname LIKE 'strangler\\_%' AND x.grantee <> c.relowner
       AND x.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE') GROUP BY 1 ORDER BY 1`,
  );
  for (const { who, tables, rights } of rows) {
    if (who !== null && ours.has(who)) continue;
    const name = who === null ? 'PUBLIC' : quoted('postgres', who);
    report({
      ...{ level: 'warning', where: capability, what: `${name} may write ${tables}: ${rights}`, why: WHY },
      fix: `REVOKE ${rights} ON ${tables} FROM ${name};`,
    });
  }
}

type Addresses = Readonly<Record<'admin' | 'control' | 'applier' | 'capture', string>>;

const usersOf = (...all: readonly Addresses[]): Set<string> =>
  new Set(
    all.flatMap(({ admin, control, applier, capture }) =>
      [admin, control, applier, capture].map((address) => parseAddress(address).user),
    ),
  );

function warnOfShared(
  where: string,
  application: string | undefined,
  ours: ReadonlySet<string>,
  report: ReportFinding,
): void {
  if (application === undefined || !ours.has(application)) return;
  report({
    ...{ level: 'warning', where, what: `the application logs in as ${application}, who may write strangler_ tables` },
    why: WHY,
    fix: `give the application a user of its own without rights on strangler_ tables, and name it as application in the Plan`,
  });
}

const mysqlText = (value: string): string => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
