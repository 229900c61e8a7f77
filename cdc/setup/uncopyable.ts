import { quoted, readBackfill, type Session } from '@strangler/ledger';
import type { MappedColumn, MappedTable, Mapping } from '../mapping/mapping.ts';

type Suspect = {
  readonly types: readonly string[];
  readonly condition: (column: string) => string;
  readonly what: string;
};

/** Values that the connector's copy of existing rows changes, and no setting of it keeps. */
const SUSPECTS: readonly Suspect[] = [
  { types: ['year'], condition: (column) => `${column} = 0`, what: 'the year 0000, which the copy would make 2000' },
  {
    types: ['date', 'datetime', 'timestamp'],
    condition: (column) => `${column} < '0001-01-01'`,
    what: 'a date before 0001-01-01, which the copy would make NULL or another one',
  },
];

/**
 * Looks at the monolith's rows that are still to be copied for values which would arrive as others: a reason per column.
 * Reads each table that has such columns once, whole.
 */
export async function findUncopyable(session: Session, capability: string, mapping: Mapping): Promise<string[]> {
  const done = await readBackfill(session, capability);
  const reasons: string[] = [];
  for (const table of mapping.values()) {
    if (done.some((status) => status.table === table.name && status.finished)) continue;
    reasons.push(...(await findIn(session, table)), ...(await findLeadingNowhere(session, table)));
  }
  return reasons;
}

async function findIn(session: Session, table: MappedTable): Promise<string[]> {
  const quote = (name: string) => quoted('mysql', name);
  const suspects = table.columns.flatMap((column) =>
    SUSPECTS.filter(({ types }) => types.includes(column.monolith.type)).map((suspect) => ({ column, suspect })),
  );
  if (!suspects.length) return [];
  const sums = suspects.map(
    ({ column, suspect }, at) => `SUM(${suspect.condition(quote(column.monolith.name))}) AS n${at}`,
  );
  const { rows } = await session.query(`SELECT ${sums.join(', ')} FROM ${quote(table.tables.monolith)}`);
  return suspects.flatMap(({ column, suspect }, at) => {
    const n = Number(rows[0]?.[`n${at}`] ?? 0);
    return n ? [sayReason(table, column, suspect, n)] : [];
  });
}

/** Ids of rows shared by key that are not there: nobody can say what they stand for on the other side. */
async function findLeadingNowhere(session: Session, { name, columns }: MappedTable): Promise<string[]> {
  const quote = (one: string) => quoted('mysql', one);
  const reasons: string[] = [];
  for (const { monolith, refers } of columns) {
    if (!refers) continue;
    const [table, column, parent] = [name, monolith.name, refers.name].map(quote);
    const id = quote(refers.ownId!.column.monolith.name);
    const gone = `${column} IS NOT NULL AND ${column} NOT IN (SELECT ${id} FROM ${parent})`;
    const { rows } = await session.query<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table} WHERE ${gone}`);
    const n = Number(rows[0]?.n ?? 0);
    const fix = monolith.nullable
      ? `UPDATE ${table} SET ${column} = NULL WHERE ${gone};`
      : `DELETE FROM ${table} WHERE ${gone};`;
    if (n) reasons.push(`${name}: ${monolith.name} of ${n} rows refers to ${refers.name} that are not there: ${fix}`);
  }
  return reasons;
}

const sayReason = (
  table: MappedTable,
  { name, monolith, service }: MappedColumn,
  { what }: Suspect,
  n: number,
): string =>
  `${table.name}: column ${name} is ${monolith.type} in the monolith and ${service.type} in the service: ${n} rows hold ` +
  `${what}; change them in the monolith (UPDATE), or take the table out of the Plan`;
