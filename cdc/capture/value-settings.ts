/** One setting of a connector or its converters that decides what a value looks like in the log. */
export type ValueSetting = {
  readonly name: string;
  readonly value: string;
  /** The one connector that has it; both have it otherwise. */
  readonly only?: 'mysql' | 'postgres';
  /** What its default, or another value, would do to a row. */
  readonly why: string;
};

/**
 * Every setting that could change a value on its way, each set although it may be the default: a default is somebody
 * else's choice. `value-settings.servers.test.ts` asks the installed connectors for settings that are missing here.
 */
export const VALUE_SETTINGS: readonly ValueSetting[] = [
  {
    name: 'key.converter',
    value: 'org.apache.kafka.connect.json.JsonConverter',
    why: 'a worker may have another converter, and what a connector says of a converter holds only beside it',
  },
  { name: 'key.converter.schemas.enable', value: 'false', why: 'a message would be its schema, with the row inside' },
  {
    name: 'key.converter.replace.null.with.default',
    value: 'false',
    why: 'a NULL in a column that has a DEFAULT would arrive as that default',
  },
  {
    name: 'value.converter',
    value: 'org.apache.kafka.connect.json.JsonConverter',
    why: 'a worker may have another converter, and what a connector says of a converter holds only beside it',
  },
  { name: 'value.converter.schemas.enable', value: 'false', why: 'a message would be its schema, with the row inside' },
  {
    name: 'value.converter.replace.null.with.default',
    value: 'false',
    why: 'a NULL in a column that has a DEFAULT would arrive as that default',
  },
  {
    name: 'header.converter',
    value: 'org.apache.kafka.connect.storage.SimpleHeaderConverter',
    why: 'a worker may write headers as JSON, so that the placeholder would stand in quotes',
  },
  { name: 'decimal.handling.mode', value: 'string', why: 'a double has no room for every digit of a DECIMAL' },
  { name: 'binary.handling.mode', value: 'hex', why: 'the canonical text of bytes is hexadecimal' },
  { name: 'time.precision.mode', value: 'isostring', why: 'numbers of days or microseconds overflow at the edges' },
  {
    name: 'event.converting.failure.handling.mode',
    value: 'fail',
    why: 'a value that cannot be converted would be NULL and a line in a log',
  },
  { name: 'event.processing.failure.handling.mode', value: 'fail', why: 'a change that fails would be left out' },
  { name: 'skipped.operations', value: 'none', why: 'a TRUNCATE would be left out' },
  { name: 'tombstones.on.delete', value: 'false', why: 'a second message after a delete says nothing' },
  { name: 'schema.name.adjustment.mode', value: 'none', why: 'names would be written differently' },
  { name: 'field.name.adjustment.mode', value: 'none', why: 'names of columns would be written differently' },
  {
    name: 'bigint.unsigned.handling.mode',
    value: 'precise',
    only: 'mysql',
    why: 'a long is negative above 9,223,372,036,854,775,807',
  },
  {
    name: 'enable.time.adjuster',
    value: 'false',
    only: 'mysql',
    why: 'years before 100 would be moved to 1970 and later: 0001 to 2001, 0099 to 1999',
  },
  {
    name: 'event.deserialization.failure.handling.mode',
    value: 'fail',
    only: 'mysql',
    why: 'a damaged event would be left out',
  },
  {
    name: 'inconsistent.schema.handling.mode',
    value: 'fail',
    only: 'mysql',
    why: 'rows of a table whose columns are not known would be left out',
  },
  {
    name: 'hstore.handling.mode',
    value: 'json',
    only: 'postgres',
    why: 'a type that is not mapped; one form of it, whatever the default',
  },
  {
    name: 'interval.handling.mode',
    value: 'string',
    only: 'postgres',
    why: 'a month would be a number of microseconds: a type that is not mapped, and shall not become one by mistake',
  },
  {
    name: 'include.unknown.datatypes',
    value: 'true',
    only: 'postgres',
    why: 'a column of an unknown type would be left out, and nobody would see that it is not mapped',
  },
  {
    name: 'schema.refresh.mode',
    value: 'columns_diff',
    only: 'postgres',
    why: 'another mode does not look columns up again when a value is missing from a row',
  },
  {
    name: 'publish.via.partition.root',
    value: 'false',
    only: 'postgres',
    why: 'rows of a partition would be named after another table',
  },
];

/** Settings that could change a value and are not set, because only leaving them out does nothing; and what they would do. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  converters: 'own converters of single columns',
  'post.processors': 'rewrites rows: the reselect processor reads today’s value into yesterday’s row',
  'message.key.columns': 'other keys of messages, which nobody reads',
  'column.include.list': 'leaves columns out',
  'column.exclude.list': 'leaves columns out',
  'column.mask.hash.([^.]+).with.salt.(.+)': 'replaces texts',
  'column.mask.with.(d+).chars': 'replaces texts',
  'column.truncate.to.(d+).chars': 'cuts texts',
  'snapshot.select.statement.overrides': 'copies something else than the rows',
};

/** The settings of one connector that decide what its values look like. */
export const valueSettings = (connector: 'mysql' | 'postgres'): Readonly<Record<string, string>> =>
  Object.fromEntries(
    VALUE_SETTINGS.filter(({ only }) => only === undefined || only === connector).map(({ name, value }) => [
      name,
      value,
    ]),
  );
