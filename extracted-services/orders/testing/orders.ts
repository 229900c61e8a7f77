import { randomBytes } from 'node:crypto';
import type { Client, Shop } from '@example/monolith/testing';
import { clientOf } from '@example/monolith/testing';
import pg from 'pg';
import { createApp, type OrdersConfig } from '../app.ts';
import { listen } from '../http/listen.ts';
import { migrate } from '../migrate.ts';

export { masker } from './masked.ts';

export interface PostgresLogin {
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
}

/** A Postgres database of its own. */
export interface Database {
  name: string;
  url: string;
  /** Runs a statement; answers its rows. */
  sql<Row extends pg.QueryResultRow>(statement: string, values?: unknown[]): Promise<Row[]>;
  drop(): Promise<void>;
}

/** Creates a database under a name nobody has; it is migrated by `migrated`. */
export const createDatabase = async (
  login: PostgresLogin,
  prefix: string,
  migrated: (databaseUrl: string) => Promise<unknown>,
): Promise<Database> => {
  const name = `${prefix}_${randomBytes(6).toString('hex')}`;
  const urlOf = (database: string) =>
    `postgres://${login.user}:${encodeURIComponent(login.password)}@${login.host}:${login.port}/${database}`;
  const admin = new pg.Client({ connectionString: urlOf(login.database) });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  const url = urlOf(name);
  await migrated(url);
  const own = new pg.Client({ connectionString: url });
  await own.connect();
  return {
    name,
    url,
    sql: async (statement, values) => (await own.query(statement, values)).rows as never,
    drop: async () => {
      await own.end();
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await admin.end();
    },
  };
};

/** The orders service on a database of its own, its monolith the given shop. */
export interface OrdersUnderTest {
  url: string;
  database: Database;
  as(userId: number): Client;
  recover(): Promise<number>;
  /** Settles every attempt, however young. */
  settleAll(): Promise<void>;
  /** How many attempts have not come to their end. */
  attempts(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts the service; `overrides` may point it elsewhere. Its own recovery takes up only what was to be undone. */
export const startOrders = async (
  shop: Shop,
  login: PostgresLogin,
  overrides: Partial<OrdersConfig> = {},
): Promise<OrdersUnderTest> => {
  const database = await createDatabase(login, 'orders', migrate);
  const { jwtSecret, internalToken, url: monolithUrl } = shop;
  const service = createApp({ databaseUrl: database.url, jwtSecret, internalToken, monolithUrl, ...overrides });
  const { url, stop } = await listen(service.app, 0, '127.0.0.1');
  return {
    url,
    database,
    as: (userId) => clientOf(url, userId, jwtSecret),
    recover: service.recover,
    settleAll: async () => {
      await database.sql("UPDATE order_attempts SET state = 'undoing'");
      while ((await service.recover()) > 0);
    },
    attempts: async () => (await database.sql('SELECT 1 FROM order_attempts')).length,
    stop: async () => {
      await stop();
      await service.stop();
      await database.drop();
    },
  };
};
