import { type Dialect, quoted } from '@strangler/ledger';
import type { SessionSettings } from '@strangler/plan';
import { claimIn } from './claim.ts';
import { Enquiries, UnfitError } from './enquiries.ts';
import { comparedWith, type LookupColumn, lookupShape, mustCompare } from './lookup-shape.ts';
import { once } from './once.ts';
import type { Places } from './places.ts';
import type { Reader } from './reader.ts';
import { signedCookieSays } from './signed.ts';
import type { IdentitySource, SourceAnswer } from './source.ts';

/** Longest data of a session we look into, in characters. */
const LONGEST_DATA = 65_536;

/** The user of a session that express-session keeps in a table; a session that is none any more is nobody’s. */
export function sessionSource(
  { cookie, secret, claim, store }: SessionSettings,
  reader: Reader,
  places: Places,
): IdentitySource {
  const [secrets, names] = [[secret].flat(), [claim].flat()];
  const enquiries = new Enquiries(reader.name);
  const data = once(() => statementOf(store, reader));
  places.checkedBy(data);
  const find = async (id: string): Promise<SourceAnswer> => {
    const json = await (await data())(id);
    if (json === undefined) return undefined;
    if (json.length > LONGEST_DATA) return { unreadable: 'the data of its session are too long' };
    const found = claimIn(json, names);
    if ('text' in found) return { user: found.text };
    if (found.lacks === 'claim') return undefined;
    const what = found.lacks === 'JSON' ? 'no JSON' : `without a text or whole number as ${names.join('.')}`;
    return { unreadable: `the data of its session are ${what}` };
  };
  return ({ headers, isWrite }) => {
    const said = signedCookieSays(headers, cookie, secrets);
    if (!said || !('user' in said)) return said;
    const { user: id } = said;
    return enquiries.ask([id], isWrite, () => find(id));
  };
}

/** The data of a session that has not ended; undefined: there is none. */
type FindData = (id: string) => Promise<string | undefined>;

/** Throws UnfitError, the driver’s error. */
async function statementOf({ table, ...columns }: SessionSettings['store'], reader: Reader): Promise<FindData> {
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
