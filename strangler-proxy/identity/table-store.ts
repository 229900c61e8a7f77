import { type Dialect, quoted } from '@strangler/ledger';
import type { SessionSettings } from '@strangler/plan';
import { UnfitError } from './enquiries.ts';
import { comparedWith, type LookupColumn, lookupShape, mustCompare } from './lookup-shape.ts';
import { once } from './once.ts';
import type { Places } from './places.ts';
import type { Reader } from './reader.ts';
import { LONGEST_DATA, type SessionStore } from './session.ts';

type TableSettings = Extract<SessionSettings['store'], { table: string }>;

/** Sessions in a table of a database. */
export function tableStore(settings: TableSettings, reader: Reader, places: Places): SessionStore {
  const statement = once(() => statementOf(settings, reader));
  places.checkedBy(statement);
  return { name: reader.name, find: async (id) => (await statement())(id) };
}

/** Throws UnfitError, the driver’s error. */
async function statementOf({ table, ...columns }: TableSettings, reader: Reader): Promise<SessionStore['find']> {
  const shape = await lookupShape(reader, table);
  const id = shape.column(columns.id);
  mustCompare(id, table);
  if (!id.isUnique)
    throw new UnfitError(`${table}.${id.name} in ${reader.name} is not unique: it is no id of sessions`);
  const name = (column: string) => quoted(reader.dialect, column);
  const data = DATA[reader.dialect](name(shape.column(columns.data).name));
  const sql =
    `SELECT LEFT(${data}, ${LONGEST_DATA + 1}) AS data FROM ${shape.quoted} ` +
    `WHERE ${name(id.name)} = ? AND ${notEnded(shape.column(columns.expires), table)}`;
  return async (given) => {
    const compared = comparedWith(id, given);
    if (!compared || compared === 'none') return undefined;
    const [row] = await reader.rows<{ data: string | null }>(sql, [compared.value]);
    return row ? (row.data ?? 'null') : undefined;
  };
}

/** JSON, texts and bytes alike, as text. */
const DATA: Record<Dialect, (column: string) => string> = {
  mysql: (column) => `CONVERT(${column} USING utf8mb4)`,
  postgres: (column) => `${column}::text`,
};

const NOW: Record<Dialect, Record<'time' | 'integer', string>> = {
  mysql: { time: 'UTC_TIMESTAMP(6)', integer: 'UNIX_TIMESTAMP()' },
  postgres: { time: 'now()', integer: 'extract(epoch FROM now())' },
};
/** Seconds since 1970 stay below this for three thousand years; milliseconds have been above it since 1973. */
const MILLISECONDS_FROM = 100_000_000_000;

function notEnded({ name, dialect, kind, type }: LookupColumn, table: string): string {
  const column = quoted(dialect, name);
  if (kind === 'time') return `(${column} IS NULL OR ${column} > ${NOW[dialect].time})`;
  if (kind !== 'integer')
    throw new UnfitError(`${table}.${name} is ${type}: when a session ends is a time or a whole number`);
  const scale = `CASE WHEN ${column} >= ${MILLISECONDS_FROM} THEN 1000 ELSE 1 END`;
  return `(${column} IS NULL OR ${column} > ${NOW[dialect].integer} * ${scale})`;
}
