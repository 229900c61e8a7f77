import { Socket } from 'node:net';
import { connectMysql } from './connect-mysql.ts';
import { connectPostgres } from './connect-postgres.ts';
import { Connection, NoAnswerError } from './connection.ts';
import type { Writer } from './writer.ts';

export { MYSQL_TAG, originName, type Writer } from './writer.ts';

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
  /** False once the connection is lost, or nobody knows what has become of its last transaction: open another one. */
  readonly usable: boolean;
  /** Throws the driver’s error, or NoAnswerError when there is a time-out. */
  query<Row = Record<string, unknown>>(sql: string, values?: readonly Value[]): Promise<Answer<Row>>;
  /** Runs `work` in one transaction; rolls back when it throws. */
  transaction<T>(work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** How a session is kept. */
export type SessionOptions = {
  /**
   * Longest a statement may take, ms; unset: for ever. Enforced here, by a timer that ends the connection, because a
   * server that is cut off does not say so; and by the server a little earlier, so that a lock is named as such. The
   * server also ends a session that has been silent for five times as long, so that a process that is frozen or cut off
   * keeps no lock and no replication origin.
   */
  readonly statementTimeout?: number;
  /** What errors call the database; unset: by its address, without the login. */
  readonly name?: string;
};

/** ISO 8601 with milliseconds, of a time as MySQL prints it in UTC. */
export const isoTime = (text: unknown): string => `${String(text).replace(' ', 'T').slice(0, 23)}Z`;

/** Longest wait for a new connection that has no time-out of its own, ms. */
const OPENING = 5_000;
/** Silence after which the kernel asks whether the other end is still there, ms. */
const KEEP_ALIVE = 5_000;

/** Opens one connection to `mysql://…` or `postgres://…`. Throws the driver’s error or NoAnswerError. */
export async function openSession(url: string, writer: Writer, options: SessionOptions = {}): Promise<Connection> {
  const limit = options.statementTimeout ?? OPENING;
  const name = options.name ?? nameOf(url);
  const socket = new Socket().setNoDelay(true).setKeepAlive(true, KEEP_ALIVE);
  let silent = false;
  const timer = setTimeout(() => {
    silent = true;
    socket.destroy();
  }, limit);
  try {
    const connect = url.startsWith('mysql:') ? connectMysql : connectPostgres;
    return new Connection(await connect(url, writer, socket, options.statementTimeout), {
      socket,
      name,
      statementTimeout: options.statementTimeout,
    });
  } catch (error) {
    socket.destroy();
    throw silent ? new NoAnswerError(name, limit) : error;
  } finally {
    clearTimeout(timer);
  }
}

function nameOf(url: string): string {
  if (!URL.canParse(url)) return 'a database'; // whose address the driver may understand, or explain
  const { hostname, port, pathname } = new URL(url);
  return `the database ${pathname.slice(1)} at ${hostname}${port && `:${port}`}`;
}
