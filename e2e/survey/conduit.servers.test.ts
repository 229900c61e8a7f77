import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTables, lastSurvey, openSession } from '@strangler/ledger';
import { undeclaredIn } from '@strangler/plan';
import { type Servers, servers } from '@strangler/servers';
import { Kafka, logLevel } from 'kafkajs';
import { type Client, clientOf, until } from '../../examples/conduit/tests/client.ts';
import { run } from '../../examples/conduit/tests/program.ts';
import { type Monolith, startMonolith, webhookSecret } from '../../examples/conduit/tests/sides.ts';
import { planOf, type SurveyStand, startStand } from './stand.ts';

// A stranger's application as it was, behind a proxy, with nothing else set up: no service, no sync, no advice followed.

let found: Servers;
let monolith: Monolith;
const ids = new Map<string, number>();
const tokens = new Map<string, string>();

beforeAll(async () => {
  found = await servers();
  monolith = await startMonolith();
  const session = await openSession(monolith.env.DATABASE_URL!, 'reader');
  await createTables(session);
  await session.close();
  for (const name of ['ann', 'bob', 'editor']) {
    await monolith.register(name);
    const user = { email: `${name}@conduit.test`, password: 'password' };
    const { body } = await clientOf(monolith.url)('POST', '/api/users/login', { user });
    tokens.set(name, body.user.token);
    const [row] = await monolith.sql<{ id: number }>('SELECT id FROM Users WHERE username = ?', [name]);
    ids.set(name, row!.id);
  }
  await monolith.sql("UPDATE Users SET role = 'staff' WHERE username = 'editor'");
});
afterAll(async () => {
  await monolith.stop();
});

const TABLES = {
  Articles: { user: 'authorId', touched: ['updatedAt'] },
  Comments: { user: 'authorId' },
  Favorites: { user: 'userId' },
  ArticleTags: { user: { through: 'articleId', of: 'Articles' } },
};
const BY_ADDRESS = { jwt: { claim: 'email', scheme: 'Token', verify: 'none' } };
const LOOKUP = { table: 'Users', match: 'email', take: 'id' };
const ROUTES = ['ANY /api/articles', 'ANY /api/articles/:slug', 'ANY /api/articles/:slug/comments/**'];

/** Begins at 0 % with a Plan that reads requests so; nothing answers where its service should be. */
async function begin(how: object): Promise<SurveyStand> {
  const nobody = { url: 'http://127.0.0.1:1', database: 'postgres://nobody:none@127.0.0.1:1/none' };
  const capability = { service: nobody, routes: ROUTES, anonymous: 'monolith', tables: TABLES, ...how };
  const application = { url: monolith.url, database: monolith.env.DATABASE_URL! };
  return startStand(planOf(found, application, { articles: capability }).plan);
}

/** A user's client through the proxy. */
const through = ({ url }: SurveyStand, name: string): Client => clientOf(url, tokens.get(name)!);

const article = (title: string, tagList: string[] = []) => ({
  article: { title, description: 'd', body: 'b', tagList },
});

/** Writes an article and waits until all of it is written. */
async function write(client: Client, title: string, tags: string[] = []): Promise<string> {
  const { body } = await client('POST', '/api/articles', article(title, tags));
  const { slug } = body.article;
  await until(
    () => client('GET', `/api/articles/${slug}`),
    (reply) => reply.body.article.author && reply.body.article.tagList.length === tags.length,
  );
  return slug;
}

/** So long that nothing of before can be taken for the cause of what comes next. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 1_500));

test('a token that says an address where rows say a number: no user of a request is ever the user of a row', async () => {
  const here = await begin({ user: [BY_ADDRESS] });
  const report = await here.surveyDuring(async () => {
    await write(through(here, 'ann'), 'By address');
  });
  await here.stop();
  expect(report.strangers).toEqual({ request: 'ann@conduit.test', row: String(ids.get('ann')) });
  expect(report.explained).toBe(0);
  expect(report.undeclared).toBeGreaterThan(0);
});

test('a scheme the Plan does not know: the routes whose requests name nobody are told', async () => {
  const here = await begin({ user: [{ jwt: { claim: 'email', verify: 'none' } }] });
  const report = await here.surveyDuring(async () => {
    await write(through(here, 'ann'), 'By nobody');
  });
  await here.stop();
  expect(report.withoutUser).toEqual([{ route: 'POST /api/articles', count: 1, why: 'it names no user' }]);
});

test('a log that cannot be read any more ends the survey with what was found so far', async () => {
  const here = await begin({ userType: 'integer', user: [{ ...BY_ADDRESS, lookup: LOOKUP }] });
  const report = await here.surveyDuring(async () => {
    await write(through(here, 'ann'), 'Before the end');
    await pause();
    const admin = new Kafka({ brokers: [...found.kafka.brokers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const topics = (await admin.listTopics()).filter((topic) => topic.includes(here.plan.name));
    await admin.deleteTopics({ topics: topics.filter((topic) => topic.endsWith('.survey')) });
    await admin.disconnect();
    await pause();
    await pause();
  });
  await here.stop();
  expect(report).toMatchObject({ changes: 2, explained: 1 });
  expect(report.notes.join()).toMatch(/the survey ended when the log could not be read any more/);
});

test('each trap of the application is found by name, and the Plan’s writers answer it', async () => {
  const here = await begin({ userType: 'integer', user: [{ ...BY_ADDRESS, lookup: LOOKUP }] });
  const [ann, bob] = [through(here, 'ann'), through(here, 'bob')];
  const form = (path: string, fields: Record<string, string>, cookie = '') =>
    clientOf(here.url)('POST', path, new URLSearchParams(fields).toString(), {
      'content-type': 'application/x-www-form-urlencoded',
      cookie,
    });
  await monolith.sql('CREATE TRIGGER slow BEFORE INSERT ON ArticleTags FOR EACH ROW DO SLEEP(0.3)');
  const report = await here.surveyDuring(async () => {
    const slug = await write(ann, 'In pieces', ['one']);
    await bob('POST', `/api/articles/${slug}/comments`, { comment: { body: 'Mine' } });
    await bob('POST', `/api/articles/${slug}/favorite`);
    await pause();
    await run('monolith/jobs/popularity.js', monolith.env);
    await pause();
    const event = { id: 'evt_1', slug, sponsor: 'Acme', amountCents: 500, days: 7 };
    await clientOf(here.url)('POST', '/webhooks/sponsorships', event, { 'x-webhook-secret': webhookSecret });
    await pause();
    const credentials = { email: 'editor@conduit.test', password: 'password' };
    const cookie = (await form('/admin/login', credentials)).headers.get('set-cookie')!.split(';')[0]!;
    const [row] = await monolith.sql<{ id: number }>('SELECT id FROM Articles WHERE slug = ?', [slug]);
    await form(`/admin/articles/${row!.id}/hide`, {}, cookie);
    await pause();
    await form(`/admin/articles/${row!.id}/show`, {}, cookie);
    await pause();
    await ann('DELETE', `/api/articles/${slug}`);
    await pause();
  });
  await here.stop();
  await monolith.sql('DROP TRIGGER slow');
  const of = (table: string, cause: string) =>
    report.findings.filter((one) => one.table === table && one.cause === cause);
  expect(of('Articles', 'null-first')).toMatchObject([{ op: 'insert', count: 1 }]);
  expect(of('Articles', 'nobody')).toMatchObject([{ op: 'update', columns: ['popularity'] }]);
  expect(of('Articles', 'elsewhere')).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ columns: ['sponsoredUntil'], route: 'POST /webhooks/sponsorships', count: 1 }),
      expect.objectContaining({ columns: ['hidden'], route: 'POST /admin/articles/{id}/hide', count: 1 }),
      expect.objectContaining({ columns: ['hidden'], route: 'POST /admin/articles/{id}/show', count: 1 }),
    ]),
  );
  expect(of('Favorites', 'unrouted')).toMatchObject([{ op: 'insert', route: 'POST /api/articles/{slug}/favorite' }]);
  expect(of('Comments', 'cascade')).toMatchObject([{ op: 'delete', count: 1 }]);
  expect(of('Favorites', 'cascade')).toMatchObject([{ op: 'delete', count: 1 }]);
  expect(report.explainedBy).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ table: 'Comments', op: 'insert', route: 'POST /api/articles/{slug}/comments' }),
      expect.objectContaining({ table: 'ArticleTags', op: 'insert', route: 'POST /api/articles', count: 1, late: 1 }),
      expect.objectContaining({ table: 'Articles', op: 'delete', route: 'DELETE /api/articles/{slug}' }),
    ]),
  );
  expect([report.strangers, report.withoutUser]).toEqual([undefined, []]);
  const { tables } = here.plan.capabilities.articles!;
  const by = { by: 'others', inserts: false, deletes: false };
  const declared = {
    ...tables,
    Articles: {
      ...tables.Articles!,
      unowned: 'monolith' as const,
      writers: [{ ...by, columns: ['popularity', 'sponsoredUntil', 'hidden'] }],
    },
    Comments: { ...tables.Comments!, writers: [{ ...by, deletes: true }] },
    Favorites: { ...tables.Favorites!, writers: [{ ...by, deletes: true }] },
  };
  const left = undeclaredIn(declared, report);
  expect(left.map(({ cause }) => cause)).toEqual(['unrouted']);
  const connectors = (await (await fetch(`${found.connect.url}/connectors`)).json()) as string[];
  expect(connectors.filter((name) => name.includes(here.plan.name))).toEqual([]); // it has taken its own away
  const session = await openSession(monolith.env.DATABASE_URL!, 'reader');
  const kept = await lastSurvey(session, 'articles');
  await session.close();
  expect(kept).toMatchObject({ changes: report.changes, unexplained: report.unexplained });
});
