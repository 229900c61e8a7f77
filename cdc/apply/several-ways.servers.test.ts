import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import { resolve } from '../quarantine/resolve.ts';
import { show } from '../quarantine/view.ts';
import { repair } from '../recopy/recopy.ts';
import { makeWorld, until, untilRunning, type World } from '../testing/world.ts';
import { verify } from '../verify.ts';

type On = 'monolith' | 'service';

let world: World;

const ONE_PARENT = 'CHECK ((order_id IS NOT NULL AND line_no IS NOT NULL) OR return_id IS NOT NULL)';
const SOMEBODY = 'CHECK (author_id IS NOT NULL OR editor_id IS NOT NULL)';

/** Lines have a key of two columns; a parcel is of an order’s line or of a return; a page is its author’s, or else its editor’s. */
const TABLES = {
  monolith: [
    'CREATE TABLE baskets (id INT NOT NULL PRIMARY KEY, user_id INT NOT NULL)',
    'CREATE TABLE lines_of (order_id INT NOT NULL, line_no INT NOT NULL, sku VARCHAR(20) NOT NULL, PRIMARY KEY (order_id, line_no))',
    'CREATE TABLE returns (id INT NOT NULL PRIMARY KEY, user_id INT NOT NULL)',
    `CREATE TABLE parcels (id INT NOT NULL PRIMARY KEY, order_id INT, line_no INT, return_id INT, note VARCHAR(40) NOT NULL,
       CONSTRAINT parcels_has_user ${ONE_PARENT})`,
    'CREATE TABLE stamps (id INT NOT NULL PRIMARY KEY, parcel_id INT NOT NULL, word VARCHAR(40) NOT NULL)',
    `CREATE TABLE pages (id INT NOT NULL PRIMARY KEY, author_id INT, editor_id INT, title VARCHAR(40) NOT NULL,
       CONSTRAINT pages_has_user ${SOMEBODY})`,
    'CREATE TABLE memos (id INT NOT NULL PRIMARY KEY, owner_id INT, page_id INT, words VARCHAR(40) NOT NULL)',
  ],
  service: [
    'CREATE TABLE baskets (id INT PRIMARY KEY, user_id INT NOT NULL)',
    'CREATE TABLE lines_of (order_id INT, line_no INT, sku VARCHAR(20) NOT NULL, PRIMARY KEY (order_id, line_no))',
    'CREATE TABLE returns (id INT PRIMARY KEY, user_id INT NOT NULL)',
    `CREATE TABLE parcels (id INT PRIMARY KEY, order_id INT, line_no INT, return_id INT, note VARCHAR(40) NOT NULL,
       CONSTRAINT parcels_has_user ${ONE_PARENT})`,
    'CREATE TABLE stamps (id INT PRIMARY KEY, parcel_id INT NOT NULL, word VARCHAR(40) NOT NULL)',
    `CREATE TABLE pages (id INT PRIMARY KEY, author_id INT, editor_id INT, title VARCHAR(40) NOT NULL,
       CONSTRAINT pages_has_user ${SOMEBODY})`,
    'CREATE TABLE memos (id INT PRIMARY KEY, owner_id INT, page_id INT, words VARCHAR(40) NOT NULL)',
  ],
  plan: {
    baskets: { user: 'user_id' },
    lines_of: { user: { through: 'order_id', of: 'baskets' } },
    returns: { user: 'user_id' },
    parcels: {
      user: [
        { through: ['order_id', 'line_no'], of: 'lines_of' },
        { through: 'return_id', of: 'returns' },
      ],
    },
    stamps: { user: { through: 'parcel_id', of: 'parcels' } },
    pages: { user: ['author_id', 'editor_id'] },
    memos: { user: ['owner_id', { through: 'page_id', of: 'pages' }], unowned: 'monolith' },
  },
  alone: 'integer',
} as const;

/** 7 lives on the service, 8 on the monolith. */
const [SERVICES, MONOLITHS] = [7, 8];
const userOn = { monolith: MONOLITHS, service: SERVICES } as const;
const sides: readonly On[] = ['monolith', 'service'];

type Values = readonly (number | string | null)[];
const insert = (on: On, table: string, values: Values) =>
  world[on].query(`INSERT INTO ${table} VALUES (${values.map(() => '?').join(', ')})`, values);
const read = async (on: On, table: string, id: number) => {
  const { rows } = await world[on].query<Record<string, unknown>>(`SELECT * FROM ${table} WHERE id = ?`, [id]);
  return rows[0] && Object.values(rows[0]);
};
const bothHave = (table: string, values: Values) =>
  until(`${table} ${values.join(', ')} on both sides`, async () => {
    const both = await Promise.all(sides.map((on) => read(on, table, values[0] as number)));
    return both.every((row) => JSON.stringify(row) === JSON.stringify(values));
  });
const neitherHas = (table: string, id: number) =>
  until(`no ${table} ${id} on either side`, async () => {
    const both = await Promise.all(sides.map((on) => read(on, table, id)));
    return both.every((row) => row === undefined);
  });
const kept = async (on: On) =>
  (
    await world[on].query<{ id: number; cause: string; status: string; aggregate: string; user_id: string }>(
      'SELECT id, cause, status, aggregate, user_id FROM strangler_quarantine ORDER BY id',
    )
  ).rows;
const nothingKept = async () => expect([...(await kept('monolith')), ...(await kept('service'))]).toEqual([]);

beforeAll(async () => {
  world = await makeWorld(await servers(), TABLES);
  // What is there before the sync begins is copied.
  await insert('monolith', 'pages', [1, null, MONOLITHS, 'edited']);
  const cdc = world.start();
  await untilRunning(cdc);
  await world.handoff('monolith', 1, 'barrier', String(SERVICES));
  await world.handoff('service', 1, 'grant', String(SERVICES));
  await bothHave('pages', [1, null, MONOLITHS, 'edited']);
  for (const on of sides) {
    const id = userOn[on];
    await insert(on, 'baskets', [id, id]);
    await insert(on, 'returns', [id, id]);
    for (const line of [1, 2]) await insert(on, 'lines_of', [id, line, `sku ${line}`]);
    await bothHave('returns', [id, id]);
  }
});
afterAll(() => world?.destroy());

describe('rows that reach their user by one of several ways', () => {
  test.each(sides)('through a parent with a key of two columns, or another parent: written on the %s', async (on) => {
    const user = userOn[on];
    const [ofLine, ofReturn] = [100 + user, 200 + user];
    await insert(on, 'parcels', [ofLine, user, 2, null, 'sent']);
    await insert(on, 'parcels', [ofReturn, null, null, user, 'sent']);
    await insert(on, 'stamps', [ofLine, ofLine, 'by air']);
    await bothHave('parcels', [ofReturn, null, null, user, 'sent']);
    await bothHave('stamps', [ofLine, ofLine, 'by air']);
    await world[on].query("UPDATE parcels SET note = 'arrived' WHERE id IN (?, ?)", [ofLine, ofReturn]);
    await bothHave('parcels', [ofLine, user, 2, null, 'arrived']);
    await bothHave('parcels', [ofReturn, null, null, user, 'arrived']);
    await nothingKept();
  });

  test.each(sides)('half a key leads nowhere: the other parent does, on the %s', async (on) => {
    const user = userOn[on];
    await insert(on, 'parcels', [300 + user, 404, null, user, 'half']);
    await bothHave('parcels', [300 + user, 404, null, user, 'half']);
    await nothingKept();
  });

  test.each(sides)('by either of two columns; the first counts if both are set: on the %s', async (on) => {
    const [user, other] = [userOn[on], userOn[on === 'service' ? 'monolith' : 'service']];
    await insert(on, 'pages', [10 + user, null, user, 'edited']);
    await insert(on, 'pages', [20 + user, user, other, 'written']);
    await bothHave('pages', [20 + user, user, other, 'written']);
    await world[on].query("UPDATE pages SET title = 'written again' WHERE id IN (?, ?)", [10 + user, 20 + user]);
    await bothHave('pages', [10 + user, null, user, 'written again']);
    await bothHave('pages', [20 + user, user, other, 'written again']);
    // Who edits it is a column like others while it has an author.
    await world[on].query('UPDATE pages SET editor_id = NULL WHERE id = ?', [20 + user]);
    await bothHave('pages', [20 + user, user, null, 'written again']);
    await nothingKept();
  });

  test('a row that changes its way goes to another user, with what is below it, and back', async () => {
    await insert('monolith', 'parcels', [31, MONOLITHS, 1, null, 'goes']);
    await insert('monolith', 'stamps', [31, 31, 'goes along']);
    await bothHave('stamps', [31, 31, 'goes along']);
    await world.monolith.query('UPDATE parcels SET order_id = NULL, line_no = NULL, return_id = ? WHERE id = 31', [
      SERVICES,
    ]);
    await bothHave('parcels', [31, null, null, SERVICES, 'goes']);
    await world.service.query("UPDATE parcels SET note = 'gone' WHERE id = 31");
    await world.service.query("UPDATE stamps SET word = 'gone along' WHERE id = 31");
    await bothHave('parcels', [31, null, null, SERVICES, 'gone']);
    await bothHave('stamps', [31, 31, 'gone along']);
    // The way before it is set as well, and counts from then on.
    await world.service.query('UPDATE parcels SET order_id = ?, line_no = 2 WHERE id = 31', [MONOLITHS]);
    await bothHave('parcels', [31, MONOLITHS, 2, SERVICES, 'gone']);
    await world.monolith.query("UPDATE stamps SET word = 'back' WHERE id = 31");
    await bothHave('stamps', [31, 31, 'back']);
    expect((await kept('service')).filter(({ status }) => status === 'open')).toEqual([]);
    expect((await kept('monolith')).filter(({ status }) => status === 'open')).toEqual([]);
  });

  test('so does one whose author leaves it to its editor; and a job that does that past its owner is kept for a person', async () => {
    await insert('service', 'pages', [32, SERVICES, MONOLITHS, 'left']);
    await bothHave('pages', [32, SERVICES, MONOLITHS, 'left']);
    await world.service.query('UPDATE pages SET author_id = NULL WHERE id = 32');
    await bothHave('pages', [32, null, MONOLITHS, 'left']);
    await world.monolith.query("UPDATE pages SET title = 'taken over' WHERE id = 32");
    await bothHave('pages', [32, null, MONOLITHS, 'taken over']);

    await insert('service', 'pages', [34, SERVICES, MONOLITHS, 'mine']);
    await bothHave('pages', [34, SERVICES, MONOLITHS, 'mine']);
    await world.hold('service', async () => {
      await world.monolith.query("UPDATE pages SET author_id = NULL, title = 'a job’s' WHERE id = 34");
      await world.service.query("UPDATE pages SET title = 'still mine' WHERE id = 34");
    });
    await bothHave('pages', [34, SERVICES, MONOLITHS, 'still mine']);
    const [entry] = (await kept('service')).filter(({ status }) => status === 'open');
    expect(entry).toMatchObject({ cause: 'changed-hands', aggregate: 'pages 34' });
    const name = `orders:forward:${entry!.id}`;
    const { seen } = await show(world.plan, name);
    await resolve(world.plan, name, { keep: 'late', reason: 'the author has left', by: 'a test', seen });
    await bothHave('pages', [34, null, MONOLITHS, 'a job’s']);
    await world.monolith.query("UPDATE pages SET title = 'edited' WHERE id = 34");
    await bothHave('pages', [34, null, MONOLITHS, 'edited']);
  });

  test('one that no way leads from is the monolith’s where the Plan says so, until a way is set', async () => {
    await insert('monolith', 'memos', [41, null, null, 'nobody’s']);
    await bothHave('memos', [41, null, null, 'nobody’s']);
    await world.monolith.query('UPDATE memos SET page_id = ? WHERE id = 41', [20 + SERVICES]);
    await bothHave('memos', [41, null, 20 + SERVICES, 'nobody’s']);
    await world.service.query("UPDATE memos SET words = 'the page’s' WHERE id = 41");
    await bothHave('memos', [41, null, 20 + SERVICES, 'the page’s']);
    await world.service.query('UPDATE memos SET owner_id = ? WHERE id = 41', [MONOLITHS]);
    await bothHave('memos', [41, MONOLITHS, 20 + SERVICES, 'the page’s']);
    await world.monolith.query("UPDATE memos SET words = 'its owner’s' WHERE id = 41");
    await bothHave('memos', [41, MONOLITHS, 20 + SERVICES, 'its owner’s']);
  });

  test('a parent that is deleted takes along what leads through it, and nothing that another way leads elsewhere', async () => {
    const id = 51;
    await insert('service', 'returns', [id, SERVICES]);
    await insert('service', 'parcels', [id, null, null, id, 'of the return']);
    await insert('service', 'parcels', [id + 1, SERVICES, 1, id, 'of the line']);
    await bothHave('parcels', [id + 1, SERVICES, 1, id, 'of the line']);
    await world.service.transaction(async () => {
      await world.service.query('DELETE FROM parcels WHERE id = ?', [id]);
      await world.service.query('DELETE FROM returns WHERE id = ?', [id]);
    });
    await neitherHas('returns', id);
    await neitherHas('parcels', id);
    await bothHave('parcels', [id + 1, SERVICES, 1, id, 'of the line']);
    expect(await verify(world.plan, 'orders')).toMatchObject({ mismatches: 0, violations: 0 });
  });

  test('verify counts one whose way leads to no parent, on either side', async () => {
    for (const on of sides) await world.secretly(on, "INSERT INTO parcels VALUES (61, 404, 1, NULL, 'lost')");
    const { tables } = await verify(world.plan, 'orders');
    expect(tables.find(({ table }) => table === 'parcels')).toMatchObject({ orphans: { monolith: 1, service: 1 } });
    for (const on of sides) await world.secretly(on, 'DELETE FROM parcels WHERE id = 61');
  });

  test('users go to the other side with all of it, and everybody comes back', async () => {
    await world.moveToService(2);
    await world.service.query("UPDATE parcels SET note = 'all there' WHERE note <> ''");
    await world.service.query("UPDATE pages SET title = 'all there' WHERE title <> ''");
    await bothHave('parcels', [31, MONOLITHS, 2, SERVICES, 'all there']);
    await bothHave('pages', [1, null, MONOLITHS, 'all there']);
    await world.handoff('service', 3, 'barrier');
    await until('everybody is back', async () => {
      const { rows } = await world.monolith.query(
        "SELECT 1 FROM strangler_ownership WHERE stream LIKE '%reverse' AND epoch = 3",
      );
      return rows.length > 0;
    });
    await world.handoff('monolith', 3, 'grant');
    await world.monolith.query("UPDATE parcels SET note = 'all back' WHERE note <> ''");
    await world.monolith.query("UPDATE memos SET words = 'all back' WHERE words <> ''");
    await bothHave('parcels', [200 + SERVICES, null, null, SERVICES, 'all back']);
    await bothHave('memos', [41, MONOLITHS, 20 + SERVICES, 'all back']);
    expect([...(await kept('monolith')), ...(await kept('service'))].filter(({ status }) => status === 'open')).toEqual(
      [],
    );
    expect(await verify(world.plan, 'orders')).toMatchObject({ mismatches: 0, violations: 0 });
  });

  test('repair takes what the user’s owner has, whichever way the other side’s row goes', async () => {
    await world.secretly('service', 'UPDATE parcels SET order_id = NULL, line_no = NULL WHERE id = 31');
    await world.secretly('service', 'DELETE FROM stamps WHERE id = 31');
    await world.secretly('service', 'UPDATE pages SET author_id = 9 WHERE id = 1');
    await world.secretly('service', 'DELETE FROM memos WHERE id = 41');
    expect((await verify(world.plan, 'orders')).mismatches).toBe(4);
    const how = { by: 'ada', reason: 'a lost log', progress: () => {} };
    expect(await repair(world.plan, 'orders', how)).toMatchObject({ mismatches: 0 });
    expect(await read('service', 'parcels', 31)).toEqual([31, MONOLITHS, 2, SERVICES, 'all back']);
    expect(await verify(world.plan, 'orders')).toMatchObject({ mismatches: 0, violations: 0, settled: true });
  });
});
