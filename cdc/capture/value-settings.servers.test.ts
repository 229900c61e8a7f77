import { describe, expect, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import { LEFT_OUT, VALUE_SETTINGS } from './value-settings.ts';

/** Settings that say where, when and how fast rows come, not what they look like. */
const NOT_ABOUT_VALUES = new Set(
  `
  binlog.buffer.size binlog.net.read.timeout binlog.net.write.timeout column.propagate.source.type
  config.action.reload connect.keep.alive connect.keep.alive.interval.ms connect.timeout.ms
  connection.validation.timeout.ms connector.class connector.plugin.version custom.metric.tags
  custom.sanitize.pattern datatype.propagate.source.type ddl.parser.type exactly.once.support
  executor.shutdown.timeout.ms extended.headers.enabled flush.lsn.source gtid.ignore.on.recovery
  gtid.source.excludes gtid.source.filter.dml.events gtid.source.includes header.converter.plugin.version
  include.query include.schema.changes include.schema.comments incremental.snapshot.allow.schema.changes
  incremental.snapshot.chunk.size incremental.snapshot.watermarking.strategy internal.advanced.metrics.enable
  internal.legacy.snapshot.max.threads internal.log.position.check.enable
  internal.snapshot.scan.all.columns.force key.converter.plugin.version legacy.snapshot.max.threads
  lsn.flush.mode lsn.flush.timeout.action lsn.flush.timeout.ms max.batch.size max.queue.size
  max.queue.size.in.bytes memory.management.schemas.class memory.management.tables.class
  message.prefix.exclude.list message.prefix.include.list min.row.count.to.stream.results name
  offsets.storage.topic plugin.name poll.interval.ms predicates provide.transaction.metadata
  publication.autocreate.mode publication.name query.fetch.size replica.identity.autoset.values
  retriable.restart.connector.wait.ms schema.exclude.list schema.include.list snapshot.delay.ms
  snapshot.fetch.size snapshot.include.collection.list snapshot.isolation.mode snapshot.lock.timeout.ms
  snapshot.locking.mode snapshot.locking.mode.custom.name snapshot.mode snapshot.query.mode
  snapshot.query.mode.custom.name snapshot.tables.order.by.row.count sourceinfo.struct.maker
  statistics.metrics.enabled status.update.interval.ms streaming.delay.ms table.exclude.list
  table.ignore.builtin table.include.list topic.creation.groups topic.naming.strategy topic.prefix
  transaction.boundary transaction.boundary.interval.ms transaction.metadata.factory transforms
  use.nongraceful.disconnect value.converter.plugin.version xmin.fetch.interval.ms
`.match(/\S+/g),
);
/** Whole families of them. */
const FAMILIES =
  /^(database|openlineage|snapshot\.mode|errors|slot|schema\.history|snapshot\.max|guardrail|notification|signal|tasks|heartbeat)\./;

/** Of the JSON converter: what does not matter, and why. */
const OF_THE_CONVERTER = new Set([
  'converter.type', // set by its place
  'schemas.cache.size',
  'schema.content', // a schema to read with
  'decimal.format', // decimals are texts by then
]);

async function settingsOf(plugin: string): Promise<string[]> {
  const { connect } = await servers();
  const response = await fetch(`${connect.url}/connector-plugins/${plugin}/config`);
  return ((await response.json()) as { name: string }[]).map(({ name }) => name);
}

const set = new Set(VALUE_SETTINGS.map(({ name }) => name));

describe('every setting that could change a value on its way', () => {
  test.each(['io.debezium.connector.mysql.MySqlConnector', 'io.debezium.connector.postgresql.PostgresConnector'])(
    'of %s is set, or left out with a reason; a new version’s settings are judged before it is used',
    async (plugin) => {
      const settings = await settingsOf(plugin);
      expect(settings.length).toBeGreaterThan(100);
      const unknown = settings.filter(
        (name) => !set.has(name) && !(name in LEFT_OUT) && !NOT_ABOUT_VALUES.has(name) && !FAMILIES.test(name),
      );
      // The placeholder is random: withPlaceholder.
      expect(unknown.filter((name) => name !== 'unavailable.value.placeholder')).toEqual([]);
    },
  );

  test.each(['key.converter', 'value.converter'])('of the %s is set beside it', async (place) => {
    const settings = await settingsOf('org.apache.kafka.connect.json.JsonConverter');
    expect(settings).toContain('replace.null.with.default');
    const wanted = settings.filter((name) => !OF_THE_CONVERTER.has(name)).map((name) => `${place}.${name}`);
    expect([place, ...wanted].filter((name) => !set.has(name))).toEqual([]);
  });
});
