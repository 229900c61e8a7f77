import type { Socket } from 'node:net';
import mysql from 'mysql2/promise';
import type { Driver } from './connection.ts';
import type { Value } from './session.ts';
import { MYSQL_TAG, type Writer } from './writer.ts';

type Config = { readonly host: string; readonly port: number; readonly socketPath?: string };

/** Connects to MySQL through `socket` and makes the session ours. Throws the driver’s error. */
export async function connectMysql(
  url: string,
  writer: Writer,
  socket: Socket,
  limit: number | undefined,
): Promise<Driver> {
  const connection = await mysql.createConnection({
    uri: url,
    stream: ({ config }: { config: Config }) =>
      config.socketPath ? socket.connect(config.socketPath) : socket.connect(config.port, config.host),
    supportBigNumbers: true,
    dateStrings: true,
    timezone: 'Z',
    flags: ['FOUND_ROWS'],
  });
  connection.on('error', () => {}); // the next query reports it
  await connection.query("SET SESSION time_zone = '+00:00', SESSION sql_mode = 'TRADITIONAL,NO_AUTO_VALUE_ON_ZERO'");
  if (writer !== 'reader') await connection.query(`SET SESSION gtid_next = 'AUTOMATIC:${MYSQL_TAG}'`);
  if (limit !== undefined) await connection.query(limits(limit));
  const [ids] = await connection.query<mysql.RowDataPacket[]>('SELECT CONNECTION_ID() AS id');
  return {
    dialect: 'mysql',
    id: Number(ids[0]!.id),
    run: async <Row>(sql: string, values: readonly Value[]) => {
      const [result] = await connection.query(sql, values as Value[]);
      return Array.isArray(result)
        ? { rows: result as Row[], affected: 0 }
        : { rows: [] as Row[], affected: (result as mysql.ResultSetHeader).affectedRows };
    },
    failed: (listener) => void connection.on('error', listener),
    end: async () => connection.destroy(),
  };
}

/** `max_execution_time` ends queries alone; what else can wait in MySQL waits for a lock, in whole seconds. */
function limits(limit: number): string {
  const locks = Math.max(1, Math.floor(limit / 2_000));
  const silence = Math.ceil((limit * 5) / 1_000);
  return (
    `SET SESSION max_execution_time = ${Math.ceil(limit * 0.75)}, SESSION innodb_lock_wait_timeout = ${locks}, ` +
    `SESSION lock_wait_timeout = ${locks}, SESSION wait_timeout = ${silence}`
  );
}
