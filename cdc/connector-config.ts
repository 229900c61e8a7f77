import { CAPTURED } from '@strangler/ledger';
import { monolithTopic, murmur3, type Plan, serviceTopic } from '@strangler/plan';
import { connectorName, historyTopic, parseAddress, publicationName, syncedCapabilities } from './names.ts';

/** A connector's configuration as Connect's REST API takes it. */
export type ConnectorConfig = Readonly<Record<string, string>>;

/** The largest message a log's topic takes, in bytes. */
export const LARGEST_MESSAGE = 64 * 1024 * 1024;

/** Everything that must be so in both directions: one topic in commit order, and no value quietly changed. */
function common(name: string, topic: string): ConnectorConfig {
  return {
    'tasks.max': '1',
    'topic.prefix': name,
    'snapshot.mode': 'no_data',
    'provide.transaction.metadata': 'true',
    'tombstones.on.delete': 'false',
    'skipped.operations': 'none',
    'poll.interval.ms': '5',
    'heartbeat.interval.ms': '5000',
    'decimal.handling.mode': 'string',
    'binary.handling.mode': 'hex',
    'time.precision.mode': 'isostring',
    'event.converting.failure.handling.mode': 'fail',
    'event.processing.failure.handling.mode': 'fail',
    'notification.enabled.channels': 'sink',
    'notification.sink.topic.name': `${name}.notifications`,
    'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'key.converter.schemas.enable': 'false',
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter.schemas.enable': 'false',
    // A row of 20 MB is said twice when it changes.
    'producer.override.max.request.size': String(LARGEST_MESSAGE),
    'producer.override.buffer.memory': String(2 * LARGEST_MESSAGE),
    transforms: 'one',
    'transforms.one.type': 'org.apache.kafka.connect.transforms.RegexRouter',
    'transforms.one.regex': `(${name}\\..*|${name}|__debezium-heartbeat\\.${name})`,
    'transforms.one.replacement': topic,
  };
}

const HIGHEST_SERVER_ID = 2_000_000_000;

/** The one connector of the monolith's database: every capability's tables and ours. */
export function monolithConnector(plan: Plan): ConnectorConfig {
  const name = connectorName(plan, {});
  const { host, port, user, password, database } = parseAddress(plan.monolith.database!.capture);
  const tables = syncedCapabilities(plan).flatMap((one) => Object.keys(plan.capabilities[one]!.tables));
  const escaped = [...CAPTURED, ...tables].map((table) => `${literally(database)}\\.${literally(table)}`);
  return {
    ...common(name, monolithTopic(plan)),
    'connector.class': 'io.debezium.connector.mysql.MySqlConnector',
    'database.hostname': host,
    'database.port': String(port),
    'database.user': user,
    'database.password': password,
    'database.server.id': String(1 + (murmur3(`${name}@${host}:${port}`) % HIGHEST_SERVER_ID)),
    'database.include.list': literally(database),
    'table.include.list': escaped.join(','),
    'include.schema.changes': 'false',
    // The default holds a global read lock while it reads the schema: seconds in which no writer of the server commits.
    // Without it only a schema change in the very moment of the connector's creation could be missed.
    'snapshot.locking.mode': 'none',
    'bigint.unsigned.handling.mode': 'precise',
    'connect.keep.alive.interval.ms': '2000',
    'inconsistent.schema.handling.mode': 'fail',
    'schema.history.internal.kafka.bootstrap.servers': plan.kafka!.brokers.join(','),
    'schema.history.internal.kafka.topic': historyTopic(plan),
    'schema.history.internal.store.only.captured.tables.ddl': 'true',
    'signal.data.collection': `${database}.strangler_signal`,
    'incremental.snapshot.chunk.size': '4096',
  };
}

/** The connector of a capability's service database. */
export function serviceConnector(plan: Plan, capability: string): ConnectorConfig {
  const name = connectorName(plan, { capability });
  const one = plan.capabilities[capability]!;
  const { host, port, user, password, database } = parseAddress(one.service.database!.capture);
  const tables = Object.entries(one.tables).map(([table, { to }]) => to ?? table);
  return {
    ...common(name, serviceTopic(plan, capability)),
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'plugin.name': 'pgoutput',
    'database.hostname': host,
    'database.port': String(port),
    'database.user': user,
    'database.password': password,
    'database.dbname': database,
    'table.include.list': [...CAPTURED, ...tables].map((table) => `public\\.${literally(table)}`).join(','),
    'slot.name': publicationName(plan, capability),
    'publication.name': publicationName(plan, capability),
    'publication.autocreate.mode': 'disabled',
    'offset.mismatch.strategy': 'trust_offset',
    'status.update.interval.ms': '2000',
  };
}

const literally = (name: string): string => name.replace(/[.\\+*?[^\]$(){}=!<>|:\-#]/g, '\\$&');
