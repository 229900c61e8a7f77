import { describe, expect, test } from '@jest/globals';
import { compareReplies, type Rule, Tally, toReply } from '@strangler/compare';
import fc from 'fast-check';
import { Comparisons } from './comparisons.ts';
import { readMessage } from './link-message.ts';

const MARKUP = '"><img src=x onerror=alert(1)>';
const reply = (total: number) =>
  toReply({ status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ total }) });
const tally = new Tally();
tally.add({ route: 'GET /orders/{id}', result: compareReplies(reply(1), reply(2)), at: '/orders/7' });
const rule: Rule = { id: 'age', reason: 'drifts', path: '$.age', kind: 'ignore' };
const comparison = {
  capability: 'orders',
  replies: tally.report(),
  noise: tally.report(),
  again: [tally.report().groups[0]!.id],
  rules: [{ rule, pairs: 3, hits: 1, excused: { 'value $.age': 1 } }],
};
const read = (given: unknown) => readMessage(JSON.stringify({ type: 'compared', comparison: given }));

/** The comparison with one place changed, named by its path: `replies.groups.0.severity`. */
function changed(path: string, value: unknown): unknown {
  const copy = JSON.parse(JSON.stringify(comparison));
  const names = path.split('.').filter(Boolean);
  const last = names.pop()!;
  const holder = names.reduce((at, name) => at[name], copy);
  holder[last] = value;
  return copy;
}

describe('what a proxy found', () => {
  test('is taken as it is when it is what proxies say', () => {
    expect(read(comparison)).toEqual({ type: 'compared', comparison: JSON.parse(JSON.stringify(comparison)) });
  });

  test.each([
    ['replies.groups.0.severity', MARKUP, 'replies: groups[0].severity must be one of high, medium, low'],
    ['replies.groups.0.kind', MARKUP, 'replies: groups[0].kind must be one of status, header, type'],
    ['replies.groups.0.kind', 'constructor', 'replies: groups[0].kind must be one of'],
    ['replies.groups.0.id', MARKUP, 'replies: groups[0].id must be six hexadecimal digits'],
    ['replies.groups.0.path', '$[', 'replies: groups[0].path must be a path'],
    ['replies.groups.0.path', `$.${'a'.repeat(5_000)}`, 'replies: groups[0].path must be a text of at most 4,000'],
    ['replies.groups.0.pairs', 1.5, 'replies: groups[0].pairs must be a count'],
    ['replies.groups.0.samples.0.old', { a: 1 }, 'replies: groups[0].samples[0].old must be a text'],
    ['noise.routes.0.counts', { [MARKUP]: 1 }, 'noise: routes[0].counts must count equal, equal-by-rule'],
    ['noise.routes.0.counts', { equal: 1e300 }, 'noise: routes[0].counts must hold counts'],
    ['noise.routes.0.mismatches', MARKUP, 'noise: routes[0].mismatches must be a count'],
    ['noise.ungrouped', null, 'noise: ungrouped must be a count'],
    ['again', [MARKUP], 'again: must be ids of groups'],
    ['rules.0.rule.kind', MARKUP, 'rules: must be valid rules'],
    ['rules.0.excused', { x: -1 }, 'rules: must be valid rules with counts'],
    ['capability', '', 'names no capability'],
  ])('is refused by name where %s is %j', (path, value, why) => {
    expect(read(changed(path, value))).toEqual({ type: 'refused', why: expect.stringContaining(why) });
    expect((read(changed(path, value)) as { why: string }).why).not.toContain(MARKUP);
  });

  test('whatever else it may be, is refused or can be added up and reported', () => {
    const places = Object.keys(flat(comparison)).filter((place) => !place.includes(' '));
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.jsonValue(), (place, value) => {
        const message = read(changed(place, value));
        if (message?.type !== 'compared') return;
        const comparisons = new Comparisons();
        comparisons.add(message.comparison);
        comparisons.gates(0.01);
        expect(comparisons.found.replies.groups.every(({ severity }) => /^(high|medium|low)$/.test(severity))).toBe(
          true,
        );
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('what a proxy counted', () => {
  const counted = { capability: 'shop', side: 'service', requests: 10, errors: 3, hard: 1, clientErrors: 2 };
  const counts = (over: object) => ({
    type: 'counts',
    counts: [{ ...counted, latency: 1_234.5, writers: ['ada'], ...over }],
  });
  const of = (message: object) => readMessage(JSON.stringify(message));

  test('is taken as it is when it is what proxies say', () => {
    expect(of(counts({}))).toEqual(counts({}));
    const none = { requests: 0, errors: 0, hard: 0, clientErrors: 0, latency: 0 };
    expect(of(counts(none))).toEqual(counts(none));
    const users = [
      [7, 6, 3, 1],
      [8, 4, 0, 0],
    ];
    expect(of(counts({ users }))).toEqual(counts({ users }));
    expect(of(counts({ users: [] }))).toEqual(counts({ users: [] }));
  });

  test('what proxies say of users is taken if the numbers fit together', () => {
    const none = { requests: 0, absent: 0, unreadable: 0, unknown: 0 };
    const identified = (over: object) => ({
      type: 'identified',
      identified: [
        { capability: 'orders', reads: none, writes: { requests: 5, absent: 2, unreadable: 2, unknown: 1 }, ...over },
      ],
    });
    expect(of(identified({}))).toEqual(identified({}));
    expect(of(identified({ why: 'the header x-user is not ASCII' }))).toEqual(
      identified({ why: 'the header x-user is not ASCII' }),
    );
    expect(of(identified({ writes: { requests: 4, absent: 2, unreadable: 2, unknown: 1 } }))).toBeUndefined();
    expect(of(identified({ writes: { requests: 5, absent: -1, unreadable: 2, unknown: 1 } }))).toBeUndefined();
    expect(of(identified({ reads: undefined }))).toBeUndefined();
    expect(of(identified({ why: 'x'.repeat(1_000) }))).toBeUndefined();
  });

  test.each([
    ['as many requests as make two messages infinite', { requests: 1e308 }],
    ['requests of no whole number', { requests: 10.5 }],
    ['more requests than a proxy can count', { requests: 2 ** 53 - 1 }],
    ['more errors than requests', { errors: 11 }],
    ['more errors of both kinds than requests', { errors: 5, clientErrors: 6 }],
    ['more hard failures than errors', { hard: 4 }],
    [
      'more requests of users than requests',
      {
        users: [
          [7, 6, 0, 0],
          [8, 5, 0, 0],
        ],
      },
    ],
    ['a user with more errors than requests', { users: [[7, 1, 2, 0]] }],
    ['a user with more hard failures than errors', { users: [[7, 3, 0, 1]] }],
    ['users that are no hashes', { users: [['ada', 1, 0, 0]] }],
    ['counts of a user that are none', { users: [[7, 1]] }],
    ['a negative number of errors', { errors: -1, hard: 0 }],
    ['longer waits than any of its requests can have had', { latency: 1e308 }],
    ['waits of no requests', { requests: 0, errors: 0, hard: 0, clientErrors: 0, latency: 1 }],
  ])('is not with %s: nothing of it can be added up', (_, over) => {
    expect(of(counts(over))).toBeUndefined();
  });

  test('nor are times, epochs and versions no proxy can mean', () => {
    const flight = { capability: 'shop', epoch: 1, inFlight: 0, unknownFor: 99.5, inFlightOf: [], unknownOf: [] };
    const ack = { type: 'ack', term: 1, version: 2, flights: [flight] };
    expect(of(ack)).toEqual(ack);
    expect(of({ ...ack, version: 2.5 })).toBeUndefined();
    for (const over of [{ unknownFor: 1e308 }, { inFlight: 0.5 }, { epoch: 1e308 }])
      expect(of({ type: 'flight', flight: { ...flight, ...over } })).toBeUndefined();
  });
});

function flat(value: unknown, path: string[] = []): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return { [path.join('.')]: value };
  const inside = Object.entries(value).map(([name, inner]) => flat(inner, [...path, name]));
  return Object.assign(path.length ? { [path.join('.')]: value } : {}, ...inside);
}
