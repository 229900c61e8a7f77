import { Socket } from 'node:net';
import { Connection, NoAnswerError } from './connection.ts';
import type { SessionOptions } from './session.ts';
import type { Writer } from './writer.ts';

/** Longest wait for a new connection that has no time-out of its own, ms: what mysql2 waits too. */
const OPEN_TIMEOUT_MS = 10_000;
/** Silence after which the kernel asks whether the other end is still there, ms. */
const KEEP_ALIVE_MS = 5_000;

/** Opens one connection to `mysql://…` or `postgres://…`. Throws the driver’s error or NoAnswerError. */
export async function openSession(url: string, writer: Writer, options: SessionOptions = {}): Promise<Connection> {
  const limit = options.statementTimeout ?? OPEN_TIMEOUT_MS;
  const name = options.name ?? nameOf(url);
  const connect = await connectOf(url);
  const socket = new Socket().setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
  let silent = false;
  const timer = setTimeout(() => {
    silent = true;
    socket.destroy();
  }, limit);
  try {
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

/** A process that never opens a session loads no driver. */
const connectOf = async (url: string) =>
  url.startsWith('mysql:')
    ? (await import('./connect-mysql.ts')).connectMysql
    : (await import('./connect-postgres.ts')).connectPostgres;

function nameOf(url: string): string {
  if (!URL.canParse(url)) return 'a database'; // whose address the driver may understand, or explain
  const { hostname, port, pathname } = new URL(url);
  return `the database ${pathname.slice(1)} at ${hostname}${port && `:${port}`}`;
}
