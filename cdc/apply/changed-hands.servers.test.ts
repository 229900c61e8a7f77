import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import { resolve } from '../quarantine/resolve.ts';
import { retry } from '../quarantine/retry.ts';
import { show } from '../quarantine/view.ts';
import { repair } from '../recopy/recopy.ts';
import { makeWorld, until, untilRunning, type World } from '../testing/world.ts';
import { verify } from '../verify.ts';

type On = 'monolith' | 'service';
type Article = { readonly id: number; readonly author_id: number | null; readonly title: string };

let world: World;

/** Articles that have no author at first, and comments that are whose the article is. */
const TABLES = {
  monolith: [
    'CREATE TABLE articles (id INT NOT NULL PRIMARY KEY, author_id INT, title VARCHAR(80) NOT NULL, popularity INT)',
    'CREATE TABLE comments (id INT NOT NULL PRIMARY KEY, article_id INT NOT NULL, body VARCHAR(80) NOT NULL)',
    'CREATE TABLE tags (id INT NOT NULL PRIMARY KEY, name VARCHAR(80) NOT NULL, uses INT NOT NULL)',
  ],
  service: [
    'CREATE TABLE articles (id INT PRIMARY KEY, author_id INT, title VARCHAR(80) NOT NULL, popularity INT)',
    'CREATE TABLE comments (id INT PRIMARY KEY, article_id INT NOT NULL, body VARCHAR(80) NOT NULL)',
    'CREATE TABLE tags (id INT PRIMARY KEY, name VARCHAR(80) NOT NULL CHECK (length(name) < 6), uses INT NOT NULL)',
  ],
  plan: {
    articles: {
      ...{ user: 'author_id', unowned: 'monolith' },
      writers: [
        { by: 'the popularity job', columns: ['popularity'] },
        { by: 'staff', deletes: true },
      ],
    },
    comments: { user: { through: 'article_id', of: 'articles' } },
    tags: { shared: 'insert-only' },
  },
  alone: 'integer',
} as const;

/** 7 lives on the service, 8 on the monolith. */
const [SERVICES, MONOLITHS] = [7, 8];

const publish = (on: On, id: number, author: number | null, title: string) =>
  world[on].query('INSERT INTO articles (id, author_id, title) VALUES (?, ?, ?)', [id, author, title]);
const author = (on: On, id: number, user: number | null) =>
  world[on].query('UPDATE articles SET author_id = ? WHERE id = ?', [user, id]);
const title = (on: On, id: number, text: string) =>
  world[on].query('UPDATE articles SET title = ? WHERE id = ?', [text, id]);
const articleOn = async (on: On, id: number) =>
  (await world[on].query<Article>('SELECT id, author_id, title FROM articles WHERE id = ?', [id])).rows[0];
const bothHave = (id: number, author_id: number | null, title: string) =>
  until(`article ${id} of ${author_id}, called ${title}, on both sides`, async () => {
    const both = [await articleOn('monolith', id), await articleOn('service', id)];
    return both.every((one) => one?.author_id === author_id && one.title === title);
  });
const kept = async (on: On) =>
  (
    await world[on].query<{ id: number; cause: string; status: string; aggregate: string; user_id: string }>(
      'SELECT id, cause, status, aggregate, user_id FROM strangler_quarantine ORDER BY id',
    )
  ).rows;

beforeAll(async () => {
  world = await makeWorld(await servers(), TABLES);
  const cdc = world.start();
  await untilRunning(cdc);
  await world.handoff('monolith', 1, 'barrier', String(SERVICES));
  await world.handoff('service', 1, 'grant', String(SERVICES));
  await publish('monolith', 1, MONOLITHS, 'crosses');
  await bothHave(1, MONOLITHS, 'crosses');
});
afterAll(() => world?.destroy());

describe('faults 84: rows without a user, and rows that get another one', () => {
  test('one without is the monolith’s; its user comes by a later update', async () => {
    await publish('monolith', 11, null, 'first');
    await bothHave(11, null, 'first');
    await author('monolith', 11, MONOLITHS);
    await bothHave(11, MONOLITHS, 'first');
    expect([...(await kept('monolith')), ...(await kept('service'))]).toEqual([]);
  });

  test('one that a service makes before it has a user is lost on neither side', async () => {
    await publish('service', 12, null, 'second');
    await author('service', 12, SERVICES);
    await title('service', 12, 'second, revised');
    await bothHave(12, SERVICES, 'second, revised');
    await title('service', 12, 'second, once more');
    await bothHave(12, SERVICES, 'second, once more');
  });

  test('one is given to a user of the other side, who goes on with it there', async () => {
    await publish('monolith', 13, MONOLITHS, 'third');
    await world.monolith.query("INSERT INTO comments (id, article_id, body) VALUES (13, 13, 'good')");
    await author('monolith', 13, SERVICES);
    await bothHave(13, SERVICES, 'third');
    await title('service', 13, 'third, by its new author');
    await bothHave(13, SERVICES, 'third, by its new author');
  });

  test('a comment goes from one article to another, of a user of the other side', async () => {
    await publish('monolith', 15, MONOLITHS, 'fifth');
    await bothHave(15, MONOLITHS, 'fifth');
    await world.monolith.query("INSERT INTO comments (id, article_id, body) VALUES (15, 15, 'moved')");
    await world.monolith.query('UPDATE comments SET article_id = 13 WHERE id = 15');
    const under = async (on: On) =>
      (await world[on].query<{ article_id: number }>('SELECT article_id FROM comments WHERE id = 15')).rows[0]
        ?.article_id;
    await until('the comment under 13 on both sides', async () => (await under('service')) === 13);
    expect(await under('monolith')).toBe(13);
  });

  test('one that a job gives away past its owner, who has changed it: kept with both images until somebody decides', async () => {
    await publish('service', 14, SERVICES, 'fourth');
    await bothHave(14, SERVICES, 'fourth');
    await world.hold('service', async () => {
      await world.monolith.query('UPDATE articles SET author_id = ?, title = ? WHERE id = 14', [
        MONOLITHS,
        'taken over',
      ]);
      await title('service', 14, 'fourth, revised');
    });
    await bothHave(14, SERVICES, 'fourth, revised');
    const entry = await until('it is kept', async () =>
      (await kept('service')).find(({ status }) => status === 'open'),
    );
    expect(entry).toMatchObject({ cause: 'changed-hands', aggregate: 'articles 14', user_id: String(SERVICES) });
    await title('service', 14, 'fourth, revised twice');
    await bothHave(14, SERVICES, 'fourth, revised twice');

    const name = `orders:forward:${entry!.id}`;
    const { seen } = await show(world.plan, name);
    const decision = { keep: 'late', reason: 'it was sold', by: 'a test', seen } as const;
    await resolve(world.plan, name, decision);
    await bothHave(14, MONOLITHS, 'taken over');
    await title('monolith', 14, 'sold');
    await bothHave(14, MONOLITHS, 'sold');
    expect((await kept('service')).filter(({ status }) => status === 'open')).toEqual([]);
  });

  test('a job that the Plan declares writes its column, the owner the others, at the same time', async () => {
    await publish('service', 16, SERVICES, 'sixth');
    await bothHave(16, SERVICES, 'sixth');
    const before = (await kept('service')).length + (await kept('monolith')).length;
    const popular = (by: number) => world.monolith.query('UPDATE articles SET popularity = ? WHERE id = 16', [by]);
    const popularity = async (on: On) =>
      (await world[on].query<{ popularity: number }>('SELECT popularity FROM articles WHERE id = 16')).rows[0]!
        .popularity;
    for (let round = 1; round <= 20; round++) {
      await Promise.all([popular(round), title('service', 16, `sixth, revised ${round} times`)]);
    }
    await bothHave(16, SERVICES, 'sixth, revised 20 times');
    await until('the popularity on both sides', async () => {
      const both = [await popularity('monolith'), await popularity('service')];
      return both.every((one) => one === 20);
    });
    expect((await kept('service')).length + (await kept('monolith')).length).toBe(before);
    const { rows } = await world.service.query("SELECT kept FROM strangler_cause WHERE cause = 'declared'");
    expect(rows).toMatchObject([{ kept: 20 }]);
  });

  test('what the Plan declares that staff delete is gone on both sides, though its user goes home meanwhile', async () => {
    await world.moveToService(2, '9');
    await publish('service', 18, 9, 'eighth');
    await bothHave(18, 9, 'eighth');
    const before = (await kept('service')).length + (await kept('monolith')).length;
    await world.handoff('service', 3, 'barrier', '9');
    await world.monolith.query('DELETE FROM articles WHERE id = 18');
    await until('the article gone on the service', async () => !(await articleOn('service', 18)));
    await world.handoff('monolith', 3, 'grant', '9');
    await publish('service', 20, SERVICES, 'behind it');
    await bothHave(20, SERVICES, 'behind it');
    expect(await articleOn('monolith', 18)).toBeUndefined();
    expect((await kept('service')).length + (await kept('monolith')).length).toBe(before);
    const { rows } = await world.service.query("SELECT kept FROM strangler_cause WHERE cause = 'declared'");
    expect(rows).toMatchObject([{ kept: 21 }]);
  });

  test('rows that are everybody’s are inserted on both sides; one that does not fit holds up no other', async () => {
    const tag = (on: On, id: number, name: string) =>
      world[on].query('INSERT INTO tags (id, name, uses) VALUES (?, ?, 0)', [id, name]);
    const tagsOn = async (on: On) =>
      (await world[on].query<{ id: number }>('SELECT id, name, uses FROM tags ORDER BY id')).rows.map((row) => row.id);
    await tag('monolith', 21, 'too long for it');
    await tag('monolith', 23, 'seas');
    await tag('service', 24, 'lakes');
    await until('the tags on both sides', async () => {
      const both = [await tagsOn('monolith'), await tagsOn('service')];
      return JSON.stringify(both) === '[[21,23,24],[23,24]]';
    });
    const [entry] = (await kept('service')).filter(({ status }) => status === 'open');
    expect(entry).toMatchObject({ cause: 'inapplicable', aggregate: 'tags 21', user_id: null });
    await world.service.query('ALTER TABLE tags DROP CONSTRAINT tags_name_check');
    expect(await retry(world.plan, { entries: [`orders:forward:${entry!.id}`] }, 'a test', '')).toMatchObject([
      { settled: true },
    ]);
    expect(await tagsOn('service')).toEqual([21, 23, 24]);
  });

  test('repair gives the other side a row that one side alone has inserted, whichever side that is', async () => {
    await world.secretly('service', "INSERT INTO tags (id, name, uses) VALUES (32, 'lone', 0)");
    await world.secretly('monolith', "INSERT INTO tags (id, name, uses) VALUES (33, 'mine', 0)");
    const how = { by: 'ada', reason: 'a lost log', progress: () => {} };
    expect(await repair(world.plan, 'orders', how)).toMatchObject({ copied: 2, mismatches: 0 });
    for (const on of ['monolith', 'service'] as const) {
      const { rows } = await world[on].query('SELECT name FROM tags WHERE id IN (32, 33) ORDER BY id');
      expect(rows).toEqual([{ name: 'lone' }, { name: 'mine' }]);
    }
  });

  test('both databases are equal in the end', async () => {
    expect(await verify(world.plan, 'orders')).toMatchObject({ mismatches: 0, settled: true });
  });
});
