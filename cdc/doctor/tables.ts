import { quoted, type Session } from '@strangler/ledger';
import { excessOf } from '../mapping/capacity.ts';
import { columnOf, type MappedColumn, type MappedTable } from '../mapping/mapping.ts';
import { modifyColumn } from '../mapping/modify.ts';
import { readUniqueKeys } from '../mapping/unique-keys.ts';
import { shortfallsOf } from '../setup/unsafe.ts';
import type { ReportFinding } from './finding.ts';
import { checkUniqueKeys } from './unique-keys.ts';

/** Looks at a capability's mapped tables: what their columns hold, keys that span users, and ids that both sides could mint. */
export async function checkTables(
  capability: string,
  tables: readonly MappedTable[],
  monolith: Session,
  service: Session,
  report: ReportFinding,
): Promise<void> {
  for (const table of tables) {
    checkColumns(capability, table, report);
    const keys = [
      ...(await readUniqueKeys(monolith, table, 'monolith')),
      ...(await readUniqueKeys(service, table, 'service')),
    ];
    checkUniqueKeys(capability, table, keys, report);
    await checkIds(capability, table, monolith, service, report);
  }
}

function checkColumns(capability: string, table: MappedTable, report: ReportFinding): void {
  for (const shortfall of shortfallsOf(table)) {
    report({
      ...{ level: 'error', where: `${capability}.${table.tables.service}`, ...shortfall },
      why: 'rows of the monolith could not be copied',
    });
  }
  const excessive = table.columns.flatMap((column) => {
    const excess = excessOf(column);
    return excess ? [{ name: column.service.name, ...excess }] : [];
  });
  if (excessive.length) {
    report({
      level: 'warning',
      where: `${capability}.${table.tables.service}`,
      what: `the service takes what the monolith has no room for: ${excessive.map(({ name, what }) => `${name} ${what}`).join('; ')}`,
      why: 'such a row stays in quarantine, with what follows for its user',
      fix: `ALTER TABLE ${quoted('postgres', table.tables.service)} ${excessive.map(({ clause }) => clause).join(', ')};`,
    });
  }
  for (const column of table.columns.filter(isNarrow)) checkCharset(capability, table, column, report);
}

/** Character sets of MySQL that hold every character. */
const WHOLE = new Set(['utf8mb4', 'utf16', 'utf16le', 'utf32', 'gb18030']);

const isNarrow = ({ kind, monolith }: MappedColumn): boolean =>
  kind.name === 'text' && monolith.type !== 'enum' && monolith.charset !== undefined && !WHOLE.has(monolith.charset);

function checkCharset(capability: string, table: MappedTable, { monolith }: MappedColumn, report: ReportFinding): void {
  report({
    level: 'warning',
    where: `${capability}.${table.tables.monolith}`,
    what: `${monolith.name} has the character set ${monolith.charset}, which lacks characters that the service takes`,
    why: 'such a row stays in quarantine, with what follows for its user',
    fix: modifyColumn(table.tables.monolith, monolith, { charset: 'utf8mb4' }),
  });
}

/** Integer ids must be odd in the monolith and even in the service, above every even id there is. */
async function checkIds(
  capability: string,
  table: MappedTable,
  monolith: Session,
  service: Session,
  report: ReportFinding,
): Promise<void> {
  if (table.ownId) return; // each side has ids of its own
  const [column, ...more] = table.key.map((key) => columnOf(table, key));
  if (more.length || column!.kind.name !== 'integer') return;
  const sequence = await sequenceOf(service, table.tables.service, column!.service.name);
  if (!sequence) return;
  const id = quoted('mysql', column!.monolith.name);
  const { rows: highest } = await monolith.query<{ id: number | string | null }>(
    `SELECT MAX(${id}) AS id FROM ${quoted('mysql', table.tables.monolith)} WHERE ${id} % 2 = 0`,
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

/** The sequence that fills a column of a service, its steps, and what it gives next; undefined if there is none. */
export async function sequenceOf(service: Session, table: string, column: string) {
  const { rows } = await service.query<{ name: string; step: number }>(
    `SELECT format('%I.%I', s.schemaname, s.sequencename) AS name, s.increment_by AS step
     FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     JOIN pg_sequences s ON to_regclass(quote_ident(s.schemaname) || '.' || quote_ident(s.sequencename)) IN (
       pg_get_serial_sequence(quote_ident(?), a.attname)::regclass,
       to_regclass(substring(pg_get_expr(d.adbin, d.adrelid) FROM 'nextval\\(''([^'']+)''')))
     WHERE a.attrelid = to_regclass(quote_ident(?)) AND a.attname = ?`,
    [table, table, column],
  );
  const found = rows[0];
  if (!found) return undefined;
  // As the sequence itself has it: pg_sequences shows no value after ALTER SEQUENCE … RESTART.
  const { rows: values } = await service.query<{ next: number }>(
    `SELECT CASE WHEN is_called THEN last_value + ${Number(found.step)} ELSE last_value END AS next FROM ${found.name}`,
  );
  return { ...found, next: values[0]!.next };
}
