import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import jwt from 'jsonwebtoken';
import { type Client, clientOf, until } from './client.ts';
import { run } from './program.ts';
import { type Monolith, type Side, startMonolith, startService, webhookSecret } from './sides.ts';

// Each habit of the monolith's that makes a migration hard, shown to be really there: nobody should fix one by accident.

let monolith: Monolith;
let ann: Client;
let bob: Client;
let anyone: Client;

beforeAll(async () => {
  monolith = await startMonolith();
  ann = await monolith.register('ann');
  bob = await monolith.register('bob');
  anyone = clientOf(monolith.url);
});
afterAll(async () => {
  expect(await monolith.stop()).toBe(0);
});

interface ArticleRow {
  id: number;
  authorId: number | null;
  title: string;
  popularity: number;
  updatedAt: Date;
  sponsoredUntil: Date | null;
}

const rowOf = async (slug: string): Promise<ArticleRow> =>
  (await monolith.sql<ArticleRow>('SELECT * FROM Articles WHERE slug = ?', [slug]))[0]!;

const idOf = async (username: string): Promise<number> =>
  (await monolith.sql<{ id: number }>('SELECT id FROM Users WHERE username = ?', [username]))[0]!.id;

/** Ann writes an article, and everything about it is written. */
const annWrites = async (title: string, tagList: string[] = []): Promise<string> => {
  const { body } = await ann('POST', '/api/articles', { article: { title, description: 'd', body: 'b', tagList } });
  const { slug } = body.article;
  await until(
    () => anyone('GET', `/api/articles/${slug}`),
    (reply) => reply.body.article.author && reply.body.article.tagList.length === tagList.length,
  );
  return slug;
};

const login = async (email: string): Promise<string> =>
  (await anyone('POST', '/api/users/login', { user: { email, password: 'password' } })).body.user.token;

const count = async (table: string, column: string, value: unknown): Promise<number> =>
  (await monolith.sql<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table} WHERE ${column} = ?`, [value]))[0]!.n;

describe('who it is', () => {
  test('a token holds the address and no id, as it was typed at login', async () => {
    const token = await login('ANN@conduit.TEST');
    expect(jwt.decode(token)).toEqual({
      email: 'ANN@conduit.TEST',
      iat: expect.any(Number),
      exp: expect.any(Number),
    });
    expect((await clientOf(monolith.url, token)('GET', '/api/user')).body.user).toMatchObject({
      username: 'ann',
      email: 'ann@conduit.test',
    });
  });

  test('two schemes are one login', async () => {
    const token = await login('ann@conduit.test');
    for (const scheme of ['Token', 'token', 'Bearer']) {
      expect((await anyone('GET', '/api/user', undefined, { authorization: `${scheme} ${token}` })).status).toBe(200);
    }
  });

  test('whoever changes the address is the same user under another claim', async () => {
    const eve = await monolith.register('eve');
    const { body } = await eve('PUT', '/api/user', { user: { email: 'eva@conduit.test' } });
    expect((await eve('GET', '/api/user')).status).toBe(401);
    const renamed = clientOf(monolith.url, body.user.token);
    expect((await renamed('GET', '/api/user')).body.user.username).toBe('eve');
  });
});

describe('an article is written in pieces', () => {
  test('first without its author, who comes later and is not waited for', async () => {
    await monolith.sql('CREATE TABLE Seen (articleId INT, authorId INT NULL)');
    await monolith.sql(
      'CREATE TRIGGER born AFTER INSERT ON Articles FOR EACH ROW INSERT INTO Seen VALUES (NEW.id, NEW.authorId)',
    );
    await monolith.sql('CREATE TRIGGER slow BEFORE UPDATE ON Articles FOR EACH ROW DO SLEEP(0.4)');
    const article = { title: 'In pieces', description: 'd', body: 'b' };
    const { body } = await ann('POST', '/api/articles', { article });
    expect(body.article.author.username).toBe('ann');
    const { id, authorId } = await rowOf('in-pieces');
    expect(authorId).toBeNull();
    expect((await anyone('GET', '/api/articles/in-pieces')).body.article.author).toBeNull();
    const complete = await until(
      () => rowOf('in-pieces'),
      (row) => row.authorId !== null,
    );
    expect(complete.authorId).toBe(await idOf('ann'));
    expect(await monolith.sql('SELECT authorId FROM Seen WHERE articleId = ?', [id])).toEqual([{ authorId: null }]);
    await monolith.sql('DROP TRIGGER slow');
    await monolith.sql('DROP TRIGGER born');
  });

  test('and its tags after the answer', async () => {
    await monolith.sql('CREATE TRIGGER slow BEFORE INSERT ON ArticleTags FOR EACH ROW DO SLEEP(0.2)');
    const article = { title: 'Tagged', description: 'd', body: 'b', tagList: ['one', 'two'] };
    const { body } = await ann('POST', '/api/articles', { article });
    expect(body.article.tagList).toEqual(['one', 'two']);
    const { id } = await rowOf('tagged');
    expect(await count('ArticleTags', 'articleId', id)).toBe(0);
    const tags = await until(
      () => count('ArticleTags', 'articleId', id),
      (n) => n === 2,
    );
    expect(tags).toBe(2);
    await monolith.sql('DROP TRIGGER slow');
  });
});

describe('the database', () => {
  test('names tables and columns in mixed case', async () => {
    const tables = await monolith.sql<{ name: string }>(
      'SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1',
    );
    expect(tables.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'ArticleTags',
        'Articles',
        'Comments',
        'Favorites',
        'Follows',
        'Sessions',
        'Tags',
        'Users',
      ]),
    );
    expect(Object.keys(await rowOf('in-pieces'))).toEqual(
      expect.arrayContaining(['authorId', 'createdAt', 'updatedAt']),
    );
  });

  test('keeps whole seconds: the answer to a write says milliseconds that nobody reads again', async () => {
    const digits = await monolith.sql<{ digits: number }>(
      `SELECT DISTINCT DATETIME_PRECISION AS digits FROM information_schema.COLUMNS
       WHERE TABLE_SCHEMA = DATABASE() AND DATA_TYPE = 'datetime'`,
    );
    expect(digits).toEqual([{ digits: 0 }]);
    const { body } = await anyone('GET', '/api/articles/in-pieces');
    expect(body.article.createdAt).toMatch(/\.000Z$/);
  });

  test('lets one user’s slug block another user’s, whatever its case', async () => {
    const slug = await annWrites('Only once');
    const article = { title: 'ONLY once', description: 'd', body: 'b' };
    expect((await bob('POST', '/api/articles', { article })).status).toBe(422);
    expect((await anyone('GET', `/api/articles/${slug.toUpperCase()}`)).status).toBe(200);
  });

  test('shares tags among all, and takes Same, same and sâme for one', async () => {
    await annWrites('Same one', ['Same']);
    await annWrites('Same two', ['same']);
    await annWrites('Same three', ['sâme']);
    expect(await monolith.sql('SELECT name FROM Tags WHERE name = ?', ['SAME'])).toEqual([{ name: 'Same' }]);
  });

  test('has composite keys', async () => {
    const keys = await monolith.sql<{ name: string; columns: string }>(
      `SELECT TABLE_NAME AS name, GROUP_CONCAT(COLUMN_NAME ORDER BY ORDINAL_POSITION) AS columns
       FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = DATABASE() AND CONSTRAINT_NAME = 'PRIMARY'
       GROUP BY TABLE_NAME HAVING COUNT(*) > 1 ORDER BY 1`,
    );
    expect(keys).toEqual([
      { name: 'ArticleTags', columns: 'articleId,tagId' },
      { name: 'Favorites', columns: 'userId,articleId' },
      { name: 'Follows', columns: 'followerId,followedId' },
    ]);
  });

  // Until 9.6 InnoDB cascaded by itself, below the binlog. Where it still does, the log tells of the article alone.
  test('deletes what others hung on an article, in whichever way this MySQL logs that', async () => {
    const slug = await annWrites('Short-lived', ['one']);
    await bob('POST', `/api/articles/${slug}/comments`, { comment: { body: 'Mine' } });
    await bob('POST', `/api/articles/${slug}/favorite`);
    const { id } = await rowOf(slug);
    const hanging = async () =>
      Promise.all(['Comments', 'Favorites', 'ArticleTags'].map((table) => count(table, 'articleId', id)));
    expect(await hanging()).toEqual([1, 1, 1]);
    const [at] = await monolith.sql<{ File: string; Position: number }>('SHOW BINARY LOG STATUS');
    expect((await ann('DELETE', `/api/articles/${slug}`)).status).toBe(204);
    expect(await hanging()).toEqual([0, 0, 0]);
    const events = await monolith.sql<{ Event_type: string; Info: string }>(
      `SHOW BINLOG EVENTS IN '${at!.File}' FROM ${at!.Position}`,
    );
    const told = events
      .filter(({ Event_type, Info }) => Event_type === 'Table_map' && Info.includes(monolith.database))
      .map(({ Info }) => Info.replace(/.*\.(\w+)\).*/, '$1'));
    const native = "SHOW VARIABLES WHERE Variable_name = 'innodb_native_foreign_keys' AND Value = 'OFF'";
    const isLogged = (await monolith.sql(native)).length > 0;
    const cascaded = ['ArticleTags', 'Articles', 'Comments', 'Favorites', 'Sponsorships'];
    expect(told.sort()).toEqual(isLogged ? cascaded : ['Articles']);
  });
});

describe('other writers of a user’s rows', () => {
  test('others comment on an article and make it a favourite', async () => {
    const slug = await annWrites('Popular');
    await bob('POST', `/api/articles/${slug}/comments`, { comment: { body: 'Yes' } });
    await bob('POST', `/api/articles/${slug}/favorite`);
    const { id, authorId } = await rowOf(slug);
    const [comment] = await monolith.sql('SELECT authorId FROM Comments WHERE articleId = ?', [id]);
    const [favorite] = await monolith.sql('SELECT userId FROM Favorites WHERE articleId = ?', [id]);
    expect([authorId, comment, favorite]).toEqual([
      await idOf('ann'),
      { authorId: await idOf('bob') },
      { userId: await idOf('bob') },
    ]);
  });

  test('a timed job writes everybody’s popularity', async () => {
    const before = await rowOf('popular');
    expect(await run('monolith/jobs/popularity.js', monolith.env)).toMatchObject({ code: 0, err: '' });
    const after = await rowOf('popular');
    expect(before.popularity).toBe(0);
    expect(after.popularity).toBeGreaterThan(0);
    expect(after.updatedAt).toEqual(before.updatedAt);
  });

  test('a webhook sponsors an article by its slug, once per event, for no user', async () => {
    const slug = await annWrites('Sponsored');
    const event = { id: 'evt_1', slug, sponsor: 'Acme', amountCents: 500, days: 7 };
    const post = (secret: string) => anyone('POST', '/webhooks/sponsorships', event, { 'x-webhook-secret': secret });
    expect((await post('a guess')).status).toBe(401);
    expect((await post(webhookSecret)).body).toEqual({ received: true });
    const { sponsoredUntil } = await rowOf(slug);
    expect(sponsoredUntil!.getTime()).toBeGreaterThan(Date.now());
    expect((await post(webhookSecret)).body).toEqual({ received: true });
    expect((await rowOf(slug)).sponsoredUntil).toEqual(sponsoredUntil);
    await ann('DELETE', `/api/articles/${slug}`);
    expect(await monolith.sql('SELECT eventId, articleId FROM Sponsorships')).toEqual([
      { eventId: 'evt_1', articleId: null },
    ]);
  });

  test('staff edit, hide and delete what users wrote, in a session that MySQL keeps', async () => {
    const slug = await annWrites('Rude');
    await bob('POST', `/api/articles/${slug}/comments`, { comment: { body: 'Ruder' } });
    const { id } = await rowOf(slug);
    const [comment] = await monolith.sql<{ id: number }>('SELECT id FROM Comments WHERE articleId = ?', [id]);
    await monolith.register('editor');
    const form = (path: string, fields: Record<string, string>, cookie = '') =>
      anyone('POST', path, new URLSearchParams(fields).toString(), {
        'content-type': 'application/x-www-form-urlencoded',
        cookie,
      });
    const credentials = { email: 'editor@conduit.test', password: 'password' };
    expect((await form('/admin/login', credentials)).status).toBe(401);
    await monolith.sql("UPDATE Users SET role = 'staff' WHERE username = 'editor'");
    const entered = await form('/admin/login', credentials);
    expect([entered.status, entered.headers.get('location')]).toEqual([302, '/admin']);
    const cookie = entered.headers.get('set-cookie')!.split(';')[0]!;
    const sid = decodeURIComponent(cookie.split('=')[1]!).replace(/^s:([^.]*)\..*$/, '$1');
    expect(await count('Sessions', 'sid', sid)).toBe(1);

    expect((await anyone('GET', '/admin')).headers.get('location')).toBe('/admin/login');
    expect((await anyone('GET', '/admin', undefined, { cookie })).body).toContain('Rude');
    await form(`/admin/articles/${id}`, { title: 'Polite', description: 'd', body: 'Edited' }, cookie);
    expect(await rowOf(slug)).toMatchObject({ title: 'Polite', authorId: await idOf('ann') });
    await form(`/admin/comments/${comment!.id}/delete`, {}, cookie);
    expect(await count('Comments', 'articleId', id)).toBe(0);
    await form(`/admin/articles/${id}/hide`, {}, cookie);
    expect((await ann('GET', `/api/articles/${slug}`)).status).toBe(404);
    await form('/admin/logout', {}, cookie);
    expect(await count('Sessions', 'sid', sid)).toBe(0);
  });
});

describe('running it', () => {
  test('a setting that is missing is named', async () => {
    expect(await run('monolith/server.js', {})).toEqual({ code: 2, out: '', err: 'DATABASE_URL is not set\n' });
    expect((await run('articles/main.ts', {})).err).toMatch(
      /DATABASE_URL is not set: give[\s\S]*JWT_SECRET is not set: give/,
    );
  });

  test('a town can be seeded', async () => {
    const name = `${monolith.database}_town`;
    await monolith.sql(`CREATE DATABASE ${name}`);
    const env = { ...monolith.env, DATABASE_URL: `${monolith.env.DATABASE_URL}_town` };
    expect(await run('monolith/scripts/seed.js', env, '5')).toMatchObject({
      code: 0,
      out: '5 writers, 15 articles, and editor@conduit.test for /admin\n',
    });
    await monolith.sql(`DROP DATABASE ${name}`);
  });
});

describe('the service', () => {
  let service: Side;
  beforeAll(async () => {
    service = await startService();
  });
  afterAll(async () => {
    expect(await service.stop()).toBe(0);
  });

  test('mints even ids, and its stamps keep more than the monolith can hold', async () => {
    const cy = await service.register('cy');
    const article = { title: 'Of the service', description: 'd', body: 'b', tagList: ['one'] };
    await cy('POST', '/api/articles', { article });
    await cy('POST', '/api/articles/of-the-service/comments', { comment: { body: 'c' } });
    expect(
      await service.sql(`SELECT a.id % 2 + c.id % 2 + t.id % 2 AS odd FROM "Articles" a, "Comments" c, "Tags" t`),
    ).toEqual([{ odd: 0 }]);
    const [column] = await service.sql<{ digits: number }>(
      `SELECT datetime_precision AS digits FROM information_schema.columns
       WHERE table_name = 'Articles' AND column_name = 'createdAt'`,
    );
    expect(column).toEqual({ digits: 6 });
  });

  test('waits a moment for a user who has only just registered with the monolith', async () => {
    const dan = await service.register('dan');
    await service.sql(`CREATE TABLE later AS SELECT * FROM "Users" WHERE "username" = 'dan'`);
    await service.sql(`DELETE FROM "Users" WHERE "username" = 'dan'`);
    const asked = dan('GET', '/api/articles/feed');
    await new Promise((resolve) => setTimeout(resolve, 100));
    await service.sql('INSERT INTO "Users" SELECT * FROM later');
    expect((await asked).status).toBe(200);
  });

  test('answers 401 to a user who does not come', async () => {
    const ghost = jwt.sign({ email: 'ghost@conduit.test' }, monolith.env.JWT_SECRET!);
    expect((await clientOf(service.url, ghost)('GET', '/api/articles/feed')).status).toBe(401);
  });
});
