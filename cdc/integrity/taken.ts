import { quoted, type Session, type Value } from '@strangler/ledger';
import type { Side } from '@strangler/plan';
import { columnOf, type MappedColumn, type MappedTable, type Row } from '../mapping/mapping.ts';
import { isFindable, mysqlValue } from '../mapping/mysql-values.ts';
import type { UniqueKey } from '../mapping/unique-keys.ts';
import { keysOf } from './row-rule.ts';

/**
 * Why a row of the other side is not there: another one has its place under a unique key, by this side's own idea of equal.
 * Undefined if that is not so.
 */
export async function takenBy(
  session: Session,
  table: MappedTable,
  side: Side,
  keys: readonly UniqueKey[],
  row: Row,
): Promise<string | undefined> {
  for (const key of keys.filter((one) => one.side === side && !one.isComputed && !one.where)) {
    const columns = key.columns.map((name) => columnOf(table, name));
    if (columns.some(({ name, refers }) => row[name] === null || refers) || !columns.length) continue;
    if (session.dialect === 'mysql' && !isFindable(columns, row)) continue;
    const [other] = await keysOf(
      session,
      table,
      side,
      likeIn(session, table, side, columns),
      valuesOf(session, columns, row),
    );
    if (other) return `${other} has its place in ${key.name} (${key.columns.join(', ')})`;
  }
  return undefined;
}

function likeIn({ dialect }: Session, { tables }: MappedTable, side: Side, columns: readonly MappedColumn[]): string {
  const quote = (name: string) => quoted(dialect, name);
  const value = ({ kind, service }: MappedColumn) => {
    if (dialect === 'mysql') return '?';
    return kind.name === 'binary' ? `decode(?, 'hex')` : `?::text::${service.cast}`;
  };
  const same = columns.map((column) => `t.${quote(column[side].name)} = ${value(column)}`);
  return `${quote(tables[side])} t WHERE ${same.join(' AND ')}`;
}

const valuesOf = ({ dialect }: Session, columns: readonly MappedColumn[], row: Row): Value[] =>
  columns.map((column) => (dialect === 'mysql' ? mysqlValue(column, row[column.name]!) : row[column.name]!));
