import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readCauses, unexpectedOf } from '@strangler/ledger';
import { servers } from '@strangler/servers';
import { expectKept } from '../quarantine/expect.ts';
import { printShown } from '../quarantine/print.ts';
import { retry } from '../quarantine/retry.ts';
import { undo } from '../quarantine/undo.ts';
import { list, show } from '../quarantine/view.ts';
import { makeWorld, stream, until, untilRunning, type World } from '../testing/world.ts';
import { verify } from '../verify.ts';

type On = 'monolith' | 'service';

/** Posts, and what others than their authors refer to them with. Deleting them is restricted on one side, and goes on on the other. */
const TABLES = {
  monolith: [
    'CREATE TABLE posts (id INT NOT NULL PRIMARY KEY, user_id INT NOT NULL, title VARCHAR(80) NOT NULL)',
    `CREATE TABLE replies (id INT NOT NULL PRIMARY KEY, user_id INT NOT NULL, post_id INT NOT NULL, body VARCHAR(80) NOT NULL,
       CONSTRAINT reply_to FOREIGN KEY (post_id) REFERENCES posts (id))`,
    `CREATE TABLE stars (id INT NOT NULL PRIMARY KEY, user_id INT NOT NULL, reply_id INT NOT NULL,
       CONSTRAINT star_for FOREIGN KEY (reply_id) REFERENCES replies (id))`,
  ],
  service: [
    'CREATE TABLE posts (id INT PRIMARY KEY, user_id INT NOT NULL, title VARCHAR(80) NOT NULL CHECK (length(title) < 20))',
    `CREATE TABLE replies (id INT PRIMARY KEY, user_id INT NOT NULL, post_id INT NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
       body VARCHAR(80) NOT NULL)`,
    `CREATE TABLE stars (id INT PRIMARY KEY, user_id INT NOT NULL, reply_id INT NOT NULL REFERENCES replies (id) ON DELETE CASCADE)`,
  ],
  plan: { posts: { user: 'user_id' }, replies: { user: 'user_id' }, stars: { user: 'user_id' } },
  alone: 'integer',
} as const;

/** 7 lives on the service; 8 and 9 live on the monolith. */
const [SERVICES, MONOLITHS, ANOTHER] = [7, 8, 9];
const authorOn = { monolith: MONOLITHS, service: SERVICES } as const;

let world: World;

const post = (on: On, id: number, title = 'a post') =>
  world[on].query('INSERT INTO posts (id, user_id, title) VALUES (?, ?, ?)', [id, authorOn[on], title]);
const reply = (on: On, id: number, to: number, user: number = authorOn[on]) =>
  world[on].query('INSERT INTO replies (id, user_id, post_id, body) VALUES (?, ?, ?, ?)', [id, user, to, `to ${to}`]);
const star = (on: On, id: number, to: number) =>
  world[on].query('INSERT INTO stars (id, user_id, reply_id) VALUES (?, ?, ?)', [id, authorOn[on], to]);
const has = async (on: On, table: string, id: number) =>
  (await world[on].query(`SELECT id FROM ${table} WHERE id = ?`, [id])).rows.length > 0;
const bothHave = (table: string, id: number) =>
  until(
    `${table} ${id} on both sides`,
    async () => (await has('monolith', table, id)) && (await has('service', table, id)),
  );
const neitherHas = (table: string, id: number) =>
  until(`no ${table} ${id} on either side`, async () =>
    [await has('monolith', table, id), await has('service', table, id)].every((one) => !one),
  );
const keptOn = async (on: On) =>
  (
    await world[on].query<{
      id: number;
      status: string;
      cause: string;
      table_name: string;
      row_key: string;
      after_image: string;
    }>('SELECT id, status, cause, table_name, row_key, after_image FROM strangler_quarantine ORDER BY id')
  ).rows;
/** How many rows kept as orphaned nobody has looked at yet, as the gate and `strangler status` count them. */
const unexpected = async () => {
  const rows = [
    ...(await readCauses(world.service, stream('forward'))),
    ...(await readCauses(world.monolith, stream('reverse'))),
  ];
  return rows.filter(({ cause }) => cause === 'orphaned').reduce((sum, row) => sum + unexpectedOf(row), 0);
};

beforeAll(async () => {
  world = await makeWorld(await servers(), TABLES);
  await untilRunning(world.start());
  await world.moveToService(1, String(SERVICES));
  await post('monolith', 1);
  await post('service', 2);
  await bothHave('posts', 1);
  await bothHave('posts', 2);
});
afterAll(() => world?.destroy());

describe('faults 86: a parent is deleted on one side while a child of another user is born on the other', () => {
  test.each([
    ['service', 'monolith'],
    ['monolith', 'service'],
  ] as const)('deleted on the %s: neither side has the child, and both have kept it', async (there, here) => {
    const id = there === 'service' ? 2 : 1;
    await world.hold(here, async () => {
      await world[there].query('DELETE FROM posts WHERE id = ?', [id]);
      await reply(here, 10 + id, id);
      await star(here, 20 + id, 10 + id);
    });
    await neitherHas('posts', id);
    await neitherHas('replies', 10 + id);
    await neitherHas('stars', 20 + id);
    for (const on of [here, there]) {
      const kept = await until(`both kept on the ${on}`, async () => {
        const all = (await keptOn(on)).filter(({ row_key }) => [10 + id, 20 + id].map(String).includes(row_key));
        return new Set(all.map(({ table_name }) => table_name)).size === 2 ? all : undefined;
      });
      for (const { status, cause } of kept!) expect([status, cause]).toEqual(['kept', 'orphaned']);
      const { body } = JSON.parse(kept!.find(({ table_name }) => table_name === 'replies')!.after_image);
      expect(body).toBe(`to ${id}`);
    }
  });

  test('changed meanwhile, it is kept as it was last', async () => {
    await post('service', 4);
    await bothHave('posts', 4);
    await reply('monolith', 14, 4);
    await bothHave('replies', 14);
    await world.hold('monolith', async () => {
      await world.service.query('DELETE FROM posts WHERE id = 4');
      await world.monolith.query("UPDATE replies SET body = 'at last' WHERE id = 14");
    });
    await neitherHas('replies', 14);
    const [entry] = (await keptOn('monolith')).filter(({ cause, row_key }) => cause === 'orphaned' && row_key === '14');
    expect(JSON.parse(entry!.after_image)).toMatchObject({ body: 'at last' });
  });

  test('verify finds no orphan and no difference; the gate is closed until somebody calls them expected', async () => {
    await until('both sides equal', async () => {
      const { mismatches, violations } = await verify(world.plan, 'orders');
      return mismatches + violations === 0;
    });
    expect(await unexpected()).toBeGreaterThan(0);
    const [entry] = await list(world.plan, { capabilities: [], status: 'settled', user: undefined, cause: 'orphaned' });
    const name = `${entry!.stream}:${entry!.id}`;
    expect(printShown(await show(world.plan, name))).toContain('was deleted on one side while this row was written');
    const undone = undo(world.plan, name, { by: 'a test', reason: 'a test', seen: undefined });
    await expect(undone).rejects.toThrow('is gone still; put that back first');
    await expectKept(world.plan, { capabilities: ['orders'], cause: 'orphaned' }, 'a test', 'as it should be');
    expect(await unexpected()).toBe(0);
  });

  test('a parent that the other side has not taken may still come: what refers to it waits for it there', async () => {
    await post('monolith', 5, 'too long for the service');
    await reply('monolith', 15, 5, ANOTHER);
    await until('the reply on the service', () => has('service', 'replies', 15));
    await world.service.query('ALTER TABLE posts DROP CONSTRAINT posts_title_check');
    const [entry] = (await keptOn('service')).filter(({ status }) => status === 'open');
    expect(await retry(world.plan, { entries: [`${stream('forward')}:${entry!.id}`] }, 'a test', '')).toMatchObject([
      { settled: true },
    ]);
    await bothHave('posts', 5);
    await bothHave('replies', 15);
    expect(await verify(world.plan, 'orders')).toMatchObject({ mismatches: 0, violations: 0 });
    expect(await unexpected()).toBe(0);
  });
});
