import type { Session } from '@strangler/ledger';

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
  /** True if the database takes texts for equal that differ: in case, accents, or spaces at the end. */
  readonly loose?: boolean;
};

/** A table as a database describes it. */
export type TableShape = {
  readonly table: string;
  readonly columns: readonly Column[];
  /** Columns that the database computes: never written, and not mapped. */
  readonly generated: readonly string[];
  readonly primaryKey: readonly string[];
};

/** Describes a table of the session's own database; undefined if it is not there or may not be seen. */
export async function readShape(session: Session, table: string): Promise<TableShape | undefined> {
  const all = session.dialect === 'mysql' ? await mysqlColumns(session, table) : await postgresColumns(session, table);
  if (!all.length) return undefined;
  const columns = all.filter(({ computed }) => !computed).map(({ computed: _, ...column }) => column);
  const generated = all.filter(({ computed }) => computed).map(({ name }) => name);
  return { table, columns, generated, primaryKey: await primaryKey(session, table) };
}

type Described = Column & { readonly computed: boolean };

async function mysqlColumns(session: Session, table: string): Promise<Described[]> {
  const { rows } = await session.query<Record<string, string | number | null>>(
    `SELECT COLUMN_NAME AS name, DATA_TYPE AS type, COLUMN_TYPE AS full, DATETIME_PRECISION AS digits,
       IS_NULLABLE AS nullable, COLLATION_NAME AS collation, GENERATION_EXPRESSION <> '' AS computed
     FROM information_schema.COLUMNS
     WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION`,
    [table],
  );
  return rows.map((row) => ({
    name: String(row.name),
    type: mysqlType(String(row.type), String(row.full)),
    cast: '',
    digits: Number(row.digits ?? 0),
    nullable: row.nullable === 'YES',
    loose: row.collation !== null && row.collation !== MYSQL_EXACT,
    computed: Boolean(row.computed),
  }));
}

/** The one collation of MySQL that sees every difference; utf8mb4_bin leaves out spaces at the end. */
export const MYSQL_EXACT = 'utf8mb4_0900_bin';

function mysqlType(type: string, full: string): string {
  if (full.startsWith('tinyint(1)')) return 'tinyint(1)';
  return type === 'bigint' && full.includes('unsigned') ? 'bigint unsigned' : type;
}

async function postgresColumns(session: Session, table: string): Promise<Described[]> {
  const { rows } = await session.query<Record<string, string | number | null>>(
    `SELECT a.attname AS name, t.typname AS type, t.typtype AS sort,
       quote_ident(n.nspname) || '.' || quote_ident(t.typname) AS cast, NOT a.attnotnull AS nullable,
       EXISTS (SELECT 1 FROM pg_collation c WHERE c.oid = a.attcollation AND NOT c.collisdeterministic) AS loose,
       CASE WHEN a.atttypmod < 0 THEN 6 ELSE a.atttypmod END AS digits, a.attgenerated <> '' AS computed
     FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace n ON n.oid = t.typnamespace
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
    loose: Boolean(row.loose),
    computed: Boolean(row.computed),
  }));
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
