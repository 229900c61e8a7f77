import type { Session } from '@strangler/ledger';
import type { Side } from '@strangler/plan';
import { MYSQL_EXACT } from '../mapping/columns.ts';
import type { MappedTable } from '../mapping/mapping.ts';
import type { ReportFinding } from './finding.ts';

type UniqueKey = { readonly name: string; readonly columns: string[] };

/** Looks at a capability's mapped tables: keys that span users, and ids that both sides could mint. */
export async function checkTables(
  capability: string,
  tables: readonly MappedTable[],
  monolith: Session,
  service: Session,
  report: ReportFinding,
): Promise<void> {
  for (const table of tables) {
    const keys = await mysqlKeys(monolith, table.tables.monolith);
    checkUniqueKeys(capability, table, 'monolith', keys, report);
    checkTexts(capability, table, [table.key, ...keys.map(({ columns }) => columns)], report);
    checkUniqueKeys(capability, table, 'service', await postgresKeys(service, table.tables.service), report);
    await checkIds(capability, table, monolith, service, report);
  }
}

async function mysqlKeys(session: Session, table: string): Promise<UniqueKey[]> {
  const { rows } = await session.query<{ name: string; col: string }>(
    `SELECT INDEX_NAME AS name, COLUMN_NAME AS col FROM information_schema.STATISTICS
     WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND NON_UNIQUE = 0 AND INDEX_NAME <> 'PRIMARY'
     ORDER BY INDEX_NAME, SEQ_IN_INDEX`,
    [table],
  );
  return gather(rows);
}

async function postgresKeys(session: Session, table: string): Promise<UniqueKey[]> {
  const { rows } = await session.query<{ name: string; col: string }>(
    `SELECT i.indexrelid::regclass::text AS name, a.attname AS col FROM pg_index i
     JOIN unnest(i.indkey) WITH ORDINALITY AS k(attnum, at) ON true
     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
     WHERE i.indrelid = to_regclass(quote_ident(?)) AND i.indisunique AND NOT i.indisprimary ORDER BY 1, k.at`,
    [table],
  );
  return gather(rows);
}

function gather(rows: readonly { name: string; col: string }[]): UniqueKey[] {
  const keys = new Map<string, string[]>();
  for (const { name, col } of rows) keys.set(name, [...(keys.get(name) ?? []), col]);
  return [...keys].map(([name, columns]) => ({ name, columns }));
}

function checkUniqueKeys(
  capability: string,
  table: MappedTable,
  side: Side,
  keys: readonly UniqueKey[],
  report: ReportFinding,
): void {
  const named = (column: string) => table.columns.find((one) => one.name === column)![side].name;
  const owner = named('column' in table.user ? table.user.column : table.user.through);
  const same = table.sameWhen.map(named);
  for (const { name, columns } of keys) {
    if (columns.includes(owner) || same.every((column) => same.length > 0 && columns.includes(column))) continue;
    report({
      level: 'error',
      where: `${capability}.${table.tables[side]}`,
      what: `unique key ${name} (${columns.join(', ')}) spans users`,
      why: 'each side would accept the same value for different users',
      fix: `make ${owner} part of the key, or name its columns under sameWhen in the Plan`,
    });
  }
  const indexed = keys.some(
    ({ columns }) => columns.length === same.length && same.every((one) => columns.includes(one)),
  );
  if (!same.length || indexed) return;
  report({
    level: 'warning',
    where: `${capability}.${table.tables[side]}`,
    what: `sameWhen (${same.join(', ')}) has no unique key`,
    why: 'every row is looked up by these columns',
    fix: `CREATE UNIQUE INDEX ${table.tables[side]}_same ON ${table.tables[side]} (${same.join(', ')});`,
  });
}

/** Two texts that the service tells apart may be one to a key of the monolith, which then has room for one of two rows. */
function checkTexts(
  capability: string,
  table: MappedTable,
  keys: readonly (readonly string[])[],
  report: ReportFinding,
): void {
  const inKeys = new Set(keys.flat());
  for (const { name, kind, monolith } of table.columns) {
    if (kind.name !== 'text' || !monolith.loose || !inKeys.has(name)) continue;
    report({
      level: 'warning',
      where: `${capability}.${table.tables.monolith}`,
      what: `${name} is part of a unique key, and its collation takes texts for equal that differ`,
      why: 'case, accents or spaces at the end do not count here: the service takes two rows that are one to this key; the second stays in quarantine, with what follows for its user',
      fix: `give ${name} COLLATE ${MYSQL_EXACT}: ALTER TABLE ${table.tables.monolith} MODIFY …`,
    });
  }
}

/** Integer ids must be odd in the monolith and even in the service, above every even id there is. */
async function checkIds(
  capability: string,
  table: MappedTable,
  monolith: Session,
  service: Session,
  report: ReportFinding,
): Promise<void> {
  const [column, ...more] = table.key.map((key) => table.columns.find((one) => one.name === key)!);
  if (more.length || column!.kind.name !== 'integer') return;
  const { rows } = await service.query<{ name: string; step: number; next: number }>(
    `SELECT s.schemaname || '.' || s.sequencename AS name, s.increment_by AS step,
       COALESCE(s.last_value + s.increment_by, s.start_value) AS next
     FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     JOIN pg_sequences s ON to_regclass(quote_ident(s.schemaname) || '.' || quote_ident(s.sequencename)) IN (
       pg_get_serial_sequence(quote_ident(?), a.attname)::regclass,
       to_regclass(substring(pg_get_expr(d.adbin, d.adrelid) FROM 'nextval\\(''([^'']+)''')))
     WHERE a.attrelid = to_regclass(quote_ident(?)) AND a.attname = ?`,
    [table.tables.service, table.tables.service, column!.service.name],
  );
  const sequence = rows[0];
  if (!sequence) return;
  const { rows: highest } = await monolith.query<{ id: number | string | null }>(
    `SELECT MAX(\`${column!.monolith.name}\`) AS id FROM \`${table.tables.monolith}\` WHERE \`${column!.monolith.name}\` % 2 = 0`,
  );
  const above = Number(highest[0]?.id ?? 0);
  const even = Number(sequence.step) === 2 && Number(sequence.next) % 2 === 0;
  if (even && Number(sequence.next) > above) return;
  const start = Math.max(above, Number(sequence.next)) + 2;
  report({
    level: 'error',
    where: `${capability}.${table.tables.service}`,
    what: `sequence ${sequence.name} gives ${sequence.next} next, in steps of ${sequence.step}`,
    why: `the service must mint even ids above ${above}, or both sides mint the same`,
    fix: `ALTER SEQUENCE ${sequence.name} INCREMENT BY 2 RESTART WITH ${start - (start % 2)};`,
  });
}
