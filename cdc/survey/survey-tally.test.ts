import { expect, test } from '@jest/globals';
import { type HeardWrite, type NamedUser, parsePlan } from '@strangler/plan';
import type { SurveyedChange } from './explain.ts';
import { HeardWrites } from './heard-writes.ts';
import { printSurvey } from './print-survey.ts';
import { SurveyTally } from './survey-tally.ts';

const TABLES = ['Articles', 'Comments'];
const plan = parsePlan(
  JSON.stringify({
    ...{ version: 1, name: 'conduit', monolith: { url: 'http://127.0.0.1:1', database: 'mysql://a:b@h/d' } },
    kafka: { brokers: ['127.0.0.1:9092'], connect: 'http://127.0.0.1:8083' },
    control: { tokens: { admin: 'admin-token', proxy: 'proxy-token' } },
    capabilities: {
      articles: {
        service: { url: 'http://127.0.0.1:2', database: 'postgres://a:b@h/d' },
        ...{ routes: ['ANY /articles/**'], user: [{ header: 'x-user' }], anonymous: 'monolith' },
        tables: {
          Articles: { user: 'authorId', writers: [{ by: 'the popularity job', columns: ['popularity'] }] },
          Comments: { user: 'authorId' },
        },
      },
    },
  }),
  {},
);

let ids = 0;
const write = (named: NamedUser, began: number): HeardWrite => ({
  ...{ id: ids++, proxy: 'p1/a', capability: 'articles', route: 'POST /articles', readOnly: false },
  ...{ users: { articles: named }, began, ended: began + 100, status: 200 },
});
const change = (over: Partial<SurveyedChange>, at: number): SurveyedChange => ({
  ...{ capability: 'articles', table: 'Articles', op: 'update', columns: ['title'], key: '7', transaction: `t${at}` },
  ...{ before: { user: '1' }, after: { user: '1' }, cascade: false, at: { from: at, to: at } },
  ...over,
});

/** What is found of these changes beside these writes. */
function found(writes: readonly HeardWrite[], changes: readonly SurveyedChange[]) {
  const heard = new HeardWrites();
  const tally = new SurveyTally('articles', TABLES);
  const proxies = [{ proxy: 'p1', tells: true }];
  heard.take({ stream: 's', now: 90_000, next: 0, missed: 0, writes, proxies }, (one) => tally.heard(one));
  for (const one of changes) tally.add(one, heard);
  return tally.finish(heard, 60_000);
}
const insert = (at: number, over: Partial<SurveyedChange> = {}) =>
  change({ op: 'insert', columns: [], before: undefined, ...over }, at);

test('a row that is born without a user and given one later is told as one finding, with how long it took', () => {
  const given = change({ columns: ['authorId'], before: 'null' }, 1_080);
  const result = found([write({ user: '1' }, 1_000)], [insert(1_050, { after: 'null' }), given]);
  expect(result.findings).toMatchObject([{ op: 'insert', cause: 'null-first', count: 1, longest: 30 }]);
  expect(result).toMatchObject({ changes: 2, explained: 1, unexplained: 1 });
});

test('one that is never given a user is nobody’s', () => {
  const { findings } = found([], [insert(1_050, { after: 'null' })]);
  expect(findings).toMatchObject([{ op: 'insert', cause: 'no-user', count: 1 }]);
});

test('users of requests who are never users of rows are told, and requests that name nobody', () => {
  const nobody: NamedUser = { lack: 'unreadable', why: 'what names the user is no integer' };
  const result = found([write({ user: 'ann@shop.test' }, 1_000), write(nobody, 1_000)], [insert(1_050)]);
  expect(result.strangers).toEqual({ request: 'ann@shop.test', row: '1' });
  expect(result.withoutUser).toEqual([{ route: 'POST /articles', count: 1, why: 'what names the user is no integer' }]);
  expect(found([write({ user: '1' }, 1_000)], [insert(1_050)]).strangers).toBeUndefined();
});

test('the report tells what is unexplained and what answers it, what is declared, and which table was not seen', () => {
  const job = Array.from({ length: 3 }, (_, nth) =>
    change({ columns: ['popularity'], key: `${nth}`, transaction: 'job' }, 30_000),
  );
  const result = found([write({ user: '1' }, 1_000)], [insert(1_050), ...job, change({ columns: ['hidden'] }, 40_000)]);
  const report = { ...result, begun: '', milliseconds: 60_000, undeclared: 1, notes: ['proxy p2 was silent'] };
  expect(printSurvey(report, plan).split('\n')).toEqual([
    'articles: 5 changes in 60.0 s, 1 made by requests of the row’s user, 4 not',
    '',
    'table     changes  explained  not  by',
    'Articles        5          1    4  POST /articles (1)',
    'Comments        0          0    0',
    '',
    'declared: 3 × Articles: update of popularity while no request was under way that could have made it: a timed job, or somebody past the proxy',
    '  rows: 0 at 1970-01-01T00:00:30.000Z; 1 at 1970-01-01T00:00:30.000Z; 2 at 1970-01-01T00:00:30.000Z',
    '',
    'UNEXPLAINED: 1 × Articles: update of hidden while no request was under way that could have made it: a timed job, or somebody past the proxy',
    '  rows: 7 at 1970-01-01T00:00:40.000Z',
    '  answer it: send it through the proxy as the row’s user, or declare who writes it, as below',
    '',
    'to declare in the Plan, once you know that they are who they seem to be:',
    'capabilities:',
    '  articles:',
    '    tables:',
    '      Articles:',
    '        writers:',
    '          - { by: "a timed job", columns: [hidden] }',
    '',
    'note: proxy p2 was silent',
    '',
    'no change of Comments was seen: survey when there is one. 1 of 5 changes neither explained nor declared: nobody leaves the monolith while that is so',
  ]);
});

test('what users write themselves is not offered to be declared: a declared column has one writer', () => {
  const own = change({ columns: ['title', 'body'] }, 1_050);
  const staff = change({ columns: ['body', 'hidden'] }, 40_000);
  const result = found([write({ user: '1' }, 1_000)], [own, staff]);
  expect(result.explainedBy).toMatchObject([{ op: 'update', columns: ['title', 'body'], count: 1 }]);
  const report = { ...result, begun: '', milliseconds: 60_000, undeclared: 1, notes: [] };
  const said = printSurvey(report, plan);
  expect(said).toContain(
    'send it through the proxy as the row’s user: users write body themselves, and what is declared has one writer\n' +
      '  answer it: or, if it decides nothing, name it: capabilities.articles.tables.Articles.touched: [body]',
  );
  expect(said).not.toContain('writers:');
});
