import { describe, expect, test } from '@jest/globals';
import { compareReplies, mysqlToPostgres, type Reply, type Rule, ruleSet, toReply } from '../index.ts';
import { REGRESSIONS, type Regression } from './regressions.ts';
import type { Wire } from './spoil.ts';

const headers = {
  'content-type': 'application/json; charset=utf-8',
  'cache-control': 'no-store',
  etag: 'W/"1"',
  location: '/api/orders/7',
  link: '</api/orders?after=7>; rel="next"',
  'set-cookie': ['sid=1; HttpOnly; Secure'],
  'x-total-count': '3',
  'access-control-allow-origin': 'https://shop.test',
};

/** Replies of the old side, of the sort a shop gives. */
const OLD: Readonly<Record<string, Wire>> = {
  'a list of orders': {
    status: 200,
    headers,
    body: `{"orders":[
      {"id":1,"userId":5,"reference":9007199254740993,"status":"paid","total":"19.90","weight":1.25,"gift":false,"urgent":true,"note":null,
       "createdAt":"2026-03-29T01:30:00.250Z","items":[{"sku":"007","quantity":2,"price":"9.95"},{"sku":"011","quantity":1,"price":"0.00"}],"tags":["b","a"]},
      {"id":3,"userId":5,"reference":9007199254740995,"status":"placed","total":"5.00","weight":0.5,"gift":true,"urgent":false,"note":"Ångström & Söhne ☕",
       "createdAt":"2026-03-29T03:30:00.125Z","items":[{"sku":"007","quantity":1,"price":"4.95"},{"sku":"013","quantity":3,"price":"11.77"}],"tags":["a","c"]},
      {"id":5,"userId":7,"reference":9007199254740997,"status":"paid","total":"149.99","weight":0.12345678901234567891,"gift":true,"urgent":false,"note":"at the door\\nplease",
       "createdAt":"2026-10-25T00:30:00.001Z","items":[{"sku":"017","quantity":1,"price":"149.99"},{"sku":"019","quantity":5,"price":"0.05"}],"tags":["a","d"]}
    ],"count":3,"next":null}`,
  },
  'one order': {
    status: 200,
    headers,
    body: `{"id":1,"userId":5,"reference":9007199254740993,"status":"paid","total":"19.90","weight":1.25,"gift":false,"urgent":true,"note":null,
      "address":{"name":"Zoë Müller","street":"rue de l’Église","zip":"04109"},"createdAt":"2026-03-29T01:30:00.250Z",
      "items":[{"sku":"007","quantity":2,"price":"9.95"},{"sku":"011","quantity":1,"price":"0.01"}],"tags":["b","a"]}`,
  },
  'a refusal': {
    status: 422,
    headers,
    body: `{"error":{"code":"invalid","message":"Two things are wrong & must be changed ☕","fields":[{"name":"quantity","count":0,"reason":"too small"},{"name":"sku","count":12,"reason":"unknown"}],
      "retry":false,"since":"2026-03-29T01:30:00.250Z","limit":"10.50","hint":null}}`,
  },
};

const orders = ['$', '$.orders[*]'];
const paths = (...names: string[]) => orders.flatMap((order) => names.map((name) => `${order}.${name}`));
/** What two sides of this migration may differ in. */
const RULES: readonly Rule[] = [
  ...mysqlToPostgres({
    numbers: paths('total', 'reference', 'items[*].price'),
    booleans: paths('gift'),
    timestamps: paths('createdAt'),
    milliseconds: 1,
    unsorted: paths('tags'),
  }),
  ...paths('id').map((path) => ({ id: `ids ${path}`, reason: 'own ids', path, kind: 'id-map', map: 'order' }) as const),
];

/** What the service rightly answers otherwise: other ids, numbers as texts, zones, true for 1. */
const drifted = ({ body, ...reply }: Wire): Wire => ({
  ...reply,
  body: body
    .replace(/"id":(\d+)/g, (_, id) => `"id":${Number(id) + 1}`)
    .replace(/"reference":(\d+)/g, '"reference":"$1"')
    .replace(/"tags":\["(.)","(.)"\]/g, '"tags":["$2","$1"]'),
});
const sameAsText = (reply: Wire): Wire => ({
  ...reply,
  body: JSON.stringify(reply.body) === '' ? '' : ` ${reply.body}`,
});
const replyOf = (wire: Wire): Reply => toReply(wire);

/** As in a suite: the rules have seen the reply as it should be, and know its ids. */
function caught(old: Wire, right: Wire, wrong: Wire, rules: readonly Rule[]): boolean {
  const set = ruleSet(rules);
  compareReplies(replyOf(old), replyOf(right), set);
  return compareReplies(replyOf(old), replyOf(wrong), set).kind === 'mismatch';
}

/** Every regression in every reply it can befall, on top of what `drift` changes rightly. */
function tried(drift: (reply: Wire) => Wire, rules: readonly Rule[]) {
  return Object.entries(OLD).flatMap(([what, old]) =>
    REGRESSIONS.flatMap((regression) => {
      const spoiled = regression.spoil(drift(old));
      return spoiled ? [{ what, regression, caught: caught(old, drift(old), spoiled, rules) }] : [];
    }),
  );
}

const missed = (all: ReturnType<typeof tried>) =>
  all.filter((one) => !one.caught).map(({ what, regression }) => `${what} ${regression.name}`);
const about = (all: ReturnType<typeof tried>, ...kinds: Regression['about'][]) =>
  all.filter(({ regression }) => kinds.includes(regression.about));

describe.each([
  ['without rules', sameAsText, [] as readonly Rule[]],
  ['under the rules of a migration, beside what they excuse', drifted, RULES],
] as const)('seeded regressions %s', (_, drift, rules) => {
  const all = tried(drift, rules);

  test('are of at least 60 kinds, and each befalls some reply', () => {
    expect(REGRESSIONS.length).toBeGreaterThanOrEqual(60);
    const names = new Set(all.map(({ regression }) => regression.name));
    expect(REGRESSIONS.filter(({ name }) => !names.has(name)).map(({ name }) => name)).toEqual([]);
  });

  test('none is there to begin with', () => {
    for (const old of Object.values(OLD)) {
      expect(compareReplies(replyOf(old), replyOf(drift(old)), rules).differences).toEqual([]);
    }
  });

  test('at least 98 % are caught, and those that are not are known', () => {
    expect(missed(all)).toEqual([]);
    expect(1 - missed(all).length / all.length).toBeGreaterThanOrEqual(0.98);
  });

  test('every removed field, type and status is caught', () => {
    expect(missed(about(all, 'removed', 'type', 'status'))).toEqual([]);
    expect(about(all, 'removed', 'type', 'status').length).toBeGreaterThan(60);
  });
});
