import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openSession, type Session } from '@strangler/ledger';
import { servers } from '@strangler/servers';
import { tableOf } from '../../plan/testing/table.ts';
import { openWriter } from '../apply/writer.ts';
import { readShape } from '../mapping/columns.ts';
import { type MappedTable, mapTable, type Row } from '../mapping/mapping.ts';
import { openStore } from './open-store.ts';

const NAME = `row_store_${process.pid}`;
let root: Session;
let session: Session;
let table: MappedTable;

/** What the service's column of the same name is. */
const OTHER: Readonly<Record<string, string>> = {
  ...{ id: 'int8', user_id: 'int4', big: 'numeric', exact: 'numeric', flag: 'bool', sort: 'text', document: 'jsonb' },
  ...{
    raw: 'bytea',
    happened: 'timestamp',
    stamped: 'timestamptz',
    day: 'date',
    ratio: 'float8',
    words: 'text',
    y: 'int4',
  },
};
const FULL: Row = {
  ...{
    id: '1',
    user_id: '1',
    big: '18446744073709551615',
    exact: '12345678901234567890123456.123456789012',
    flag: '1',
  },
  ...{ sort: 'two', document: '{"a":{"n":9007199254740993},"b":[1,2.5,null]}', raw: '00ff10', ratio: '0.1', y: '2020' },
  ...{ happened: '2026-01-31T23:59:59.123456Z', stamped: '2026-06-30T12:00:00.000001Z', day: '2024-02-29' },
  words: 'naïve 🌱 \\ "quoted" \n',
};
const EDGE: Row = {
  ...{ id: '2', user_id: '-5', big: '0', exact: '-0.5', flag: '0', sort: 'one', document: '"x"', raw: '', y: '1999' },
  ...{ happened: '1970-01-01T00:00:00.000000Z', stamped: '2038-01-19T03:14:07.000000Z', day: '1000-01-01' },
  ...{ ratio: '-1e+300', words: '' },
};
const EMPTY: Row = { ...Object.fromEntries(Object.keys(FULL).map((name) => [name, null])), id: '3', user_id: '3' };
const ROWS = [FULL, EDGE, EMPTY];

beforeAll(async () => {
  const { mysql } = await servers();
  const url = (database: string) => `mysql://${mysql.user}:${mysql.password}@${mysql.host}:${mysql.port}/${database}`;
  root = await openSession(url('mysql'), 'reader');
  await root.query(`CREATE DATABASE ${NAME}`);
  session = await openWriter(url(NAME), 'repair');
  await session.query(
    `CREATE TABLE samples (id BIGINT PRIMARY KEY, user_id INT NOT NULL, big BIGINT UNSIGNED, exact DECIMAL(38,12), flag TINYINT(1),
       sort ENUM('one', 'two'), document JSON, raw VARBINARY(16), happened DATETIME(6), stamped TIMESTAMP(6) NULL, day DATE,
       ratio DOUBLE, words TEXT, y YEAR)`,
  );
  const shape = (await readShape(session, 'samples'))!;
  const other = { ...shape, columns: shape.columns.map((column) => ({ ...column, type: OTHER[column.name]! })) };
  table = mapTable('samples', tableOf({ user: 'user_id' }), 'integer', shape, other, [])!;
});
afterAll(async () => {
  await session?.close();
  await root?.query(`DROP DATABASE ${NAME}`);
  await root?.close();
});

describe('rows of MySQL', () => {
  const sorted = async () => {
    const rows = await openStore(session, table, 'monolith').read(['id'], ROWS);
    return rows.sort((a, b) => Number(a.id) - Number(b.id));
  };

  test('keep every value of every type, inserted and changed many at a time (faults 70)', async () => {
    const store = openStore(session, table, 'monolith');
    await store.write(ROWS);
    expect(await sorted()).toEqual(ROWS);
    const rotated = ROWS.map((row, at) => ({ ...ROWS[(at + 1) % ROWS.length]!, id: row.id! }));
    await store.write(rotated);
    expect(await sorted()).toEqual(rotated);
    await store.write(ROWS);
    expect(await sorted()).toEqual(ROWS);
  });

  test('are inserted and changed in one call, and removed', async () => {
    const store = openStore(session, table, 'monolith');
    await store.remove([FULL]);
    await store.write([{ ...EDGE, words: 'changed' }, FULL]);
    expect(await sorted()).toEqual([FULL, { ...EDGE, words: 'changed' }, EMPTY]);
    expect(await store.holdKeys([FULL, { ...FULL, id: '99' }, { ...FULL, id: 'none' }])).toEqual([{ id: '1' }]);
  });

  test('a look for a key that MySQL cannot have finds no other row: NaN is not 0, and infinity no date', async () => {
    await session.query('CREATE TABLE amounts (n DECIMAL(10,2), d DATE, user_id INT NOT NULL, PRIMARY KEY (n, d))');
    await session.query("INSERT INTO amounts VALUES (0, '2020-01-01', 1)");
    const shape = (await readShape(session, 'amounts'))!;
    const types: Readonly<Record<string, string>> = { n: 'numeric', d: 'date', user_id: 'int4' };
    const other = { ...shape, columns: shape.columns.map((column) => ({ ...column, type: types[column.name]! })) };
    const amounts = mapTable('amounts', tableOf({ user: 'user_id' }), 'integer', shape, other, [])!;
    const store = openStore(session, amounts, 'monolith');
    const there: Row = { n: '0', d: '2020-01-01', user_id: '1' };
    const impossible: Row[] = [
      { ...there, n: 'NaN' },
      { ...there, d: 'infinity' },
      { ...there, d: '2020-01-01 BC' },
    ];
    expect(await store.read(['n', 'd'], impossible)).toEqual([]);
    await store.remove(impossible);
    for (const row of impossible) await expect(store.write([row])).rejects.toThrow('cannot hold it');
    expect(await store.read(['n', 'd'], [there, ...impossible])).toEqual([there]);
  });
});
