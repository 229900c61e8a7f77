import { expect, test } from '@jest/globals';
import { type PlanError, parsePlan } from './load.ts';
import { lookupTables } from './lookups.ts';

const ROLES = {
  ...{ admin: 'mysql://a@127.0.0.1/blog', control: 'mysql://b@127.0.0.1/blog' },
  ...{ applier: 'mysql://c@127.0.0.1/blog', capture: 'mysql://d@127.0.0.1/blog' },
};
const TABLES = {
  Articles: { user: 'authorId', to: 'articles' },
  Comments: { user: { through: 'articleId', of: 'Articles' } },
};
const LOOKUP = { table: 'Users', match: 'email', take: 'id' };
const SESSION = {
  ...{ cookie: 'connect.sid', secret: 'keyboard cat', claim: ['user', 'id'] },
  store: { table: 'Sessions', id: 'sid', data: 'data', expires: 'expires' },
};

type Given = { user: unknown; monolith?: unknown; service?: unknown; routes?: readonly string[] };

const planOf = ({
  user,
  monolith = 'mysql://a@127.0.0.1/blog',
  service = 'postgres://a@127.0.0.1/blog',
  routes = ['GET /articles', 'ANY /articles/:slug/**'],
}: Given) =>
  parsePlan(
    JSON.stringify({
      ...{ version: 1, name: 'blog' },
      monolith: { url: 'http://127.0.0.1:3000', database: monolith },
      kafka: { brokers: ['127.0.0.1:9092'], connect: 'http://127.0.0.1:8083' },
      control: { tokens: { admin: 'admin-token', proxy: 'proxy-token' } },
      capabilities: {
        articles: {
          service: { url: 'http://127.0.0.1:3001', database: service },
          ...{ routes, user: [user], anonymous: 'monolith', tables: TABLES },
        },
      },
    }),
    {},
  );

const mistakesOf = (given: Given): Record<string, string> => {
  try {
    planOf(given);
  } catch (error) {
    return Object.fromEntries((error as PlanError).mistakes.map(({ path, message }) => [path, message]));
  }
  return {};
};

test('an address that reads is needed wherever users are looked up, and one address for all is one', () => {
  const because = 'is needed, because proxies look up there whose the requests of articles are';
  const user = { header: 'x-email', lookup: LOOKUP };
  expect(mistakesOf({ user })).toEqual({});
  expect(mistakesOf({ user, monolith: ROLES })).toEqual({ 'monolith.database.lookup': because });
  expect(mistakesOf({ user, monolith: { ...ROLES, lookup: 'mysql://e@127.0.0.1/blog' } })).toEqual({});
  expect(mistakesOf({ user: { session: SESSION }, monolith: ROLES })).toEqual({ 'monolith.database.lookup': because });
  expect(mistakesOf({ user: { header: 'x-user' }, monolith: ROLES })).toEqual({});
  const service = JSON.parse(JSON.stringify(ROLES).replaceAll('mysql', 'postgres')) as unknown;
  const row = { row: 'Articles', by: 'slug', from: 'slug' };
  expect(mistakesOf({ user: row, service })).toEqual({ 'capabilities.articles.service.database.lookup': because });
  const theirs = { ...SESSION, store: { ...SESSION.store, database: 'service' } };
  expect(mistakesOf({ user: { session: theirs }, service, monolith: ROLES })).toEqual({
    'capabilities.articles.service.database.lookup': because,
  });
});

test('a header that names the user is one that a proxy passes on, and believes', () => {
  const at = 'capabilities.articles.user[0].header';
  expect(mistakesOf({ user: { header: 'Upgrade' } })).toEqual({ [at]: expect.stringContaining('of one connection') });
  expect(mistakesOf({ user: { header: 'X-Forwarded-User' } })).toEqual({
    [at]: expect.stringContaining('name there who sets X-Forwarded-User'),
  });
});

test('a row is one of a table of the capability, named by a parameter that some route has', () => {
  expect(mistakesOf({ user: { row: 'Users', by: 'name', from: 'slug' } })).toEqual({
    'capabilities.articles.user[0].row': 'names Users, which is no table of articles',
  });
  expect(mistakesOf({ user: { row: 'Articles', by: 'id', from: 'id' } })).toEqual({
    'capabilities.articles.user[0].from': ':id is no parameter of any route',
  });
  expect(mistakesOf({ user: { path: 'slug' } })).toEqual({
    'capabilities.articles.user[0].path': ':slug is no parameter of GET /articles',
  });
});

test('the tables that are looked at are those of the lookup, the session, and the row’s way to its user, as each side calls them', () => {
  const tables = planOf({ user: { header: 'x-user' } }).capabilities.articles!.tables;
  expect(lookupTables({ row: 'Comments', by: 'id', from: 'id' }, tables)).toEqual([
    ...[
      { side: 'monolith', table: 'Comments' },
      { side: 'service', table: 'Comments' },
    ],
    ...[
      { side: 'monolith', table: 'Articles' },
      { side: 'service', table: 'articles' },
    ],
  ]);
  expect(lookupTables({ header: 'x-email', lookup: LOOKUP }, tables)).toEqual([{ side: 'monolith', table: 'Users' }]);
});
