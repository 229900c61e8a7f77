import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { parsePlan, type UserSource } from '@strangler/plan';
import fc from 'fast-check';
import { type ScratchDatabases, scratchDatabases } from '../testing/databases.ts';
import { compileSource } from './compile.ts';
import { Places } from './places.ts';
import type { SourceAnswer } from './source.ts';

let databases: ScratchDatabases;
let places: Places;

beforeAll(async () => {
  databases = await scratchDatabases('lookups');
  const { monolith, service } = databases;
  await monolith.query(
    `CREATE TABLE Users (id BIGINT PRIMARY KEY AUTO_INCREMENT, uid BINARY(16), email VARCHAR(255) NOT NULL,
       name VARCHAR(32) COLLATE utf8mb4_bin, boss INT UNSIGNED, age DOUBLE, KEY (email))`,
  );
  await monolith.query(
    `CREATE TABLE Articles (id INT PRIMARY KEY AUTO_INCREMENT, slug VARCHAR(100) NOT NULL, title VARCHAR(100),
       authorId BIGINT NULL, UNIQUE (slug), UNIQUE (title, authorId), UNIQUE prefixed (title(10)))`,
  );
  await monolith.query('CREATE TABLE Comments (id INT PRIMARY KEY AUTO_INCREMENT, articleId INT NOT NULL)');
  await service.query('CREATE TABLE articles (id int8 PRIMARY KEY, handle text NOT NULL UNIQUE, "authorId" int8)');
  await service.query('CREATE TABLE "Comments" (id int4 PRIMARY KEY, article int8 NOT NULL)');
  // The key’s columns are not in the order of the table’s.
  await monolith.query(
    'CREATE TABLE Chapters (no INT, part CHAR(1), authorId INT, editorId BIGINT, PRIMARY KEY (part, no))',
  );
  await service.query(
    'CREATE TABLE "Chapters" (no int4, part text, writer int4, "editorId" int8, PRIMARY KEY (part, no))',
  );
  const notes = 'id INT PRIMARY KEY, "authorId" INT, part CHAR(1), chapter INT';
  await monolith.query(`CREATE TABLE Notes (${notes.replaceAll('"', '')}, articleId INT)`);
  await service.query(`CREATE TABLE "Notes" (${notes}, article INT)`);
});
afterAll(() => databases.drop());
beforeEach(async () => {
  const { monolith, service } = databases;
  for (const table of ['Users', 'Articles', 'Comments']) await monolith.query(`DELETE FROM ${table}`);
  for (const table of ['articles', '"Comments"']) await service.query(`DELETE FROM ${table}`);
  await places?.close();
  places = new Places();
});
afterAll(() => places.close());

const planOf = (user: unknown, urls = databases.urls) =>
  parsePlan(
    JSON.stringify({
      ...{ version: 1, name: 'blog' },
      monolith: { url: 'http://127.0.0.1:3000', database: urls.monolith },
      kafka: { brokers: ['127.0.0.1:9092'], connect: 'http://127.0.0.1:8083' },
      control: { tokens: { admin: 'admin-token', proxy: 'proxy-token' } },
      capabilities: {
        articles: {
          service: { url: 'http://127.0.0.1:3001', database: urls.service },
          ...{ routes: ['ANY /articles/:slug/:id'], user: [user], anonymous: 'monolith' },
          tables: {
            Articles: { to: 'articles', user: 'authorId', columns: { slug: 'handle' } },
            Comments: { user: { through: 'articleId', of: 'Articles' }, columns: { articleId: 'article' } },
            Notes: {
              user: [
                'authorId',
                { through: ['part', 'chapter'], of: 'Chapters' },
                { through: 'articleId', of: 'Articles' },
              ],
              columns: { articleId: 'article' },
            },
            Chapters: { user: ['authorId', 'editorId'], columns: { authorId: 'writer' } },
          },
        },
      },
    }),
    {},
  );
type Asked = { headers?: readonly string[]; parameters?: Record<string, string>; isWrite?: boolean };
const compiled = (source: UserSource) => {
  const plan = planOf(source);
  const says = compileSource(plan.capabilities.articles!.user![0]!, { capability: 'articles', plan, places });
  return async ({ headers = [], parameters = {}, isWrite = true }: Asked): Promise<SourceAnswer> =>
    says({ method: 'POST', isWrite, target: '/', headers, parameters: new Map(Object.entries(parameters)) });
};
const EMAIL = { table: 'Users', match: 'email', take: 'id' };
const lookingUp = (lookup: { table: string; match: string; take: string }) => {
  const says = compiled({ path: 'slug', lookup });
  return (slug: string, isWrite = true) => says({ parameters: { slug }, isWrite });
};

describe('a lookup', () => {
  test('has the database’s own idea of equal: one login is one user, however it is spelt', async () => {
    await databases.monolith.query(
      "INSERT INTO Users (id, email, name) VALUES (7, 'al@x.test', 'Al'), (8, 'bo@x.test', 'al')",
    );
    const byEmail = lookingUp(EMAIL);
    for (const spelt of ['al@x.test', 'AL@x.test', 'ål@X.TEST']) expect(await byEmail(spelt)).toEqual({ user: '7' });
    const byName = lookingUp({ ...EMAIL, match: 'name' });
    expect([await byName('Al'), await byName('al')]).toEqual([{ user: '7' }, { user: '8' }]);
    expect([await byName('AL'), await byEmail('cy@x.test')]).toEqual([undefined, undefined]);
  });

  test('two rows, or NULL, are unreadable', async () => {
    await databases.monolith.query(
      "INSERT INTO Users (email, boss) VALUES ('a@x.test', 1), ('A@x.test', 2), ('b@x.test', NULL)",
    );
    expect(await lookingUp(EMAIL)('a@x.test')).toEqual({ unreadable: 'Users has more than one row for what it says' });
    expect(await lookingUp({ ...EMAIL, take: 'boss' })('b@x.test')).toEqual({
      unreadable: 'Users.boss is NULL for what it says',
    });
  });

  test('faults 82 a whole number keeps every digit and a BINARY(16) is its UUID, as cdc reads them from rows', async () => {
    await databases.monolith.query(
      "INSERT INTO Users (id, uid, email) VALUES (9223372036854775807, UUID_TO_BIN('550e8400-e29b-41d4-a716-446655440000'), 'a@x.test')",
    );
    expect(await lookingUp(EMAIL)('a@x.test')).toEqual({ user: '9223372036854775807' });
    expect(await lookingUp({ ...EMAIL, take: 'uid' })('a@x.test')).toEqual({
      user: '550e8400e29b41d4a716446655440000',
    });
  });

  test('a column of whole numbers is asked for whole numbers alone: MySQL takes 7abc for 7', async () => {
    await databases.monolith.query(
      "INSERT INTO Users (id, email) VALUES (7, 'a@x.test'), (9007199254740993, 'b@x.test')",
    );
    const byId = lookingUp({ table: 'Users', match: 'id', take: 'email' });
    expect([await byId('7'), await byId(`${'0'.repeat(40)}7`), await byId('9007199254740993')]).toEqual([
      ...[{ user: 'a@x.test' }, { user: 'a@x.test' }, { user: 'b@x.test' }],
    ]);
    expect([await byId('9007199254740992'), await byId('9'.repeat(300))]).toEqual([undefined, undefined]);
    for (const spelt of ['7abc', '7.0', '0x7', ' 7', ''])
      expect(await byId(spelt)).toEqual({ unreadable: 'what it says is nothing that Users.id can hold' });
  });

  test('a write sees an address that has changed hands at once, a read within seconds', async () => {
    await databases.monolith.query("INSERT INTO Users (id, email) VALUES (7, 'a@x.test'), (8, 'b@x.test')");
    const byEmail = lookingUp(EMAIL);
    expect(await byEmail('a@x.test')).toEqual({ user: '7' });
    await databases.monolith.query("UPDATE Users SET email = CONCAT(IF(id = 7, 'c', 'a'), '@x.test')");
    expect(await byEmail('a@x.test', false)).toEqual({ user: '7' });
    expect(await byEmail('a@x.test')).toEqual({ user: '8' });
    expect(await byEmail('a@x.test', false)).toEqual({ user: '8' });
  });

  test('faults 25 whatever a client says, it names a user whose row says so, or nobody', async () => {
    await databases.monolith.query("INSERT INTO Users (id, email) VALUES (7, 'a@x.test')");
    const byEmail = lookingUp(EMAIL);
    const nasty = fc.constantFrom("' OR 1=1 -- ", '\\', '\0', '\ud800', '%', '? ?', 'a@x.test\0', 'a@x.test ');
    await fc.assert(
      fc.asyncProperty(fc.oneof(nasty, fc.string({ unit: 'binary' })), async (said) => {
        const answer = await byEmail(said);
        expect(answer === undefined || 'unreadable' in answer).toBe(true);
      }),
      { numRuns: 300 },
    );
    expect(await byEmail('a@x.test')).toEqual({ user: '7' });
  });
});

describe('the user of a row', () => {
  const ROW = { row: 'Articles', by: 'slug', from: 'slug' };
  const NEITHER = undefined;

  test('is found by whatever the monolith takes for the slug; whoever has no row has no user', async () => {
    await databases.monolith.query("INSERT INTO Articles (slug, authorId) VALUES ('a-story', 7)");
    const bySlug = compiled(ROW);
    expect(await bySlug({ parameters: { slug: 'a-story' } })).toEqual({ user: '7' });
    expect(await bySlug({ parameters: { slug: 'A-Story' } })).toEqual({ user: '7' });
    expect(await bySlug({ parameters: { slug: 'another' } })).toBe(NEITHER);
    expect(await bySlug({ parameters: { id: 'a-story' } })).toBe(NEITHER);
  });

  test('of one that was born on the service and has not arrived yet is found there', async () => {
    await databases.service.query(`INSERT INTO articles VALUES (2, 'born-there', 8)`);
    expect(await compiled(ROW)({ parameters: { slug: 'born-there' } })).toEqual({ user: '8' });
    await databases.service.query(`INSERT INTO "Comments" VALUES (4, 2)`);
    expect(await compiled({ row: 'Comments', by: 'id', from: 'id' })({ parameters: { id: '4' } })).toEqual({
      user: '8',
    });
  });

  test('is that of its parent, and a parent that has not arrived is looked for on the service, too', async () => {
    const { monolith, service } = databases;
    await monolith.query("INSERT INTO Articles (id, slug, authorId) VALUES (1, 'one', 7)");
    await monolith.query('INSERT INTO Comments VALUES (1, 1), (3, 2)');
    const byId = compiled({ row: 'Comments', by: 'id', from: 'id' });
    expect(await byId({ parameters: { id: '1' } })).toEqual({ user: '7' });
    expect(await byId({ parameters: { id: '3' } })).toEqual({
      unreadable: 'the row of Comments that :id names has no user',
    });
    await service.query(`INSERT INTO articles VALUES (2, 'two', 8)`);
    await service.query('INSERT INTO "Comments" VALUES (3, 2)');
    expect(await byId({ parameters: { id: '3' } })).toEqual({ user: '8' });
    expect(await byId({ parameters: { id: '99999999999' } })).toBe(NEITHER);
    expect(await byId({ parameters: { id: '1x' } })).toEqual({
      unreadable: ':id is nothing that Comments.id can hold',
    });
  });

  test('is told by the first of its ways that is set, through keys of several columns, and never by the next', async () => {
    const { monolith, service } = databases;
    await monolith.query("INSERT INTO Articles (id, slug, authorId) VALUES (1, 'one', 7)");
    await monolith.query("INSERT INTO Chapters VALUES (1, 'a', 8, 9), (2, 'a', NULL, 9), (3, 'a', NULL, NULL)");
    const rows = [
      ...["(1, 6, 'a', 1, 1)", "(2, NULL, 'a', 1, 1)", "(3, NULL, 'a', 2, 1)", "(4, NULL, 'a', NULL, 1)"],
      ...["(5, NULL, 'a', 3, 1)", "(6, NULL, 'a', 404, 1)", '(7, NULL, NULL, NULL, NULL)'],
    ].join(', ');
    await monolith.query(`INSERT INTO Notes VALUES ${rows}`);
    const byId = compiled({ row: 'Notes', by: 'id', from: 'id' });
    const said = async () => Promise.all([1, 2, 3, 4, 5, 6, 7].map((id) => byId({ parameters: { id: String(id) } })));
    const nobody = { unreadable: 'the row of Notes that :id names has no user' };
    const first = ['6', '8', '9', '7'].map((user) => ({ user }));
    expect(await said()).toEqual([...first, nobody, nobody, nobody]);
    await monolith.query('DELETE FROM Notes');
    await service.query(`INSERT INTO articles VALUES (1, 'one', 7)`);
    await service.query(`INSERT INTO "Chapters" VALUES (1, 'a', 8, 9), (2, 'a', NULL, 9), (3, 'a', NULL, NULL)`);
    await service.query(`INSERT INTO "Notes" VALUES ${rows}`);
    expect(await said()).toEqual([...first, nobody, nobody, nobody]);
  });

  test('faults 25 whatever the path says, it is a user, nobody or unreadable, by a text and by a number alike', async () => {
    await databases.monolith.query("INSERT INTO Articles (id, slug, authorId) VALUES (1, 'one', 7)");
    const [bySlug, byId] = [compiled(ROW), compiled({ row: 'Comments', by: 'id', from: 'id' })];
    const number = fc.bigInt().map(String);
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string({ unit: 'binary' }), number), async (said) => {
        for (const answer of [await bySlug({ parameters: { slug: said } }), await byId({ parameters: { id: said } })])
          expect(answer === undefined || 'unreadable' in answer).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  test('that is NULL on both sides is unreadable: nobody can tell where its writes belong', async () => {
    await databases.monolith.query("INSERT INTO Articles (slug, authorId) VALUES ('born', NULL)");
    expect(await compiled(ROW)({ parameters: { slug: 'born' } })).toEqual({
      unreadable: 'the row of Articles that :slug names has no user',
    });
  });
});

test('a database user who may read these tables, and nothing else, is enough', async () => {
  const { monolith, service, urls } = databases;
  const reader = `lookups_${process.pid}`;
  const as = (url: string) => Object.assign(new URL(url), { username: reader, password: 'theirs' }).href;
  await monolith.query(`CREATE USER ${reader} IDENTIFIED BY 'theirs'`);
  await service.query(`CREATE ROLE ${reader} LOGIN PASSWORD 'theirs'`);
  try {
    for (const table of ['Users', 'Articles']) await monolith.query(`GRANT SELECT ON ${table} TO ${reader}`);
    await service.query(`GRANT SELECT ON articles TO ${reader}`);
    await monolith.query("INSERT INTO Users (id, email) VALUES (7, 'al@x.test')");
    await service.query(`INSERT INTO articles VALUES (2, 'born-there', 8)`);
    const sources = [
      { path: 'slug', lookup: EMAIL },
      { row: 'Articles', by: 'slug', from: 'slug' },
    ];
    const forbidden = { row: 'Comments', by: 'id', from: 'id' };
    const plan = planOf(sources[0], { monolith: as(urls.monolith), service: as(urls.service) });
    const [byEmail, bySlug] = sources.map((source) => {
      const says = compileSource(source, { capability: 'articles', plan, places });
      return async (slug: string) =>
        says({ method: 'POST', isWrite: true, target: '/', headers: [], parameters: new Map([['slug', slug]]) });
    });
    expect(await places.check()).toEqual({ unfit: [], away: [] });
    compileSource(forbidden, { capability: 'articles', plan, places });
    const lacks = (whose: string) =>
      expect.stringMatching(`${whose} has no table Comments, or its lookup user may not`);
    expect((await places.check()).unfit).toEqual([lacks('the monolith’s database'), lacks('the database of articles')]);
    expect([await byEmail!('al@x.test'), await bySlug!('born-there')]).toEqual([{ user: '7' }, { user: '8' }]);
  } finally {
    await places.close();
    await monolith.query(`DROP USER ${reader}`);
    await service.query(`DROP OWNED BY ${reader}`);
    await service.query(`DROP ROLE ${reader}`);
  }
});

describe('what the Plan says and the database has not is named before anything is looked up', () => {
  const reasonsOf = async (source: UserSource) => {
    const says = compiled(source);
    expect(await says({ parameters: { slug: 'x', id: '1' } })).toEqual({
      unknown: expect.stringContaining('a proxy that is restarted says where'),
    });
    return (await places.check()).unfit;
  };

  test.each<[UserSource, string]>([
    [{ path: 'slug', lookup: { ...EMAIL, table: 'People' } }, 'has no table People'],
    [{ path: 'slug', lookup: { ...EMAIL, match: 'mail' } }, 'Users in the monolith’s database has no column mail'],
    [{ path: 'slug', lookup: { ...EMAIL, match: 'age' } }, 'Users.age is double: only texts, whole numbers and UUIDs'],
    [
      { path: 'slug', lookup: { ...EMAIL, take: 'age' } },
      'Users.age is double: users are texts, whole numbers or UUIDs',
    ],
    [{ row: 'Articles', by: 'title', from: 'slug' }, 'Articles.title in the monolith’s database is not unique'],
    [{ row: 'Comments', by: 'articleId', from: 'id' }, 'Comments.articleId in the monolith’s database is not unique'],
  ])('%j', async (source, reason) => {
    expect((await reasonsOf(source)).join('\n')).toContain(reason);
  });

  test('and is found to be right once it has been put right', async () => {
    const bySlug = compiled({ row: 'Articles', by: 'title', from: 'slug' });
    await databases.monolith.query('ALTER TABLE Articles ADD UNIQUE whole (title)');
    await databases.service.query('ALTER TABLE articles ADD COLUMN title varchar(100) UNIQUE');
    try {
      await databases.monolith.query("INSERT INTO Articles (slug, title, authorId) VALUES ('s', 'A title', 7)");
      expect(await bySlug({ parameters: { slug: 'a title' } })).toEqual({ user: '7' });
      expect(await places.check()).toEqual({ unfit: [], away: [] });
    } finally {
      await databases.monolith.query('ALTER TABLE Articles DROP INDEX whole');
      await databases.service.query('ALTER TABLE articles DROP COLUMN title');
    }
  });
});
