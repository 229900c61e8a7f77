import { quoted, type Session } from '@strangler/ledger';

const TIME = {
  mysql: (column: string) => `DATE_FORMAT(${column}, '%Y-%m-%d %H:%i:%s.%f')`,
  postgres: (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')`,
};
const FLAG = { mysql: (column: string) => column, postgres: (column: string) => `${column}::int` };

/**
 * Every row of a table as one line of text by primary key, the same from either database. A column behind @ is a time,
 * compared to the microsecond, one behind ? is true or false.
 */
export async function rowLines(
  session: Session,
  table: string,
  columns: readonly string[],
  key: readonly string[] = ['id'],
): Promise<Map<string, string>> {
  const { dialect } = session;
  const textOf = (column: string): string => {
    const name = quoted(dialect, column.replace(/^[@?]/, ''));
    const value = column.startsWith('@') ? TIME[dialect](name) : column.startsWith('?') ? FLAG[dialect](name) : name;
    return `CAST(${value} AS ${dialect === 'mysql' ? 'CHAR' : 'TEXT'})`;
  };
  const line = columns.map((column) => `COALESCE(${textOf(column)}, '∅')`);
  const { rows } = await session.query<{ id: string; line: string }>(
    `SELECT CONCAT_WS('-', ${key.map(textOf).join(', ')}) AS id, CONCAT_WS('|', ${line.join(', ')}) AS line
     FROM ${quoted(dialect, table)}`,
  );
  return new Map(rows.map(({ id, line }) => [id, line]));
}

/** The keys of rows that are not the same on both sides, those that only one has among them. */
export function differing(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): string[] {
  const different = [...a].filter(([id, line]) => b.get(id) !== line).map(([id]) => id);
  return [...different, ...[...b.keys()].filter((id) => !a.has(id))];
}
