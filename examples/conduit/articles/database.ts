import pg from 'pg';

/** A pool of connections to the service's Postgres. */
export const connect = (databaseUrl: string, poolSize = 20): pg.Pool => {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: poolSize,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 60_000,
    statement_timeout: 10_000,
  });
  // An idle connection that dies is replaced by the pool; the next statement tells if the database is away.
  pool.on('error', () => {});
  return pool;
};

/** What runs statements: the pool, or a client of it in a transaction. */
export type Queries = Pick<pg.ClientBase, 'query'>;

/** Runs `work` in one transaction. */
export const inTransaction = async <T>(pool: pg.Pool, work: (db: Queries) => Promise<T>): Promise<T> => {
  const client = await pool.connect();
  let broken = false;
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (thrown) {
    await client.query('ROLLBACK').catch(() => {
      broken = true;
    });
    throw thrown;
  } finally {
    client.release(broken);
  }
};

const codeOf = (thrown: unknown): string => String((thrown as { code?: unknown } | null)?.code ?? '');

const UNIQUE_VIOLATION = '23505';
const FOREIGN_KEY_VIOLATION = '23503';
const UNTRANSLATABLE_CHARACTER = '22021';

/** Whether a row with the same unique key was there already. */
export const isTaken = (thrown: unknown): boolean => codeOf(thrown) === UNIQUE_VIOLATION;

/** Whether the row that was pointed to is gone. */
export const isOrphan = (thrown: unknown): boolean => codeOf(thrown) === FOREIGN_KEY_VIOLATION;

/** Whether a text holds what Postgres cannot store: U+0000. */
export const isUnstorable = (thrown: unknown): boolean => codeOf(thrown) === UNTRANSLATABLE_CHARACTER;

const AWAY = /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EHOSTUNREACH|08|53300|57014|57P0|40001|40P01)/;

/** Whether an error means that the database cannot be reached at present, rather than that we asked it nonsense. */
export const databaseIsAway = (thrown: unknown): boolean =>
  AWAY.test(codeOf(thrown)) ||
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/.test(
    String((thrown as { message?: unknown } | null)?.message),
  );

export interface Migration {
  name: string;
  sql: string;
}

/** Runs the pending migrations in one transaction, one process at a time; answers the names of those it ran. */
export const runMigrations = async (databaseUrl: string, migrations: readonly Migration[]): Promise<string[]> => {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000 });
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query("SELECT pg_advisory_xact_lock(hashtext('migrations'))");
    await client.query('CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY)');
    const { rows } = await client.query<{ name: string }>('SELECT name FROM schema_migrations');
    const pending = migrations.filter(({ name }) => !rows.some((row) => row.name === name));
    for (const { name, sql } of pending) {
      await client.query(sql);
      await client.query('INSERT INTO schema_migrations (name) VALUES ($1)', [name]);
    }
    await client.query('COMMIT');
    return pending.map(({ name }) => name);
  } finally {
    await client.end();
  }
};
