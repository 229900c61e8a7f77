import type { Session } from '@strangler/ledger';
import type { ReportFinding } from './finding.ts';

type Demand = {
  readonly name: string;
  readonly is: (value: string) => boolean;
  readonly want: string;
  readonly why: string;
};

const equals = (want: string) => (value: string) => value.toUpperCase() === want;

const MUST: readonly Demand[] = [
  {
    name: 'log_bin',
    is: (v) => v === '1' || v === 'ON',
    want: 'ON',
    why: 'without a binary log there is nothing to read',
  },
  { name: 'binlog_format', is: equals('ROW'), want: 'ROW', why: 'only rows can be applied elsewhere' },
  { name: 'binlog_row_image', is: equals('FULL'), want: 'FULL', why: 'a late write is judged by its whole former row' },
  { name: 'binlog_row_value_options', is: equals(''), want: "''", why: 'a part of a JSON document cannot be applied' },
  { name: 'gtid_mode', is: equals('ON'), want: 'ON', why: 'our transactions are told apart by their tagged GTID' },
  { name: 'enforce_gtid_consistency', is: equals('ON'), want: 'ON', why: 'gtid_mode needs it' },
  { name: 'auto_increment_increment', is: equals('2'), want: '2', why: 'both sides would mint the same ids' },
  { name: 'auto_increment_offset', is: equals('1'), want: '1', why: 'the monolith mints odd ids, services even ones' },
];

const SHOULD: readonly Demand[] = [
  {
    name: 'sync_binlog',
    is: equals('1'),
    want: '1',
    why: 'an acknowledged write can be missing after a power failure',
  },
  { name: 'innodb_flush_log_at_trx_commit', is: equals('1'), want: '1', why: 'the same' },
  {
    name: 'binlog_expire_logs_seconds',
    is: (value) => value === '0' || Number(value) >= 259_200,
    want: '604800',
    why: 'after a longer outage of the sync its place in the log would be gone',
  },
];

/** Looks at the monolith's MySQL server. */
export async function checkMysqlServer(session: Session, report: ReportFinding): Promise<void> {
  for (const [level, demands] of [
    ['error', MUST],
    ['warning', SHOULD],
  ] as const) {
    for (const { name, is, want, why } of demands) {
      const { rows } = await session.query<{ value: string | number }>(`SELECT @@GLOBAL.${name} AS value`);
      const value = String(rows[0]!.value);
      if (is(value)) continue;
      report({
        level,
        where: 'monolith',
        what: `${name} is ${value || "''"}, not ${want}`,
        why,
        fix: `SET PERSIST ${name} = ${want};`,
      });
    }
  }
  const { rows } = await session.query<{ version: string }>('SELECT VERSION() AS version');
  const [major = 0, minor = 0] = rows[0]!.version.split('.').map(Number);
  if (major < 8 || (major === 8 && minor < 3)) {
    report({
      level: 'error',
      where: 'monolith',
      what: `MySQL ${rows[0]!.version} cannot tag GTIDs`,
      why: 'our transactions could not be told from an application’s',
      fix: 'upgrade to MySQL 8.4',
    });
  }
  if (major < 9) await checkCascades(session, report);
}

/** Before 9.6 the children of ON DELETE CASCADE are not in the binary log. */
async function checkCascades(session: Session, report: ReportFinding): Promise<void> {
  const { rows } = await session.query<{ name: string; child: string; rule: string }>(
    `SELECT CONSTRAINT_NAME AS name, TABLE_NAME AS child, DELETE_RULE AS rule
     FROM information_schema.REFERENTIAL_CONSTRAINTS
     WHERE CONSTRAINT_SCHEMA = DATABASE() AND DELETE_RULE IN ('CASCADE', 'SET NULL')`,
  );
  for (const { name, child, rule } of rows) {
    report({
      level: 'error',
      where: 'monolith',
      what: `${child} has foreign key ${name} ON DELETE ${rule}`,
      why: 'this version of MySQL does not write what it does to the log, so the service keeps the rows',
      fix: `ALTER TABLE ${child} DROP FOREIGN KEY ${name}; add it again ON DELETE RESTRICT, and delete children first`,
    });
  }
}
