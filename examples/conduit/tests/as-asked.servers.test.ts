import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Client, clientOf } from './client.ts';
import { type Monolith, type Side, startMonolith, startService } from './sides.ts';

// What the survey and doctor ask of Conduit (docs/a-strangers-monolith.md), each behind a setting of its own.

const TOKEN = 'the token of services';
const SLUG = /^same-words-[0-9a-f]{8}$/;

let front: Server;
/** What staff have sent through the front. */
const heard: { method: string; url: string; token: unknown; body: unknown }[] = [];
let monolith: Monolith;
let service: Side;
let ann: Client;
let bob: Client;

beforeAll(async () => {
  front = createServer(async (request: IncomingMessage, response) => {
    const { method = '', url = '', headers } = request;
    heard.push({ method, url, token: headers['x-internal-token'], body: JSON.parse(await text(request)) });
    response.end('{}');
  });
  await once(front.listen(0, '127.0.0.1'), 'listening');
  const asked = { SLUG_SUFFIX: 'random', INTERNAL_TOKEN: TOKEN };
  const frontUrl = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
  monolith = await startMonolith({ ...asked, AWAIT_WRITES: 'on', FRONT_URL: frontUrl });
  service = await startService({ ...asked, MONOLITH_URL: monolith.url });
  [ann, bob] = [await monolith.register('ann'), await service.register('bob')];
});
afterAll(async () => {
  expect(await service.stop()).toBe(0);
  await monolith.stop();
  front.close();
});

const article = (title: string, tagList: string[] = []) => ({
  article: { title, description: 'd', body: 'b', tagList },
});

/** Asks for something internal; the answer’s status and body. */
const internal = (side: Side, path: string, body: unknown, token = TOKEN) =>
  clientOf(side.url)('PUT', `/internal${path}`, body, { 'x-internal-token': token });

test('a slug ends in chance on both sides, so that two articles may say the same', async () => {
  for (const person of [ann, bob]) {
    const slugs = [];
    for (let times = 0; times < 2; times++) {
      const { status, body } = await person('POST', '/api/articles', article('Same words'));
      expect([status, body.article.slug]).toEqual([201, expect.stringMatching(SLUG)]);
      slugs.push(body.article.slug);
    }
    expect(slugs[0]).not.toBe(slugs[1]);
  }
  const { body } = await bob('POST', '/api/articles', article('Other words'));
  const changed = await bob('PUT', `/api/articles/${body.article.slug}`, { article: { title: 'Same words' } });
  expect(changed.body.article.slug).toMatch(SLUG);
});

test('a new article is answered when all of it is written', async () => {
  await monolith.sql('CREATE TRIGGER slow BEFORE INSERT ON ArticleTags FOR EACH ROW DO SLEEP(0.2)');
  const { body } = await ann('POST', '/api/articles', article('All of it', ['one', 'two']));
  const [row] = await monolith.sql(
    'SELECT a.authorId IS NOT NULL AS hasAuthor, COUNT(t.tagId) AS tags FROM Articles a JOIN ArticleTags t ON t.articleId = a.id WHERE slug = ?',
    [body.article.slug],
  );
  expect(row).toEqual({ hasAuthor: 1, tags: 2 });
  await monolith.sql('DROP TRIGGER slow');
});

test('a tag has the id that the monolith gives it, however the service meets it first', async () => {
  await bob('POST', '/api/articles', article('Tagged there', ['Fresh', 'fresh']));
  const [there] = await monolith.sql<{ id: number; name: string }>('SELECT * FROM Tags WHERE name = ?', ['fresh']);
  const here = await service.sql<{ id: number; name: string }>(`SELECT * FROM "Tags" WHERE "name" = 'fresh'`);
  expect(here).toEqual([there]);
  await bob('POST', '/api/articles', article('Tagged again', ['FRESH']));
  expect(await service.sql(`SELECT * FROM "Tags" WHERE "name" = 'fresh'`)).toEqual([there]);
});

test('what staff write into an article goes through the front, to wherever its author lives', async () => {
  const sue = await monolith.register('sue');
  expect((await sue('GET', '/api/user')).status).toBe(200);
  await monolith.sql("UPDATE Users SET role = 'staff' WHERE username = 'sue'");
  const { body } = await ann('POST', '/api/articles', article('Rude'));
  const [row] = await monolith.sql<{ id: number }>('SELECT id FROM Articles WHERE slug = ?', [body.article.slug]);
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const admin = clientOf(monolith.url);
  const entered = await admin('POST', '/admin/login', 'email=sue%40conduit.test&password=password', form);
  const cookie = entered.headers.get('set-cookie')!.split(';')[0]!;
  const edited = await admin('POST', `/admin/articles/${row!.id}`, 'title=Polite&description=d&body=Edited', {
    ...form,
    cookie,
  });
  expect(edited.status).toBe(302);
  const fields = { title: 'Polite', description: 'd', body: 'Edited' };
  expect(heard).toEqual([{ method: 'PUT', url: `/internal/articles/${row!.id}`, token: TOKEN, body: fields }]);
  expect(await monolith.sql('SELECT title FROM Articles WHERE id = ?', [row!.id])).toEqual([{ title: 'Rude' }]);
  expect(await internal(monolith, `/articles/${row!.id}`, fields)).toMatchObject({ status: 200 });
  expect(await monolith.sql('SELECT title, slug FROM Articles WHERE id = ?', [row!.id])).toEqual([
    { title: 'Polite', slug: body.article.slug },
  ]);
});

test('the service takes it too, of hidden articles as well, and leaves the slug', async () => {
  const { body } = await bob('POST', '/api/articles', article('Rude there'));
  const { slug } = body.article;
  const [row] = await service.sql<{ id: number }>(
    'UPDATE "Articles" SET "hidden" = true WHERE "slug" = $1 RETURNING "id"',
    [slug],
  );
  const fields = { title: 'Polite', description: 'd', body: 'Edited' };
  expect(await internal(service, `/articles/${row!.id}`, fields)).toMatchObject({
    status: 200,
    body: { article: { slug } },
  });
  expect(await service.sql('SELECT "title", "slug" FROM "Articles" WHERE "id" = $1', [row!.id])).toEqual([
    { title: 'Polite', slug },
  ]);
  expect((await internal(service, `/articles/${row!.id}`, { ...fields, title: '' })).status).toBe(422);
  expect((await internal(service, '/articles/1', fields)).status).toBe(404);
});

test('nobody without the token is let in', async () => {
  for (const side of [monolith, service]) {
    for (const token of ['', 'a guess']) expect((await internal(side, '/articles/1', {}, token)).status).toBe(401);
  }
  expect((await internal(monolith, '/tags', { names: ['x'] }, 'a guess')).status).toBe(401);
});

test('a new tag that the monolith does not give is asked for again: 503, and nothing is written', async () => {
  const alone = await startService({ INTERNAL_TOKEN: TOKEN, MONOLITH_URL: 'http://127.0.0.1:1' });
  const cy = await alone.register('cy');
  expect(await cy('POST', '/api/articles', article('Without', ['new']))).toMatchObject({ status: 503 });
  expect(await cy('POST', '/api/articles', article('Without'))).toMatchObject({ status: 201 });
  expect(await alone.sql('SELECT "slug" FROM "Articles"')).toEqual([{ slug: 'without' }]);
  await alone.stop();
});
