import { randomBytes } from 'node:crypto';
import { createConnection, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise';
import { createMonolith } from '../app.ts';
import { listen } from '../http/listen.ts';
import { migrate } from '../migrate.ts';
import { type Client, clientOf, type Reply, send } from './client.ts';

export { type Client, clientOf, type Reply, send };

export interface MySqlLogin {
  host: string;
  port: number;
  user: string;
  password: string;
}

/** A shop on a database of its own, listening on a port of its own. */
export interface Shop {
  url: string;
  databaseUrl: string;
  jwtSecret: string;
  internalToken: string;
  /** Runs a statement; answers its rows. */
  sql<Row = Record<string, unknown>>(statement: string, values?: unknown[]): Promise<Row[]>;
  addProduct(product: { price: string; stock: number }): Promise<number>;
  stockOf(productId: number): Promise<number>;
  /** The payments of a purchase, as `status amount`. */
  paymentsOf(userId: number, key: string): Promise<string[]>;
  /** The reservations of a purchase, as `status quantity`. */
  reservationsOf(userId: number, key: string): Promise<string[]>;
  as(userId: number): Client;
  /** A request of the extracted orders service. */
  internal(method: string, path: string, body: unknown): Promise<Reply>;
  /** Stops the shop and drops its database. */
  stop(): Promise<void>;
}

/** Starts a shop without products or users; every user id is logged in by `as`. */
export const startShop = async (mysql: MySqlLogin): Promise<Shop> => {
  const database = `shop_${randomBytes(6).toString('hex')}`;
  const connection = await createConnection({ ...mysql, timezone: 'Z' });
  await connection.query(`CREATE DATABASE ${database}`);
  await connection.query(`USE ${database}`);
  const { user, password, host, port } = mysql;
  const databaseUrl = `mysql://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`;
  await migrate(databaseUrl);
  const jwtSecret = 'secret of the test shop';
  const internalToken = 'internal-token-of-the-test-shop';
  const monolith = createMonolith({ databaseUrl, jwtSecret, internalToken });
  const { url, stop } = await listen(monolith.app, 0, '127.0.0.1');
  const sql: Shop['sql'] = async (statement, values) =>
    (await connection.query<RowDataPacket[]>(statement, values))[0] as never;
  const told = async (table: string, what: string, userId: number, key: string) =>
    (
      await sql<{ told: string }>(
        `SELECT CONCAT(status, ' ', ${what}) AS told FROM ${table} WHERE user_id = ? AND idempotency_key = ? ORDER BY id`,
        [userId, key],
      )
    ).map((row) => row.told);
  return {
    url,
    databaseUrl,
    jwtSecret,
    internalToken,
    sql,
    addProduct: async ({ price, stock }) => {
      const insert = 'INSERT INTO products (title, price, stock) VALUES (?, ?, ?)';
      const [{ insertId }] = await connection.query<ResultSetHeader>(insert, ['A CD', price, stock]);
      return insertId;
    },
    stockOf: async (id) => (await sql<{ stock: number }>('SELECT stock FROM products WHERE id = ?', [id]))[0]!.stock,
    paymentsOf: (userId, key) => told('payments', 'amount', userId, key),
    reservationsOf: (userId, key) => told('stock_reservations', 'quantity', userId, key),
    as: (userId) => clientOf(url, userId, jwtSecret),
    internal: (method, path, body) =>
      send(url, method, `/internal${path}`, body, { authorization: `Bearer ${internalToken}` }),
    stop: async () => {
      await stop();
      await monolith.stop();
      await connection.query(`DROP DATABASE ${database}`);
      await connection.end();
    },
  };
};
