import { quoted, type Session } from '@strangler/ledger';

/** One column as a database describes it. */
export type Column = {
  readonly name: string;
  /** The bare type: `bigint unsigned`, `varchar`, `timestamptz`, … */
  readonly type: string;
  /** Postgres only: the type to cast to, quoted. */
  readonly cast: string;
  /** Digits of a second of a time type. */
  readonly digits: number;
  readonly nullable: boolean;
  /** As the database writes the type: `varchar(20)`, `numeric(10,2)`. */
  readonly declared?: string;
  /** MySQL only: everything behind the name, as SHOW CREATE TABLE has it. */
  readonly definition?: string;
  /** Characters a text type takes at most. */
  readonly length?: number;
  /** Bytes a text or binary type takes at most; in Postgres by a CHECK of octet_length. */
  readonly bytes?: number;
  /** True if it takes exactly so many bytes: MySQL fills up a shorter value. */
  readonly fixed?: boolean;
  /** Digits of a decimal type, and how many of them stand behind its point. */
  readonly precision?: number;
  readonly scale?: number;
  /** MySQL only: the character set of a text type. */
  readonly charset?: string;
  /** MySQL only: texts of two collations are not comparable. */
  readonly collation?: string;
  /** True if the database takes texts for equal that differ: in case, accents, or spaces at the end. */
  readonly loose?: boolean;
};

/** A column's type for people: as it was declared, its precision said where a database leaves the default out. */
export const typeOf = ({ declared, type, digits }: Column): string =>
  declared && TIMES.has(type) && !declared.includes('(')
    ? declared.replace(/^\w+/, `$&(${digits})`)
    : (declared ?? type);

const TIMES = new Set(['datetime', 'timestamp', 'timestamptz']);

/** A table as a database describes it. */
export type TableShape = {
  readonly table: string;
  readonly columns: readonly Column[];
  /** Columns that the database computes: never written, and not mapped. */
  readonly generated: readonly string[];
  readonly primaryKey: readonly string[];
  /** The conditions of its CHECK constraints, as the database prints them. */
  readonly checks?: readonly string[];
};

/** Describes a table of the session's own database; undefined if it is not there or may not be seen. */
export async function readShape(session: Session, table: string): Promise<TableShape | undefined> {
  const all = session.dialect === 'mysql' ? await mysqlColumns(session, table) : await postgresColumns(session, table);
  if (!all.length) return undefined;
  const columns = all.filter(({ computed }) => !computed).map(({ computed: _, ...column }) => column);
  const generated = all.filter(({ computed }) => computed).map(({ name }) => name);
  const keys = { primaryKey: await primaryKey(session, table), checks: await checks(session, table) };
  return { table, columns, generated, ...keys };
}

type Described = Column & { readonly computed: boolean };

type Facts = Record<string, string | number | null>;

async function mysqlColumns(session: Session, table: string): Promise<Described[]> {
  const { rows } = await session.query<Facts>(
    `SELECT COLUMN_NAME AS name, DATA_TYPE AS type, COLUMN_TYPE AS full, DATETIME_PRECISION AS digits,
       IS_NULLABLE AS nullable, COLLATION_NAME AS collation, CHARACTER_SET_NAME AS charset,
       CHARACTER_MAXIMUM_LENGTH AS length, NUMERIC_PRECISION AS \`precision\`, NUMERIC_SCALE AS scale,
       GENERATION_EXPRESSION <> '' AS computed
     FROM information_schema.COLUMNS
     WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION`,
    [table],
  );
  const definitions = rows.length ? await mysqlDefinitions(session, table) : new Map<string, string>();
  return rows.map((row) => ({
    name: String(row.name),
    type: mysqlType(String(row.type), String(row.full)),
    cast: '',
    digits: Number(row.digits ?? 0),
    nullable: row.nullable === 'YES',
    declared: String(row.full),
    ...optional({ definition: definitions.get(String(row.name)), ...mysqlSize(String(row.type), row) }),
    loose: row.collation !== null && row.collation !== MYSQL_EXACT,
    computed: Boolean(row.computed),
  }));
}

const COUNTED_IN_CHARACTERS = new Set(['char', 'varchar', 'enum']);

function mysqlSize(type: string, { length, precision, scale, charset, collation }: Facts) {
  const size = length === null ? undefined : Number(length);
  return {
    ...(COUNTED_IN_CHARACTERS.has(type) ? { length: size } : { bytes: size, fixed: type === 'binary' || undefined }),
    ...(type === 'decimal' && { precision: Number(precision), scale: Number(scale) }),
    charset: charset === null ? undefined : String(charset),
    collation: collation === null ? undefined : String(collation),
  };
}

/** What SHOW CREATE TABLE says behind the name of each column; MODIFY must say all of it again. */
async function mysqlDefinitions(session: Session, table: string): Promise<Map<string, string>> {
  const { rows } = await session.query<Record<string, string>>(`SHOW CREATE TABLE ${quoted('mysql', table)}`);
  const lines = (rows[0]?.['Create Table'] ?? '').matchAll(/^ {2}`((?:[^`]|``)+)` (.*?),?$/gm);
  return new Map([...lines].map(([, name, definition]) => [name!.replaceAll('``', '`'), definition!]));
}

/** Without what is undefined. */
const optional = <Of extends object>(facts: Of): { [Key in keyof Of]?: Exclude<Of[Key], undefined> } =>
  Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as never;

/** The one collation of MySQL that sees every difference; utf8mb4_bin leaves out spaces at the end. */
export const MYSQL_EXACT = 'utf8mb4_0900_bin';

function mysqlType(type: string, full: string): string {
  if (full.startsWith('tinyint(1)')) return 'tinyint(1)';
  return type.endsWith('int') && full.includes('unsigned') ? `${type} unsigned` : type;
}

async function postgresColumns(session: Session, table: string): Promise<Described[]> {
  const { rows } = await session.query<Facts>(
    `SELECT a.attname AS name, t.typname AS type, t.typtype AS sort,
       quote_ident(n.nspname) || '.' || quote_ident(t.typname) AS cast, NOT a.attnotnull AS nullable,
       EXISTS (SELECT 1 FROM pg_collation c WHERE c.oid = a.attcollation AND NOT c.collisdeterministic) AS loose,
       CASE WHEN a.atttypmod < 0 THEN 6 ELSE a.atttypmod END AS digits, a.attgenerated <> '' AS computed,
       format_type(a.atttypid, a.atttypmod) AS declared, NULLIF(a.atttypmod, -1) AS modifier, k.fixed, k.bytes
     FROM pg_attribute a LEFT JOIN LATERAL (
       SELECT m[1] = '=' AS fixed, m[2]::bigint AS bytes FROM pg_constraint c,
         regexp_match(pg_get_constraintdef(c.oid), 'octet_length\\(.*\\) (<=|=) (\\d+)') AS m
       WHERE c.conrelid = a.attrelid AND c.contype = 'c' AND c.conkey = ARRAY[a.attnum] AND m IS NOT NULL
       ORDER BY 2 LIMIT 1) k ON true JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace n ON n.oid = t.typnamespace
     WHERE a.attrelid = to_regclass(quote_ident(?)) AND a.attnum > 0 AND NOT a.attisdropped
     ORDER BY a.attnum`,
    [table],
  );
  return rows.map((row) => ({
    name: String(row.name),
    type: row.sort === 'e' ? 'enum' : String(row.type),
    cast: String(row.cast),
    digits: Number(row.digits),
    nullable: Boolean(row.nullable),
    declared: String(row.declared),
    ...optional({
      ...postgresSize(String(row.type), row.modifier),
      bytes: row.bytes === null ? undefined : Number(row.bytes),
      fixed: row.fixed ? true : undefined,
    }),
    loose: Boolean(row.loose),
    computed: Boolean(row.computed),
  }));
}

/** What the modifier of a type says: of texts their length, of a numeric its digits. */
function postgresSize(type: string, modifier: Facts[string] | undefined) {
  if (modifier == null) return {};
  const size = Number(modifier) - 4;
  if (type === 'varchar' || type === 'bpchar') return { length: size };
  if (type !== 'numeric') return {};
  return { precision: (size >> 16) & 0xffff, scale: ((size & 0x7ff) ^ 1024) - 1024 };
}

async function primaryKey(session: Session, table: string): Promise<string[]> {
  const sql =
    session.dialect === 'mysql'
      ? `SELECT COLUMN_NAME AS name FROM information_schema.STATISTICS
         WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND INDEX_NAME = 'PRIMARY' ORDER BY SEQ_IN_INDEX`
      : `SELECT a.attname AS name FROM pg_index i
         JOIN unnest(i.indkey) WITH ORDINALITY AS k(attnum, at) ON true
         JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
         WHERE i.indrelid = to_regclass(quote_ident(?)) AND i.indisprimary ORDER BY k.at`;
  const { rows } = await session.query<{ name: string }>(sql, [table]);
  return rows.map((row) => row.name);
}

/** Those that every row must pass: not one that is there but not enforced. */
async function checks(session: Session, table: string): Promise<string[]> {
  const sql =
    session.dialect === 'mysql'
      ? `SELECT c.CHECK_CLAUSE AS \`condition\` FROM information_schema.TABLE_CONSTRAINTS t
         JOIN information_schema.CHECK_CONSTRAINTS c
           ON c.CONSTRAINT_SCHEMA = t.CONSTRAINT_SCHEMA AND c.CONSTRAINT_NAME = t.CONSTRAINT_NAME
         WHERE t.TABLE_SCHEMA = DATABASE() AND t.TABLE_NAME = ? AND t.CONSTRAINT_TYPE = 'CHECK' AND t.ENFORCED = 'YES'`
      : `SELECT pg_get_expr(c.conbin, c.conrelid) AS condition FROM pg_constraint c
         WHERE c.conrelid = to_regclass(quote_ident(?)) AND c.contype = 'c' AND c.convalidated`;
  const { rows } = await session.query<{ condition: string }>(sql, [table]);
  return rows.map((row) => row.condition);
}
