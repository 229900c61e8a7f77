import { randomUUID } from 'node:crypto';
import { CAPTURED } from '@strangler/ledger';
import { monolithTopic, murmur3, type Plan, serviceTopic } from '@strangler/plan';
import { PLACEHOLDER_HEADER } from '../log/row-change.ts';
import {
  connectorName,
  historyTopic,
  parseAddress,
  publicationName,
  surveyConnectorName,
  surveyHistoryTopic,
  surveyTopic,
  syncedCapabilities,
} from '../names.ts';
import { valueSettings } from './value-settings.ts';

/** A connector's configuration as Connect's REST API takes it. */
export type ConnectorConfig = Readonly<Record<string, string>>;

/** The largest message a log's topic takes, in bytes. */
export const LARGEST_MESSAGE_BYTES = 64 * 1024 * 1024;

/** Everything that must be so in both directions: one topic in commit order, and no value quietly changed. */
function common(name: string, topic: string, database: 'mysql' | 'postgres'): ConnectorConfig {
  return {
    ...valueSettings(database),
    'tasks.max': '1',
    'topic.prefix': name,
    'snapshot.mode': 'no_data',
    'provide.transaction.metadata': 'true',
    'poll.interval.ms': '5',
    'heartbeat.interval.ms': '5000',
    'notification.enabled.channels': 'sink',
    'notification.sink.topic.name': `${name}.notifications`,
    // A row of 20 MB is said twice when it changes.
    'producer.override.max.request.size': String(LARGEST_MESSAGE_BYTES),
    'producer.override.buffer.memory': String(2 * LARGEST_MESSAGE_BYTES),
    transforms: 'one',
    'transforms.one.type': 'org.apache.kafka.connect.transforms.RegexRouter',
    'transforms.one.regex': `(${name}\\..*|${name}|__debezium-heartbeat\\.${name})`,
    'transforms.one.replacement': topic,
  };
}

const HIGHEST_SERVER_ID = 2_000_000_000;

/** The one connector of the monolith's database: every capability's tables and ours. */
export const monolithConnector = (plan: Plan): ConnectorConfig =>
  monolithReader(plan, connectorName(plan, {}), monolithTopic(plan), historyTopic(plan));

/** The same log once more, for a survey alone. */
export const surveyConnector = (plan: Plan): ConnectorConfig =>
  monolithReader(plan, surveyConnectorName(plan), surveyTopic(plan), surveyHistoryTopic(plan));

function monolithReader(plan: Plan, name: string, topic: string, history: string): ConnectorConfig {
  const { host, port, user, password, database } = parseAddress(plan.monolith.database!.capture);
  const tables = syncedCapabilities(plan).flatMap((one) => Object.keys(plan.capabilities[one]!.tables));
  const escaped = [...CAPTURED, ...tables].map((table) => `${literally(database)}\\.${literally(table)}`);
  return {
    ...common(name, topic, 'mysql'),
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
    'connect.keep.alive.interval.ms': '2000',
    'schema.history.internal.kafka.bootstrap.servers': plan.kafka!.brokers.join(','),
    'schema.history.internal.kafka.topic': history,
    'schema.history.internal.store.only.captured.tables.ddl': 'true',
    'signal.data.collection': `${database}.strangler_signal`,
    'incremental.snapshot.chunk.size': '4096',
  };
}

const POSTGRES = 'io.debezium.connector.postgresql.PostgresConnector';

/** The connector of a capability's service database, without its placeholder: see `withPlaceholder`. */
export function serviceConnector(plan: Plan, capability: string): ConnectorConfig {
  const name = connectorName(plan, { capability });
  const one = plan.capabilities[capability]!;
  const { host, port, user, password, database } = parseAddress(one.service.database!.capture);
  const tables = Object.entries(one.tables).map(([table, { to }]) => to ?? table);
  return {
    ...common(name, serviceTopic(plan, capability), 'postgres'),
    'connector.class': POSTGRES,
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

const HEADER_VALUE = 'transforms.placeholder.value.literal';

/**
 * The configuration of a connector, which may be `present` already, with what a Postgres connector writes for a value that
 * was not in the log: a text that nobody can guess, so that no customer's text is taken for it. It is random, is kept where
 * Connect keeps the configuration, and every message carries it in a header: whoever reads the message needs to know
 * nothing else, also after the connector was made again with another one.
 */
export function withPlaceholder(config: ConnectorConfig, present: ConnectorConfig | undefined): ConnectorConfig {
  if (config['connector.class'] !== POSTGRES) return config;
  const placeholder = present?.[HEADER_VALUE] ?? `strangler-unavailable-${randomUUID()}`;
  return {
    ...config,
    'unavailable.value.placeholder': placeholder,
    transforms: `${config.transforms},placeholder`,
    'transforms.placeholder.type': 'org.apache.kafka.connect.transforms.InsertHeader',
    'transforms.placeholder.header': PLACEHOLDER_HEADER,
    [HEADER_VALUE]: placeholder,
  };
}

const literally = (name: string): string => name.replace(/[.\\+*?[^\]$(){}=!<>|:\-#]/g, '\\$&');
