import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import type { Cdc } from '../cdc.ts';
import { doctor } from '../doctor/doctor.ts';
import { retry } from '../quarantine/retry.ts';
import { list } from '../quarantine/view.ts';
import { makeWorld, until, untilRunning, type World } from '../testing/world.ts';
import { verify } from '../verify.ts';

/** Keys that MySQL's collation takes for equal and Postgres does not, of two users: the table, the first, the second. */
const PAIRS = [
  ['names', 'abc', 'ABC'],
  ['names', 'cafe', 'café'],
  ['names', 'ss', 'ß'],
  ['latin', 'naive', 'naïve'],
  ['padded', 'x', 'x '],
  ['pairs', 'abc', 'ABC'],
] as const;

const COLUMNS = 'user_id INT NOT NULL, note VARCHAR(20)';
const TABLES = {
  monolith: [
    `CREATE TABLE names (name VARCHAR(20) PRIMARY KEY, ${COLUMNS})`,
    `CREATE TABLE latin (name VARCHAR(20) CHARACTER SET latin1 PRIMARY KEY, ${COLUMNS})`,
    `CREATE TABLE padded (name VARCHAR(20) COLLATE utf8mb4_bin PRIMARY KEY, ${COLUMNS})`,
    `CREATE TABLE pairs (name VARCHAR(20), n INT DEFAULT 1, ${COLUMNS}, PRIMARY KEY (n, name))`,
    'CREATE TABLE parts (id BIGINT PRIMARY KEY, name VARCHAR(20) NOT NULL, note VARCHAR(20))',
    'CREATE TABLE fixed (name CHAR(6) PRIMARY KEY, user_id INT NOT NULL, note VARCHAR(20))',
    'CREATE TABLE Drafts (Id BIGINT AUTO_INCREMENT PRIMARY KEY, userId INT NOT NULL)',
  ],
  service: [
    `CREATE TABLE names (name VARCHAR(20) PRIMARY KEY, ${COLUMNS})`,
    `CREATE TABLE latin (name VARCHAR(20) PRIMARY KEY, ${COLUMNS})`,
    `CREATE TABLE padded (name VARCHAR(20) PRIMARY KEY, ${COLUMNS})`,
    `CREATE TABLE pairs (name VARCHAR(20), n INT DEFAULT 1, ${COLUMNS}, PRIMARY KEY (n, name))`,
    'CREATE TABLE parts (id BIGINT PRIMARY KEY, name VARCHAR(20) NOT NULL, note VARCHAR(20))',
    'CREATE TABLE fixed (name CHAR(6) PRIMARY KEY, user_id INT NOT NULL, note VARCHAR(20))',
    'CREATE TABLE "Drafts" ("Id" BIGSERIAL PRIMARY KEY, "userId" INT NOT NULL)',
  ],
  plan: {
    ...Object.fromEntries(
      ['names', 'latin', 'padded', 'fixed'].map((table) => [table, { user: 'user_id', distinct: [['name']] }]),
    ),
    pairs: { user: 'user_id', distinct: [['n', 'name']] },
    parts: { user: { through: 'name', of: 'names' } },
    Drafts: { user: 'userId' },
  },
};

let world: World;
let cdc: Cdc;

const query = (on: 'monolith' | 'service', sql: string, values: readonly string[] = []) => world[on].query(sql, values);
const insert = (on: 'monolith' | 'service', table: string, name: string, user: number) =>
  query(on, `INSERT INTO ${table} (name, user_id, note) VALUES (?, ${user}, 'mine')`, [name]);
const names = async (on: 'monolith' | 'service', table: string) =>
  (await query(on, `SELECT name FROM ${table}`)).rows.map(({ name }) => String(name)).sort();
const passed = async (what: string) => {
  await insert('service', 'names', `after ${what}`, 900);
  await until(`everything before “after ${what}”`, async () =>
    (await names('monolith', 'names')).includes(`after ${what}`),
  );
};
const openOf = (user: number) =>
  list(world.plan, { capabilities: [], status: 'open', user: String(user), cause: undefined });

beforeAll(async () => {
  world = await makeWorld(await servers(), TABLES);
  for (const [table, name] of PAIRS) await insert('monolith', table, name, 1);
  await query('monolith', "INSERT INTO parts VALUES (1, 'abc', 'of abc')");
  await insert('monolith', 'fixed', 'abc', 1);
  cdc = world.start();
  await untilRunning(cdc);
  await world.moveToService(1);
});
afterAll(() => world?.destroy());

describe('keys that one database takes for equal and the other does not', () => {
  test.each(PAIRS)(
    '%s: a row that comes and goes on one side leaves the other user’s alone (%s, %s)',
    async (table, name, like) => {
      await world.service.transaction(async () => {
        await insert('service', table, like, 2);
        await query('service', `DELETE FROM ${table} WHERE name = ?`, [like]);
      });
      await passed(`${table} ${like}`);
      expect(await names('monolith', table)).toContain(name);
    },
  );

  test('an UPDATE and a DELETE reach the row that is meant, and only that', async () => {
    await query('service', "UPDATE names SET note = 'changed' WHERE name = 'abc'");
    await query('service', "UPDATE latin SET note = 'changed' WHERE name = 'naive'");
    await query('service', "UPDATE fixed SET note = 'changed' WHERE name = 'abc'");
    await passed('the updates');
    for (const table of ['names', 'latin', 'fixed']) {
      const { rows } = await query('monolith', `SELECT name FROM ${table} WHERE note = 'changed'`);
      expect(rows).toHaveLength(1);
    }
    expect((await verify(world.plan, 'orders')).mismatches).toBe(0);
  });

  test('a row that has no room beside the other user’s is kept, and never put in its place', async () => {
    for (const [at, [table, , like]] of PAIRS.entries()) await insert('service', table, like, 10 + at);
    await passed('all of them');
    for (const [at, [table, name]] of PAIRS.entries()) {
      expect(await openOf(10 + at)).toMatchObject([{ cause: 'inapplicable', table }]);
      const { rows } = await query('monolith', `SELECT user_id FROM ${table} WHERE name = ?`, [name]);
      expect(rows).toEqual([{ user_id: 1 }]);
    }
  });

  test('trying it again once it is gone removes nobody else’s row', async () => {
    await query('service', "UPDATE names SET note = 'gone soon' WHERE name = 'ABC'");
    for (const [table, , like] of PAIRS) await query('service', `DELETE FROM ${table} WHERE name = ?`, [like]);
    await passed('their end');
    const results = await retry(world.plan, { capabilities: ['orders'] }, 'ada', 'a test');
    expect(results.filter(({ settled }) => !settled)).toEqual([]);
    for (const [table, name] of PAIRS) expect(await names('monolith', table)).toContain(name);
    expect((await query('monolith', 'SELECT name FROM parts')).rows).toEqual([{ name: 'abc' }]);
    expect((await verify(world.plan, 'orders')).mismatches).toBe(0);
  });

  test('a child of a name that only looks like a parent’s is an orphan on either side', async () => {
    const child = "INSERT INTO parts VALUES (7, 'Abc', 'of nobody')";
    for (const on of ['monolith', 'service'] as const) await world.secretly(on, child);
    const { tables } = await verify(world.plan, 'orders');
    expect(tables.find(({ table }) => table === 'parts')).toMatchObject({ orphans: { monolith: 1, service: 1 } });
  });

  test('doctor’s statement for a sequence is carried out as it stands, whatever the case of its names, and satisfies doctor', async () => {
    const ofSequence = async () => (await doctor(world.plan)).filter(({ what }) => what.includes('sequence'));
    const [found, ...more] = await ofSequence();
    expect(more).toEqual([]);
    expect(found).toMatchObject({ where: 'orders.Drafts', what: expect.stringContaining('public."Drafts_Id_seq"') });
    await query('service', found!.fix);
    expect(await ofSequence()).toEqual([]);
  });

  test('doctor tells a wrong password from a server that is away', async () => {
    const admin = world.plan.monolith.database!.admin.replace(/:[^:@/]*@/, ':not-the-password@');
    const plan = {
      ...world.plan,
      monolith: { ...world.plan.monolith, database: { ...world.plan.monolith.database!, admin } },
    };
    const fixes = (await doctor(plan)).filter(({ where }) => where === 'monolith').map(({ fix }) => fix);
    expect(fixes).toContainEqual(expect.stringContaining('correct the user or the password of monolith'));
  });

  test('doctor names the keys under which the service can write what the monolith has no room for (faults 87)', async () => {
    const named = (await doctor(world.plan)).filter(({ what }) => what.includes('takes texts for equal that differ'));
    expect(named.map(({ where, level }) => `${level} ${where}`).sort()).toEqual(
      ['fixed', 'latin', 'names', 'padded', 'pairs'].map((table) => `warning orders.${table}`),
    );
  });
});
