import type { Servers } from '@strangler/servers';
import type { Worker } from './connect-worker.ts';
import { addressOf, PREFIX } from './databases.ts';
import type { Pipeline } from './measure.ts';
import { createOrders } from './orders-table.ts';

/** The sink needs every message’s schema; without a registry that is JSON with the schema beside the value. */
const WITH_SCHEMAS = {
  'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'key.converter.schemas.enable': 'true',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'true',
};
const BATCH = '2000';

const sourceOf = (topicPrefix: string): Record<string, string> => ({
  ...WITH_SCHEMAS,
  'tasks.max': '1',
  'topic.prefix': topicPrefix,
  'snapshot.mode': 'no_data',
  'poll.interval.ms': '5',
  'tombstones.on.delete': 'false',
});

/** Debezium’s MySQL source for these tables of one database, as a connector’s configuration. */
export const mysqlSource = (
  { mysql, kafka }: Servers,
  topicPrefix: string,
  database: string,
  tables: readonly string[],
): Record<string, string> => ({
  ...sourceOf(topicPrefix),
  'connector.class': 'io.debezium.connector.mysql.MySqlConnector',
  'database.hostname': mysql.host,
  'database.port': String(mysql.port),
  'database.user': mysql.user,
  'database.password': mysql.password,
  'database.server.id': '1900000001',
  'database.include.list': database,
  'table.include.list': tables.map((table) => `${database}.${table}`).join(','),
  'include.schema.changes': 'false',
  'snapshot.locking.mode': 'none', // others work on the same server
  'schema.history.internal.kafka.bootstrap.servers': kafka.brokers.join(','),
  'schema.history.internal.kafka.topic': `${topicPrefix}.history`,
  'schema.history.internal.store.only.captured.tables.ddl': 'true',
});

/** Debezium’s JDBC sink from these topics, as a connector’s configuration; it upserts and deletes by `id`. */
export const sinkInto = (
  topics: readonly string[],
  collection: string,
  jdbc: string,
  { user, password }: { user: string; password: string },
): Record<string, string> => ({
  ...WITH_SCHEMAS,
  'connector.class': 'io.debezium.connector.jdbc.JdbcSinkConnector',
  'tasks.max': '1',
  topics: topics.join(','),
  'connection.url': jdbc,
  'connection.username': user,
  'connection.password': password,
  'insert.mode': 'upsert',
  'delete.enabled': 'true',
  'primary.key.mode': 'record_key',
  'primary.key.fields': 'id',
  'schema.evolution': 'none',
  'collection.name.format': collection,
  'batch.size': BATCH,
  'consumer.override.max.poll.records': BATCH,
});

/** The peer from MySQL into Postgres: Debezium’s MySQL source, its JDBC sink. */
export async function startForwardPeer(servers: Servers, worker: Worker): Promise<Pipeline> {
  const source = addressOf(servers, 'mysql', 'bench_peer_forward');
  const target = addressOf(servers, 'postgres', 'bench_peer_forward');
  for (const url of [source, target]) await createOrders(url);
  const prefix = `${PREFIX}.forward`;
  await worker.put(`${PREFIX}-forward-source`, mysqlSource(servers, prefix, 'bench_peer_forward', ['orders']));
  const { host, port } = servers.postgres;
  const jdbc = `jdbc:postgresql://${host}:${port}/bench_peer_forward?reWriteBatchedInserts=true`;
  await worker.put(
    `${PREFIX}-forward-sink`,
    sinkInto([`${prefix}.bench_peer_forward.orders`], 'orders', jdbc, servers.postgres),
  );
  return { name: 'Debezium JDBC sink', source, target, state: () => worker.state(`${PREFIX}-forward-sink`) };
}

/** The peer from Postgres into MySQL: Debezium’s Postgres source, its JDBC sink. */
export async function startReversePeer({ postgres, ...servers }: Servers, worker: Worker): Promise<Pipeline> {
  const source = addressOf({ postgres, ...servers }, 'postgres', 'bench_peer_reverse');
  const target = addressOf({ postgres, ...servers }, 'mysql', 'bench_peer_reverse');
  for (const url of [source, target]) await createOrders(url);
  const prefix = `${PREFIX}.reverse`;
  await worker.put(`${PREFIX}-reverse-source`, {
    ...sourceOf(prefix),
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'plugin.name': 'pgoutput',
    'database.hostname': postgres.host,
    'database.port': String(postgres.port),
    'database.user': postgres.user,
    'database.password': postgres.password,
    'database.dbname': 'bench_peer_reverse',
    'table.include.list': 'public.orders',
    'slot.name': 'bench_peer_reverse',
    'publication.name': 'bench_peer_reverse',
    'publication.autocreate.mode': 'filtered',
    'status.update.interval.ms': '2000',
  });
  const { host, port } = servers.mysql;
  const options = 'rewriteBatchedStatements=true&allowPublicKeyRetrieval=true&useSSL=false&connectionTimeZone=UTC';
  const jdbc = `jdbc:mysql://${host}:${port}/bench_peer_reverse?${options}`;
  await worker.put(`${PREFIX}-reverse-sink`, sinkInto([`${prefix}.public.orders`], 'orders', jdbc, servers.mysql));
  return { name: 'Debezium JDBC sink', source, target, state: () => worker.state(`${PREFIX}-reverse-sink`) };
}
