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
  const [ids] = await connection.query<mysql.RowDataPacket[]>(
    'SELECT CONNECTION_ID() AS id, @@max_allowed_packet AS most',
  );
  const most = Number(ids[0]!.most);
  return {
    dialect: 'mysql',
    id: Number(ids[0]!.id),
    run: async <Row>(sql: string, values: readonly Value[]) => {
      const text = connection.format(sql, values as Value[]);
      if (isLonger(text, most)) throw tooLarge(text, most);
      const [result] = await connection.query(text);
      return Array.isArray(result)
        ? { rows: result as Row[], affected: 0 }
        : { rows: [] as Row[], affected: (result as mysql.ResultSetHeader).affectedRows };
    },
    onError: (listener) => void connection.on('error', listener),
    end: async () => connection.destroy(),
  };
}

/** True if a statement is too long to be sent; at most three bytes are one UTF-16 unit. */
const isLonger = (text: string, most: number): boolean =>
  text.length * 3 >= most && Buffer.byteLength(text) + 1 >= most;

/** What MySQL would say of a statement that is too long for it, if it did not end the connection as well. */
const tooLarge = (text: string, most: number): Error =>
  Object.assign(
    new Error(`a statement of ${Buffer.byteLength(text)} bytes is longer than max_allowed_packet of MySQL, ${most}`),
    { code: 'ER_NET_PACKET_TOO_LARGE', errno: 1153, sqlState: '08S01' },
  );

/** `max_execution_time` ends queries alone; what else can wait in MySQL waits for a lock, in whole seconds. */
function limits(limit: number): string {
  const locks = Math.max(1, Math.floor(limit / 2_000));
  const silence = Math.ceil((limit * 5) / 1_000);
  return (
    `SET SESSION max_execution_time = ${Math.ceil(limit * 0.75)}, SESSION innodb_lock_wait_timeout = ${locks}, ` +
    `SESSION lock_wait_timeout = ${locks}, SESSION wait_timeout = ${silence}`
  );
}
