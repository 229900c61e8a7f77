import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import type { Cdc } from '../cdc.ts';
import { init } from '../setup/init.ts';
import { makeWorld, until, untilRunning, type World } from '../testing/world.ts';
import { verify } from '../verify.ts';

/** A nullable column of each type that has a DEFAULT on both sides: its name, then type and default of each. */
const DEFAULTED = [
  ['a_int', 'INT', '7', 'INT', '8'],
  ['a_tinyint', 'TINYINT', '7', 'SMALLINT', '8'],
  ['a_bigint', 'BIGINT', '7', 'BIGINT', '8'],
  ['an_unsigned', 'BIGINT UNSIGNED', '18446744073709551615', 'NUMERIC(20)', '8'],
  ['a_decimal', 'DECIMAL(10,2)', '15.28', 'NUMERIC(10,2)', '8.5'],
  ['a_double', 'DOUBLE', '1.5', 'DOUBLE PRECISION', '2.5'],
  ['a_boolean', 'TINYINT(1)', '1', 'BOOLEAN', 'true'],
  ['a_varchar', 'VARCHAR(20)', "'seven'", 'VARCHAR(20)', "'eight'"],
  ['a_char', 'CHAR(8)', "'seven'", 'CHAR(8)', "'eight'"],
  ['a_text', 'TEXT', "('seven')", 'TEXT', "'eight'"],
  ['an_enum', "ENUM('one', 'two')", "'one'", 'TEXT', "'two'"],
  ['a_uuid', 'CHAR(36)', "'6f1c2f2e-0000-4000-8000-000000000007'", 'UUID', "'6f1c2f2e-0000-4000-8000-000000000008'"],
  ['a_binary', 'BINARY(2)', "'ab'", 'BYTEA', "'cd'"],
  ['a_blob', 'BLOB', "('ab')", 'BYTEA', "'cd'"],
  ['a_json', 'JSON', "('{}')", 'JSONB', "'[]'"],
  ['a_plain_json', 'JSON', "('{}')", 'JSON', "'[]'"],
  ['a_date', 'DATE', "'2020-01-07'", 'DATE', "'2020-01-08'"],
  ['a_datetime', 'DATETIME(6)', "'2020-01-07'", 'TIMESTAMP', "'2020-01-08'"],
  ['a_timestamp', 'TIMESTAMP(6) NULL', "'2020-01-07'", 'TIMESTAMPTZ', "'2020-01-08'"],
  ['a_year', 'YEAR', '2007', 'INT', '2008'],
] as const;

/** Where a NULL was written, and the row's id: copied, inserted and updated in the log of each side. */
const NULLS = { copied: 1, inserted: 3, updated: 5, insertedInService: 2, updatedInService: 4 };

const TABLES = {
  monolith: [
    `CREATE TABLE defaulted (id BIGINT PRIMARY KEY, user_id INT NOT NULL,
       ${DEFAULTED.map(([name, type, value]) => `${name} ${type} DEFAULT ${value}`).join(', ')})`,
    'CREATE TABLE early (id BIGINT PRIMARY KEY, user_id INT NOT NULL, d DATE, dt DATETIME(6), y YEAR)',
    `CREATE TABLE special (id BIGINT PRIMARY KEY, user_id INT NOT NULL, d DATE, dt DATETIME(6), ts DATETIME(6), n DECIMAL(40,10),
       f DOUBLE, b TINYINT(1), i INT, y YEAR, j JSON, p JSON, c CHAR(5), ch CHAR(5), bi BINARY(4))`,
  ],
  service: [
    `CREATE TABLE defaulted (id BIGINT PRIMARY KEY, user_id INT NOT NULL,
       ${DEFAULTED.map(([name, , , type, value]) => `${name} ${type} DEFAULT ${value}`).join(', ')})`,
    'CREATE TABLE early (id BIGINT PRIMARY KEY, user_id INT NOT NULL, d DATE, dt TIMESTAMP, y INT)',
    `CREATE TABLE special (id BIGINT PRIMARY KEY, user_id INT NOT NULL, d DATE, dt TIMESTAMP, ts TIMESTAMPTZ, n NUMERIC(40,10), f FLOAT8,
       b BOOLEAN, i NUMERIC, y INT, j JSONB, p JSON, c CHAR(5), ch VARCHAR(5), bi BYTEA)`,
  ],
  plan: { defaulted: { user: 'user_id' }, early: { user: 'user_id' }, special: { user: 'user_id' } },
};

let world: World;
let cdc: Cdc;

const query = (on: 'monolith' | 'service', sql: string) => world[on].query(sql);
const ids = async (on: 'monolith' | 'service', table: string) =>
  (await query(on, `SELECT id FROM ${table} ORDER BY id`)).rows.map(({ id }) => Number(id));
const allNull = (id: number) => `(${id}, 1${', NULL'.repeat(DEFAULTED.length)})`;
const toNull = (id: number) =>
  `UPDATE defaulted SET ${DEFAULTED.map(([name]) => `${name} = NULL`).join(', ')} WHERE id = ${id}`;

beforeAll(async () => {
  world = await makeWorld(await servers(), TABLES);
  await query('monolith', `INSERT INTO defaulted VALUES ${allNull(NULLS.copied)}`);
  await query('monolith', "INSERT INTO early VALUES (1, 1, '0001-01-01', '0099-12-31 23:59:59.999999', 1901)");
});
afterAll(() => world?.destroy());

describe('a value that the copy would change', () => {
  const again = () => init(world.plan, { apply: true, createUsers: true, say: () => {} });

  test('is named at init, before anything is copied: table, column, both types, why, and what to do', async () => {
    await query('monolith', 'INSERT INTO early VALUES (3, 1, NULL, NULL, 0), (5, 1, NULL, NULL, 0)');
    await query('monolith', "INSERT INTO early VALUES (7, 1, '0000-01-01', NULL, 2000)");
    const refused = await again().catch((error: Error) => error.message);
    expect(refused).toContain(
      'early: column y is year in the monolith and int4 in the service: 2 rows hold the year 0000, which the copy would make 2000; change them',
    );
    expect(refused).toContain(
      'early: column d is date in the monolith and date in the service: 1 rows hold a date before',
    );
    await query('monolith', 'DELETE FROM early WHERE id > 1');
    await again();
  });
});

describe('values on their way, by the copy and by the log of either side', () => {
  beforeAll(async () => {
    cdc = world.start();
    await untilRunning(cdc);
    await query('monolith', `INSERT INTO defaulted VALUES ${allNull(NULLS.inserted)}`);
    await query('monolith', `INSERT INTO defaulted (id, user_id) VALUES (${NULLS.updated}, 1)`);
    await query('monolith', toNull(NULLS.updated));
    await query('monolith', "INSERT INTO early VALUES (3, 1, '0001-01-01', '0099-12-31 23:59:59.999999', 0)");
    // Integers, doubles of every length, and what both write differently.
    await query(
      'monolith',
      `INSERT INTO special (id, user_id, j, p, c) VALUES (1, 1, '{"a": 1.1e23, "b": 2.0e-3, "c": 5.684341886080802e-14,
         "d": 123456789012345678901234567890, "e": [1e308, -0.0, 5e-324], "f": 18446744073709551615,
         "__proto__": {"x": 1}, "constructor": 1, "g": "\\\\u00e9\\\\n"}', '[0.1, 1.0, 1e2]', 'ab')`,
    );
    await world.moveToService(1);
    await query('service', `INSERT INTO defaulted VALUES ${allNull(NULLS.insertedInService)}`);
    await query('service', `INSERT INTO defaulted (id, user_id) VALUES (${NULLS.updatedInService}, 1)`);
    await query('service', toNull(NULLS.updatedInService));
    await query('service', "INSERT INTO early VALUES (2, 1, '0001-01-01', '0099-12-31 23:59:59.999999', 0)");
    await query('service', 'INSERT INTO special (id, user_id, c, p) VALUES (2, 1, \'x y\', \'{"b": 1,   "a": 1E2}\')');
    await query('service', "INSERT INTO special (id, user_id, j, p) VALUES (4, 1, 'null', 'null')");
    await until('the last row', async () => (await ids('monolith', 'special')).length === 3);
  });

  test('both sides are equal, as verify sees them', async () => {
    const { tables, mismatches } = await verify(world.plan, 'orders');
    expect({ tables: tables.filter((table) => table.mismatches), mismatches }).toEqual({ tables: [], mismatches: 0 });
    expect(await ids('service', 'defaulted')).toEqual([1, 2, 3, 4, 5]);
  });

  test.each(DEFAULTED.map(([name]) => name))('NULL in a column %s that has a DEFAULT stays NULL', async (name) => {
    for (const on of ['monolith', 'service'] as const) {
      const { rows } = await query(on, `SELECT id FROM defaulted WHERE ${name} IS NOT NULL`);
      expect(rows.map(({ id }) => Object.entries(NULLS).find(([, one]) => one === Number(id))?.[0])).toEqual([]);
    }
  });

  test('years before 100 stay what they are: DATE, DATETIME and YEAR', async () => {
    const read = async (on: 'monolith' | 'service', text: string) =>
      (
        await query(
          on,
          `SELECT CAST(d AS ${text}) AS d, CAST(dt AS ${text}) AS dt, CAST(y AS ${text}) AS y FROM early ORDER BY id`,
        )
      ).rows;
    const [d, dt] = ['0001-01-01', '0099-12-31 23:59:59.999999'];
    const [first, second, third] = ['1901', '0', '0'].map((y) => ({ d, dt, y }));
    expect(await read('service', 'TEXT')).toEqual([first, second, third]);
    const padded = (row: object | undefined) => ({ ...row, y: '0000' });
    expect(await read('monolith', 'CHAR')).toEqual([first, padded(second), padded(third)]);
  });

  test('a JSON document keeps its keys, whatever they are called, and every digit', async () => {
    const { rows } = await query(
      'service',
      "SELECT j->>'d' AS d, j->>'f' AS f, j->'__proto__'->>'x' AS x FROM special WHERE id = 1",
    );
    expect(rows).toEqual([{ d: '123456789012345680000000000000', f: '18446744073709551615', x: '1' }]);
  });

  test('a document that says null is none that is missing', async () => {
    const { rows } = await query('monolith', 'SELECT JSON_TYPE(j) AS j, JSON_TYPE(p) AS p FROM special WHERE id = 4');
    expect(rows).toEqual([{ j: 'NULL', p: 'NULL' }]);
    expect((await query('monolith', 'SELECT id FROM special WHERE j IS NULL ORDER BY id')).rows).toEqual([{ id: 2 }]);
  });

  test('char(n) is carried without the spaces that fill it up', async () => {
    expect((await query('service', "SELECT id FROM special WHERE c = 'ab'")).rows).toHaveLength(1);
    expect((await query('monolith', 'SELECT HEX(c) AS c FROM special WHERE id = 2')).rows).toEqual([{ c: '782079' }]);
  });

  /** What MySQL cannot hold, by user. */
  const REFUSED = [
    ['a date that never ends', 'd', "'infinity'"],
    ['a date that never began', 'd', "'-infinity'"],
    ['a date before Christ', 'd', "'0044-03-15 BC'"],
    ['a date after 9999', 'd', "'10000-01-01'"],
    ['a timestamp that never ends', 'dt', "'infinity'"],
    ['a timestamp before Christ', 'ts', "'0044-03-15 BC'"],
    ['a timestamptz that never began', 'ts', "'-infinity'"],
    ['a numeric that is no number', 'n', "'NaN'"],
    ['an infinite numeric', 'i', "'-Infinity'"],
    ['a float that is no number', 'f', "'NaN'"],
    ['an infinite float', 'f', "'Infinity'"],
    ['a fraction against an integer', 'i', '1.5'],
    ['a space at the end, which CHAR drops', 'ch', "'ab '"],
    ['fewer bytes than BINARY fills up to', 'bi', "'\\x0102'"],
    ['a year of two digits', 'y', '26'],
    ['a JSON number beyond a double', 'j', `'{"a": 1e400}'`],
    ['a JSON number with more digits than a double', 'j', `'[0.12345678901234567890]'`],
    ['a JSON integer beyond 64 bits', 'j', `'[123456789012345678901234567890]'`],
    ['a JSON exponent as large as a disk', 'p', `'[1e999999999]'`],
    ['a JSON document that says a key twice', 'p', `'{"a": 1, "a": 2}'`],
    ['a JSON document deeper than a hundred levels', 'p', `'${'['.repeat(101)}${']'.repeat(101)}'`],
  ] as const;

  test('a value that MySQL cannot hold is kept with its row for a person; nobody else waits (faults 60, faults 88)', async () => {
    const before = (await ids('monolith', 'special')).length;
    for (const [at, [, column, value]] of REFUSED.entries()) {
      await query(
        'service',
        `INSERT INTO special (id, user_id, ${column}) VALUES (${100 + 2 * at}, ${1000 + at}, ${value})`,
      );
    }
    await query('service', "INSERT INTO special (id, user_id, c) VALUES (900, 1, 'last')");
    await until('the last row', async () => (await ids('monolith', 'special')).includes(900));
    const { rows } = await query(
      'monolith',
      "SELECT user_id FROM strangler_quarantine WHERE status = 'open' AND cause = 'inapplicable' AND table_name = 'special'",
    );
    const users = new Set(rows.map(({ user_id }) => Number(user_id)));
    expect(REFUSED.filter((_, at) => !users.has(1000 + at)).map(([what]) => what)).toEqual([]);
    expect(await ids('monolith', 'special')).toHaveLength(before + 1);
    expect(cdc.streams.map((one) => one.status().state)).toEqual(['running', 'running']);
  });

  test('verify reads such values as they are: never as NULL, and never as another year', async () => {
    const bare = REFUSED.map((_, at) => `(${100 + 2 * at}, ${1000 + at})`).join(', ');
    await world.secretly('monolith', `INSERT INTO special (id, user_id) VALUES ${bare}`);
    const { tables } = await verify(world.plan, 'orders');
    expect(tables.find(({ table }) => table === 'special')).toMatchObject({ mismatches: REFUSED.length });
  });
});
