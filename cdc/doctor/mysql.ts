import type { Session } from '@strangler/ledger';
import type { Finding, ReportFinding } from './finding.ts';

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
  const { rows: modes } = await session.query<{ mode: string }>('SELECT @@GLOBAL.sql_mode AS mode');
  const finding = strictnessOf(modes[0]!.mode);
  if (finding) report(finding);
}

/** What is wrong with the server’s sql_mode; our own sessions set theirs. */
export function strictnessOf(mode: string): Finding | undefined {
  if (/STRICT_(TRANS|ALL)_TABLES/.test(mode)) return undefined;
  return {
    level: 'warning',
    where: 'monolith',
    what: `sql_mode is ${mode || "''"}, without STRICT_TRANS_TABLES`,
    why: 'the monolith cuts what does not fit where the service refuses it: a user who moves is answered otherwise',
    fix: `SET PERSIST sql_mode = '${[mode, 'STRICT_TRANS_TABLES'].filter(Boolean).join(',')}';`,
  };
}
