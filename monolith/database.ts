import { ConnectionError, QueryTypes, Sequelize, type Transaction } from 'sequelize';

/** A pool of connections to the shop's MySQL, in UTC and READ COMMITTED (no gap locks, so few deadlocks). */
export const connect = (databaseUrl: string, poolSize = 20): Sequelize => {
  const sequelize = new Sequelize(databaseUrl, {
    dialect: 'mysql',
    logging: false,
    timezone: '+00:00',
    pool: { max: poolSize, min: 0, acquire: 5_000, idle: 60_000 },
    dialectOptions: { connectTimeout: 5_000 },
    define: { underscored: true, timestamps: false },
  });
  sequelize.addHook('afterConnect', async (connection) => {
    const { query } = connection as { query(sql: string, done: (error: Error | null) => void): void };
    await new Promise<void>((resolve, reject) => {
      query.call(
        connection,
        "SET SESSION transaction_isolation='READ-COMMITTED', innodb_lock_wait_timeout=5",
        (error) => (error ? reject(error) : resolve()),
      );
    });
  });
  return sequelize;
};

/** A statement's values, by name. */
export type Values = Record<string, unknown>;

/** One transaction: `rows` for SELECTs, `run` for anything that changes rows. */
export interface Statements {
  rows<Row>(sql: string, values: Values): Promise<Row[]>;
  run(sql: string, values: Values): Promise<void>;
  /** Runs an INSERT and answers the id minted for its first row. */
  insert(sql: string, values: Values): Promise<number | string>;
}

/** The statements of a transaction, or of no transaction in particular. */
export const statements = (sequelize: Sequelize, transaction: Transaction | null = null): Statements => {
  const options = (values: Values) => ({ replacements: withMilliseconds(values), transaction });
  return {
    rows: (sql, values) => sequelize.query(sql, { ...options(values), type: QueryTypes.SELECT }) as Promise<never>,
    run: async (sql, values) => {
      await sequelize.query(sql, { ...options(values), type: QueryTypes.RAW });
    },
    insert: async (sql, values) => {
      const [id] = await sequelize.query(sql, { ...options(values), type: QueryTypes.INSERT });
      return id;
    },
  };
};

/** Sequelize writes a Date in SQL without its milliseconds; MySQL takes them from the ISO form without its Z. */
const withMilliseconds = (values: Values): Values =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      value instanceof Date ? value.toISOString().slice(0, -1) : value,
    ]),
  );

const DUPLICATE = 1062;
const DEADLOCK = 1213;
const LOCK_WAIT = 1205;
const ATTEMPTS = 10;

const errnoOf = (thrown: unknown): number | undefined =>
  (thrown as { parent?: { errno?: number } } | null)?.parent?.errno;

/**
 * Runs `work` in one transaction. Deadlocks and duplicate keys begin it again, up to ten times: after a duplicate key the
 * second run finds the row that was in the way, so `work` must look before it inserts.
 */
export const inTransaction = async <T>(sequelize: Sequelize, work: (tx: Statements) => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await sequelize.transaction((transaction) => work(statements(sequelize, transaction)));
    } catch (thrown) {
      const again = [DEADLOCK, DUPLICATE].includes(errnoOf(thrown) ?? 0);
      if (!again || attempt === ATTEMPTS) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5 * attempt));
    }
  }
};

const AWAY = /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EHOSTUNREACH|PROTOCOL_CONNECTION_LOST|ER_SERVER_SHUTDOWN|ER_CON_COUNT)/;

/** Whether an error means that the database cannot be reached at present, rather than that we asked it nonsense. */
export const databaseIsAway = (thrown: unknown): boolean => {
  if (thrown instanceof ConnectionError) return true;
  const { code, parent, message } = (thrown ?? {}) as { code?: string; parent?: { code?: string }; message?: string };
  if (AWAY.test(parent?.code ?? code ?? '')) return true;
  // A connection that died in the pool, a lock nobody gave up, or a deadlock that outlived every retry.
  return /closed state|Connection lost/.test(message ?? '') || [DEADLOCK, LOCK_WAIT].includes(errnoOf(thrown) ?? 0);
};
