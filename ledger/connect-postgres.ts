import type { Socket } from 'node:net';
import pg from 'pg';
import type { Driver } from './connection.ts';
import type { Value } from './session.ts';
import { originName, type Writer } from './writer.ts';

const INT8 = 20;

/** Connects to Postgres through `socket` and makes the session ours. Throws the driver’s error. */
export async function connectPostgres(
  url: string,
  writer: Writer,
  socket: Socket,
  limit: number | undefined,
): Promise<Driver> {
  const client = new pg.Client({
    connectionString: url,
    stream: () => socket,
    types: {
      getTypeParser: ((oid: number, format: 'text') =>
        oid === INT8 ? numberIfSafe : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
    },
  });
  client.on('error', () => {}); // the next query reports it
  await client.connect();
  await client.query(SETTINGS, [JSON.stringify(settings(limit))]);
  if (writer !== 'reader') {
    await client.query('SELECT pg_replication_origin_session_setup($1)', [originName(client.database!, writer)]);
  }
  const { rows } = await client.query<{ id: number }>('SELECT pg_backend_pid() AS id');
  return {
    dialect: 'postgres',
    id: rows[0]!.id,
    run: async <Row>(sql: string, values: readonly Value[]) => {
      let at = 0;
      const text = values.length ? sql.replace(/\?/g, () => `$${++at}`) : sql;
      const result = await client.query(text, values as Value[]);
      return { rows: result.rows as Row[], affected: result.rowCount ?? 0 };
    },
    onError: (listener) => void client.on('error', listener),
    end: () => client.end(),
  };
}

/** Sets what this version of Postgres knows; `idle_session_timeout` came with 14. */
const SETTINGS = `SELECT set_config(name, wanted.value, false)
  FROM json_each_text($1) AS wanted (name, value) JOIN pg_catalog.pg_settings USING (name)`;

/**
 * How long the server waits. Without answer to its own probes it ends a session after some ten seconds: a client whose
 * machine is gone would otherwise keep its replication origin for hours.
 */
function settings(limit: number | undefined): Record<string, string> {
  const probes = { tcp_keepalives_idle: '5', tcp_keepalives_interval: '2', tcp_keepalives_count: '3' };
  if (limit === undefined) return probes;
  return {
    ...probes,
    statement_timeout: String(Math.ceil(limit * 0.75)),
    idle_in_transaction_session_timeout: String(limit * 5),
    idle_session_timeout: String(limit * 5),
  };
}

const numberIfSafe = (text: string): number | string => {
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : text;
};
