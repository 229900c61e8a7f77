import { quoted, type Session, type Value } from '@strangler/ledger';
import type { Side } from '@strangler/plan';
import { columnOf, type MappedTable } from '../mapping/mapping.ts';

/** How a row breaks what must hold among the rows of one side. */
export type ViolationKind = 'orphan' | 'double';

/** One row that breaks a rule: of a table, on a side. `key` is its primary key, by the monolith's names, as JSON. */
export type Violation = {
  readonly kind: ViolationKind;
  readonly table: string;
  readonly side: Side;
  /** What it breaks, for people. */
  readonly what: string;
  readonly key: string;
};

/** Something that must hold among the rows of one side; `find` gives the keys of up to `MOST` rows for which it does not. */
export type RowRule = Omit<Violation, 'key'> & { readonly find: (session: Session) => Promise<string[]> };

/** So many rows of a rule are counted; more are told as so many. */
export const MOST = 10_000;

/** A side's name of a column. */
export const nameOn = (table: MappedTable, side: Side, name: string): string => columnOf(table, name)[side].name;

/** Runs a query for rows of a table, which it calls `t`, and gives their primary keys. */
export async function keysOf(
  session: Session,
  table: MappedTable,
  side: Side,
  from: string,
  values: readonly Value[] = [],
): Promise<string[]> {
  const quote = (name: string) => quoted(session.dialect, name);
  const texts = table.key.map((name) => {
    const column = columnOf(table, name);
    return `${asText(session, column.kind.name, `t.${quote(column[side].name)}`)} AS ${quote(name)}`;
  });
  const { rows } = await session.query(
    `SELECT DISTINCT ${texts.join(', ')} FROM ${from} ORDER BY 1 LIMIT ${MOST}`,
    values,
  );
  return rows.map((row) => JSON.stringify(Object.fromEntries(table.key.map((name) => [name, row[name]]))));
}

function asText({ dialect }: Session, kind: string, name: string): string {
  if (kind === 'binary') return dialect === 'mysql' ? `LOWER(HEX(${name}))` : `encode(${name}, 'hex')`;
  return dialect === 'mysql' ? `CAST(${name} AS CHAR)` : `${name}::text`;
}
