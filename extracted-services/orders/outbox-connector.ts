export interface OutboxDatabase {
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
}

/** A connector as Kafka Connect's REST API takes it. */
export interface Connector {
  name: string;
  config: Record<string, string>;
}

/** The topic that carries every event of the outbox. */
export const outboxTopic = (name: string): string => `${name}.outbox`;

/**
 * The Debezium connector that publishes the outbox to `outboxTopic(name)`, with a slot and a publication of its own.
 * `snapshot.mode=initial` publishes the events written before it was created, too: the consumer deduplicates.
 */
export const outboxConnector = (name: string, database: OutboxDatabase): Connector => {
  const own = `${name}_outbox`.toLowerCase().replace(/[^a-z0-9_]/g, '_');
  return {
    name: outboxTopic(name),
    config: {
      'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
      'tasks.max': '1',
      'plugin.name': 'pgoutput',
      'database.hostname': database.host,
      'database.port': String(database.port),
      'database.user': database.user,
      'database.password': database.password,
      'database.dbname': database.database,
      'topic.prefix': `${name}.outbox-source`,
      'table.include.list': 'public.outbox',
      'slot.name': own,
      'publication.name': own,
      'publication.autocreate.mode': 'filtered',
      'snapshot.mode': 'initial',
      'heartbeat.interval.ms': '5000',
      'poll.interval.ms': '20',
      'tombstones.on.delete': 'false',
      'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'key.converter.schemas.enable': 'false',
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'value.converter.schemas.enable': 'false',
      transforms: 'outbox',
      'transforms.outbox.type': 'io.debezium.transforms.outbox.EventRouter',
      'transforms.outbox.route.topic.replacement': outboxTopic(name),
      'transforms.outbox.table.expand.json.payload': 'true',
      'transforms.outbox.table.fields.additional.placement': 'type:header:type',
    },
  };
};
