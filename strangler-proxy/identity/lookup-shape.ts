import { type Dialect, quoted, type Value } from '@strangler/ledger';
import { canonicalUser } from '@strangler/plan';
import { UnfitError } from './enquiries.ts';
import type { Reader } from './reader.ts';

type ColumnKind = 'text' | 'integer' | 'uuid' | 'binary' | 'time' | 'json' | 'other';

/** A column of a table in which users are looked up. */
export type LookupColumn = {
  readonly name: string;
  readonly dialect: Dialect;
  readonly type: string;
  readonly kind: ColumnKind;
  /** No two rows have the same value. */
  readonly isUnique: boolean;
};

/** A table in which users are looked up, as it is in its database. */
export type LookupShape = {
  /** The table’s name as statements have it. */
  readonly quoted: string;
  /** Throws UnfitError. */
  column(name: string): LookupColumn;
  /** The columns of its primary key, in its order. Throws UnfitError. */
  key(): readonly LookupColumn[];
};

const KINDS: Readonly<Record<string, ColumnKind>> = {
  ...{ char: 'text', varchar: 'text', tinytext: 'text', text: 'text', mediumtext: 'text', longtext: 'text' },
  ...{ bpchar: 'text', citext: 'text', json: 'json', jsonb: 'json', uuid: 'uuid' },
  ...{ tinyint: 'integer', smallint: 'integer', mediumint: 'integer', int: 'integer', bigint: 'integer' },
  ...{ int2: 'integer', int4: 'integer', int8: 'integer', binary: 'binary', varbinary: 'binary', bytea: 'binary' },
  ...{ blob: 'binary', mediumblob: 'binary', longblob: 'binary', datetime: 'time', timestamp: 'time' },
  timestamptz: 'time',
};

const MAY_NOT = 'its lookup user may not read it (strangler init prints the GRANT)';

/** Each column, its type, and how many unique indexes it is the only column of; `place`: its place in the primary key, or null. */
const COLUMNS: Record<Dialect, string> = {
  mysql: `SELECT c.COLUMN_NAME AS name, c.DATA_TYPE AS type,
      (SELECT COUNT(*) FROM information_schema.STATISTICS s
        WHERE s.TABLE_SCHEMA = DATABASE() AND s.TABLE_NAME = c.TABLE_NAME AND s.COLUMN_NAME = c.COLUMN_NAME
          AND s.NON_UNIQUE = 0 AND s.SUB_PART IS NULL AND NOT EXISTS (
            SELECT 1 FROM information_schema.STATISTICS other
              WHERE other.TABLE_SCHEMA = DATABASE() AND other.TABLE_NAME = c.TABLE_NAME
                AND other.INDEX_NAME = s.INDEX_NAME AND other.SEQ_IN_INDEX > 1)) AS uniques,
      (SELECT s.SEQ_IN_INDEX FROM information_schema.STATISTICS s
        WHERE s.TABLE_SCHEMA = DATABASE() AND s.TABLE_NAME = c.TABLE_NAME AND s.COLUMN_NAME = c.COLUMN_NAME
          AND s.INDEX_NAME = 'PRIMARY') AS place
    FROM information_schema.COLUMNS c WHERE c.TABLE_SCHEMA = DATABASE() AND c.TABLE_NAME = ?`,
  postgres: `SELECT a.attname AS name, t.typname AS type,
      (SELECT COUNT(*) FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indisvalid
        AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum AND i.indpred IS NULL) AS uniques,
      (SELECT k.at FROM pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k(attnum, at)
        WHERE i.indrelid = a.attrelid AND i.indisprimary AND k.attnum = a.attnum) AS place
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = to_regclass(quote_ident(?)) AND a.attnum > 0 AND NOT a.attisdropped
      AND has_column_privilege(a.attrelid, a.attnum, 'SELECT')`,
};

type Found = { readonly name: string; readonly type: string; readonly uniques: number; readonly place: number | null };

/** Looks at what may be read of a table. Throws UnfitError if there is nothing, the driver’s error. */
export async function lookupShape(reader: Reader, table: string): Promise<LookupShape> {
  const { dialect } = reader;
  const rows = await reader.rows<Found>(COLUMNS[dialect], [table]);
  if (!rows.length) throw new UnfitError(`${reader.name} has no table ${table}, or ${MAY_NOT}`);
  const columns = new Map(
    rows.map(({ name, type, uniques }) => [
      name,
      { name, dialect, type, kind: KINDS[type] ?? 'other', isUnique: uniques > 0 } satisfies LookupColumn,
    ]),
  );
  const keys = rows.filter(({ place }) => place !== null).sort((a, b) => Number(a.place) - Number(b.place));
  return {
    quoted: quoted(dialect, table),
    column(name) {
      const column = columns.get(name);
      if (!column) throw new UnfitError(`${table} in ${reader.name} has no column ${name}, or ${MAY_NOT}`);
      return column;
    },
    key() {
      if (!keys.length) throw new UnfitError(`${table} in ${reader.name} has no primary key, so no row leads to it`);
      return keys.map(({ name }) => columns.get(name)!);
    },
  };
}

/** The bits of Postgres’s whole numbers; MySQL compares with numbers that no column holds, too. */
const BITS: Readonly<Record<string, number>> = { int2: 16, int4: 32, int8: 64 };
/** Digits of the largest whole number a column holds. */
const MOST_DIGITS = 20;

/** A text as it is compared with a column; `none`: no row can have it; undefined: it is none of the column’s kind. */
export function comparedWith(
  { kind, type }: LookupColumn,
  text: string,
): { readonly value: Value } | 'none' | undefined {
  if (kind === 'integer') {
    if (!/^-?\d+$/.test(text)) return undefined;
    const value = BigInt(text); // leading zeros say nothing
    if (value.toString().length > MOST_DIGITS) return 'none';
    const bits = BITS[type];
    return bits && BigInt.asIntN(bits, value) !== value ? 'none' : { value };
  }
  if (kind === 'uuid') {
    const uuid = canonicalUser('uuid', text);
    return uuid === undefined ? undefined : { value: uuid };
  }
  // What a database cannot even be told is no text of it.
  return text.length > 0 && !text.includes('\0') && text.isWellFormed() ? { value: text } : undefined;
}

/** Refuses a column that nothing can be looked for in. Throws UnfitError. */
export function mustCompare({ name, type, kind }: LookupColumn, where: string): void {
  if (!['text', 'integer', 'uuid'].includes(kind))
    throw new UnfitError(`${where}.${name} is ${type}: only texts, whole numbers and UUIDs are looked for`);
}

/** Refuses a column that can hold no user. Throws UnfitError. */
export function mustHoldUsers({ name, type, kind }: LookupColumn, where: string): void {
  if (!['text', 'integer', 'uuid', 'binary'].includes(kind))
    throw new UnfitError(`${where}.${name} is ${type}: users are texts, whole numbers or UUIDs`);
}

/** A user as a column holds them. */
export const textOf = (value: unknown): string => (Buffer.isBuffer(value) ? value.toString('hex') : String(value));
