import { openSession, type Session } from '@strangler/ledger';
import type { Plan } from '@strangler/plan';
import { grantsOf, type UserGrants } from '../setup/grants.ts';
import type { ReportFinding } from './finding.ts';

/** Looks whether each user of the Plan's addresses has what its work needs, as that user. */
export async function checkPrivileges(plan: Plan, report: ReportFinding): Promise<void> {
  for (const user of grantsOf(plan)) {
    if (user.role === 'application') continue; // we have no password of theirs to log in with
    const addresses =
      user.where === 'monolith' ? plan.monolith.database! : plan.capabilities[user.where]!.service.database!;
    const lacking = await lackingOf(addresses[user.role]!, user);
    if (!lacking.length) continue;
    report({
      level: 'error',
      where: user.where,
      what: `${user.role} user ${user.user}: ${lacking.join('; ')}`,
      why: `the ${user.role} cannot work`,
      fix: `${user.grants.join('; ')}; -- or strangler init --apply; a user that is missing: strangler init --apply --create-users`,
    });
  }
}

async function lackingOf(url: string, user: UserGrants): Promise<string[]> {
  let session: Session;
  try {
    session = await openSession(url, 'reader');
  } catch (error) {
    return [`cannot log in: ${(error as Error).message}`];
  }
  try {
    return session.dialect === 'mysql' ? await lackingInMysql(session, user) : await lackingInPostgres(session, user);
  } finally {
    await session.close();
  }
}

const GRANT = /^GRANT (?<rights>.+) ON (?<on>.+) TO /;

async function lackingInMysql(session: Session, { grants }: UserGrants): Promise<string[]> {
  const { rows } = await session.query<{ what: string }>(
    'SELECT PRIVILEGE_TYPE AS what FROM information_schema.USER_PRIVILEGES',
  );
  const everywhere = new Set(rows.map((row) => row.what));
  const lacking: string[] = [];
  for (const grant of grants) {
    const { rights, on } = GRANT.exec(grant)!.groups as { rights: string; on: string };
    const wanted = rights.split(', ');
    if (on === '*.*') lacking.push(...wanted.filter((right) => !everywhere.has(right)).map((right) => `no ${right}`));
    else lacking.push(...(await refused(session, on, wanted)));
  }
  return lacking;
}

/** EXPLAIN needs the privileges of what it explains, and does nothing. */
async function refused(session: Session, table: string, rights: readonly string[]): Promise<string[]> {
  const probes: Record<string, string> = {
    SELECT: `EXPLAIN SELECT 1 FROM ${table}`,
    INSERT: `EXPLAIN INSERT INTO ${table} VALUES ()`,
    DELETE: `EXPLAIN DELETE FROM ${table} WHERE 1 = 0`,
  };
  const lacking: string[] = [];
  for (const right of rights) {
    const probe = probes[right];
    if (!probe) continue;
    await session.query(probe).catch((error: { errno?: number }) => {
      if (error.errno === 1142 || error.errno === 1143) lacking.push(`no ${right} on ${table}`);
      if (error.errno === 1146) lacking.push(`${table} is missing`);
    });
  }
  return lacking;
}

async function lackingInPostgres(session: Session, { grants, role }: UserGrants): Promise<string[]> {
  const lacking: string[] = [];
  const ask = async (sql: string, values: readonly string[]): Promise<boolean> =>
    Object.values((await session.query<Record<string, boolean>>(sql, values)).rows[0] ?? {})[0] === true;
  for (const grant of grants) {
    const { rights, on } = (GRANT.exec(grant)?.groups ?? {}) as { rights?: string; on?: string };
    for (const table of on?.startsWith('public.') ? on.split(', ') : []) {
      for (const right of rights!.split(', ')) {
        const may = 'SELECT COALESCE(has_table_privilege(to_regclass(?), ?), false)';
        if (!(await ask(may, [table, right]))) lacking.push(`no ${right} on ${table}`);
      }
    }
  }
  if (role === 'capture') {
    const sql = 'SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user';
    if (!(await ask(sql, []))) lacking.push('no REPLICATION');
  }
  if (role === 'capture' || role === 'lookup') return lacking;
  const may = "SELECT has_function_privilege('pg_replication_origin_session_setup(text)', 'EXECUTE')";
  if (!(await ask(may, []))) lacking.push('no EXECUTE on pg_replication_origin_session_setup');
  const set = "SELECT has_parameter_privilege('session_replication_role', 'SET')";
  if (role === 'applier' && !(await ask(set, []))) lacking.push('no SET on session_replication_role');
  return lacking;
}
