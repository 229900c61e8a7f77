import mysql from 'mysql2/promise';
import pg from 'pg';

/** Which database system a session talks to. */
export type Dialect = 'mysql' | 'postgres';

/** Something a statement takes or gives. */
export type Value = string | number | bigint | boolean | null | Date | Buffer;

/** Rows a statement gave, and how many it changed. */
export type Answer<Row> = { readonly rows: Row[]; readonly affected: number };

/** One connection. Statements use `?` for parameters in both dialects. Not to be shared by two tasks at once. */
export interface Session {
  readonly dialect: Dialect;
  /** The connection’s id in its server: what to end when a lock must be freed. */
  readonly id: number;
  query<Row = Record<string, unknown>>(sql: string, values?: readonly Value[]): Promise<Answer<Row>>;
  /** Runs `work` in one transaction; rolls back when it throws. */
  transaction<T>(work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/**
 * Who writes in a session: it gives every transaction the native sign of being ours (design.md §5): on MySQL the GTID
 * tag `strangler`, on Postgres the replication origin `strangler_<database>_<writer>`, which one session at a time may
 * hold. `reader` carries no sign and must not write captured tables.
 */
export type Writer = 'control' | `applier-${string}` | 'tick' | 'repair' | 'reader';

/** ISO 8601 with milliseconds, of a time as MySQL prints it in UTC. */
export const isoTime = (text: unknown): string => `${String(text).replace(' ', 'T').slice(0, 23)}Z`;

/** The tag in MySQL’s GTIDs of our transactions. */
export const MYSQL_TAG = 'strangler';

/** The replication origin of a writer in a Postgres database. */
export const originName = (database: string, writer: Writer): string => `strangler_${database}_${writer}`;

const CONNECT_TIMEOUT = 5_000;
const INT8 = 20;

/** Opens one connection to `mysql://…` or `postgres://…`. Throws the driver’s error. */
export async function openSession(url: string, writer: Writer): Promise<Session> {
  return url.startsWith('mysql:') ? openMysql(url, writer) : openPostgres(url, writer);
}

async function openMysql(url: string, writer: Writer): Promise<Session> {
  const connection = await mysql.createConnection({
    uri: url,
    connectTimeout: CONNECT_TIMEOUT,
    supportBigNumbers: true,
    dateStrings: true,
    timezone: 'Z',
    flags: ['FOUND_ROWS'],
  });
  connection.on('error', () => {}); // the next query reports it
  await connection.query("SET SESSION time_zone = '+00:00', SESSION sql_mode = 'TRADITIONAL,NO_AUTO_VALUE_ON_ZERO'");
  if (writer !== 'reader') await connection.query(`SET SESSION gtid_next = 'AUTOMATIC:${MYSQL_TAG}'`);
  const [ids] = await connection.query<mysql.RowDataPacket[]>('SELECT CONNECTION_ID() AS id');
  const query: Session['query'] = async <Row>(sql: string, values: readonly Value[] = []) => {
    const [result] = await connection.query(sql, values as Value[]);
    return Array.isArray(result)
      ? { rows: result as Row[], affected: 0 }
      : { rows: [] as Row[], affected: (result as mysql.ResultSetHeader).affectedRows };
  };
  return {
    dialect: 'mysql',
    id: Number(ids[0]!.id),
    query,
    transaction: (work) => inTransaction(query, 'START TRANSACTION', work),
    close: async () => connection.destroy(),
  };
}

async function openPostgres(url: string, writer: Writer): Promise<Session> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    keepAlive: true,
    types: {
      getTypeParser: ((oid: number, format: 'text') =>
        oid === INT8 ? numberIfSafe : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
    },
  });
  client.on('error', () => {}); // the next query reports it
  await client.connect();
  try {
    if (writer !== 'reader') {
      await client.query('SELECT pg_replication_origin_session_setup($1)', [originName(client.database!, writer)]);
    }
    const { rows } = await client.query<{ id: number }>('SELECT pg_backend_pid() AS id');
    const query: Session['query'] = async <Row>(sql: string, values: readonly Value[] = []) => {
      let at = 0;
      const text = values.length ? sql.replace(/\?/g, () => `$${++at}`) : sql;
      const result = await client.query(text, values as Value[]);
      return { rows: result.rows as Row[], affected: result.rowCount ?? 0 };
    };
    return {
      dialect: 'postgres',
      id: rows[0]!.id,
      query,
      transaction: (work) => inTransaction(query, 'BEGIN', work),
      close: () => client.end().catch(() => {}),
    };
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
}

const numberIfSafe = (text: string): number | string => {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : text;
};

async function inTransaction<T>(query: Session['query'], begin: string, work: () => Promise<T>): Promise<T> {
  await query(begin);
  try {
    const result = await work();
    await query('COMMIT');
    return result;
  } catch (error) {
    await query('ROLLBACK').catch(() => {}); // a lost connection has rolled back by itself
    throw error;
  }
}
