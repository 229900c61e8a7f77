/**
 * How every server is set, as data: the runner renders it into command lines and properties files, and a test holds
 * docker-compose.yml against it, so that both ways of starting the servers are the same servers.
 */

/** Passwords and tokens of servers that listen on loopback only and hold nothing but trials. */
export const credentials = {
  mysql: { user: 'root', password: 'strangler' },
  postgres: { user: 'postgres', password: 'strangler' },
  unleash: {
    adminToken: '*:*.strangler-local-admin',
    clientToken: 'default:development.strangler-local-client',
    frontendToken: 'default:development.strangler-local-frontend',
  },
} as const;

const week = 7 * 24 * 60 * 60;
const sixteenMegabytes = 16 * 1024 * 1024;

/** mysqld options: row capture with GTIDs, nothing acknowledged before it is on disk, odd ids. */
export const mysqlSettings: Settings = {
  'server-id': 1,
  'log-bin': 'binlog',
  'gtid-mode': 'ON',
  'enforce-gtid-consistency': 'ON',
  'sync-binlog': 1,
  'innodb-flush-log-at-trx-commit': 1,
  'binlog-expire-logs-seconds': week,
  'auto-increment-increment': 2,
  'auto-increment-offset': 1,
  'max-connections': 500,
  'max-allowed-packet': 64 * 1024 * 1024,
  'character-set-server': 'utf8mb4',
  mysqlx: 'OFF',
};

/** postgres options: logical decoding, and room for many slots, appliers and test databases. */
export const postgresSettings: Settings = {
  wal_level: 'logical',
  max_replication_slots: 50,
  max_wal_senders: 50,
  max_active_replication_origins: 100,
  max_connections: 300,
};

/** Broker properties: one broker, which is its own controller. */
export const kafkaSettings: Settings = {
  'process.roles': 'broker,controller',
  'node.id': 1,
  'controller.listener.names': 'CONTROLLER',
  'inter.broker.listener.name': 'PLAINTEXT',
  'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,HOST:PLAINTEXT',
  'offsets.topic.replication.factor': 1,
  'offsets.topic.num.partitions': 1,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'share.coordinator.state.topic.replication.factor': 1,
  'share.coordinator.state.topic.min.isr': 1,
  'group.initial.rebalance.delay.ms': 0,
  // A broker or a worker that was killed is missed, and may come back, within seconds instead of ten.
  'broker.session.timeout.ms': 3000,
  'broker.heartbeat.interval.ms': 500,
  'group.min.session.timeout.ms': 1000,
  'num.partitions': 1,
  'message.max.bytes': sixteenMegabytes,
  'replica.fetch.max.bytes': sixteenMegabytes,
  'log.retention.hours': 168,
};

/** Connect worker properties: plain JSON, offsets every 5 s, connectors may set their own producer. */
export const connectSettings: Settings = {
  'group.id': 'strangler-connect',
  'config.storage.topic': 'strangler-connect-configs',
  'offset.storage.topic': 'strangler-connect-offsets',
  'status.storage.topic': 'strangler-connect-statuses',
  'config.storage.replication.factor': 1,
  'offset.storage.replication.factor': 1,
  'status.storage.replication.factor': 1,
  'offset.storage.partitions': 1,
  'status.storage.partitions': 1,
  'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'key.converter.schemas.enable': false,
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': false,
  'offset.flush.interval.ms': 5000,
  'scheduled.rebalance.max.delay.ms': 0,
  'session.timeout.ms': 5000,
  'heartbeat.interval.ms': 1000,
  'connector.client.config.override.policy': 'All',
  'producer.max.request.size': sixteenMegabytes,
  'plugin.discovery': 'service_load',
};

/** Unleash's environment: it calls nobody. */
export const unleashSettings: Settings = {
  DATABASE_SSL: false,
  CHECK_VERSION: false,
  SEND_TELEMETRY: false,
  LOG_LEVEL: 'warn',
  INIT_ADMIN_API_TOKENS: credentials.unleash.adminToken,
  INIT_CLIENT_API_TOKENS: credentials.unleash.clientToken,
  INIT_FRONTEND_API_TOKENS: credentials.unleash.frontendToken,
};

export const heaps = { kafka: '512m', connect: '768m' } as const;

export type Settings = Readonly<Record<string, string | number | boolean>>;

/** `--name=value` for each setting, as mysqld takes them. */
export const asOptions = (settings: Settings): string[] =>
  Object.entries(settings).map(([name, value]) => `--${name}=${value}`);

/** `-c name=value` for each setting, as postgres takes them. */
export const asPostgresArguments = (settings: Settings): string[] =>
  Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);

/** One `name=value` line for each setting, as a Java properties file (backslashes doubled). */
export const asProperties = (settings: Settings): string =>
  Object.entries(settings)
    .map(([name, value]) => `${name}=${String(value).replaceAll('\\', '\\\\')}\n`)
    .join('');
