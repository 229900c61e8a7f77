import pg from 'pg';

const BIGINT_OID = 20;

const idFromText = (text: string): number | string => {
  const id = Number(text);
  return Number.isSafeInteger(id) ? id : text;
};

/** A pool of connections to the service's Postgres; ids arrive as numbers where those are safe, amounts as strings. */
export const connect = (databaseUrl: string, poolSize = 20): pg.Pool => {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: poolSize,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 60_000,
    statement_timeout: 10_000,
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === BIGINT_OID ? idFromText : pg.types.getTypeParser(oid, format as 'text'),
    },
  });
  // An idle connection that dies is replaced by the pool; the next statement tells if the database is away.
  pool.on('error', () => {});
  return pool;
};

/** What runs statements: the pool, or a client of it in a transaction. */
export type Queries = Pick<pg.ClientBase, 'query'>;

/** Runs what a user's request writes; with the fence, in a transaction that is refused if the user is not ours. */
export type Writing = <T>(work: (db: Queries) => Promise<T>) => Promise<T>;

const AWAY = /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EHOSTUNREACH|08|53300|57014|57P0|40001|40P01)/;

/** Whether an error means that the database cannot be reached at present, rather than that we asked it nonsense. */
export const databaseIsAway = (thrown: unknown): boolean => {
  const { code, message } = (thrown ?? {}) as { code?: unknown; message?: unknown };
  if (typeof code === 'string' && AWAY.test(code)) return true;
  return /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/.test(
    String(message),
  );
};

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
