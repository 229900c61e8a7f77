import { describe, expect, test } from '@jest/globals';
import { compareReplies, PATIENT, type Rule, ruleSet, toReply } from '../index.ts';

const json = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  toReply({ status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
const rule = (path: string, kind: object): Rule => ({ id: 'r', reason: 'test', path, ...kind }) as Rule;
const compare = (old: unknown, newer: unknown, ...rules: Rule[]) => compareReplies(json(old), json(newer), rules);
const verdict = (old: unknown, newer: unknown, ...rules: Rule[]) => {
  const { kind, differences } = compare(old, newer, ...rules);
  return [kind, ...differences.map((difference) => `${difference.kind} ${difference.at}`)];
};

describe('compareReplies', () => {
  test('calls replies equal, equal by a rule it names, or a mismatch', () => {
    expect(compare({ a: 1 }, { a: 1 })).toEqual({ kind: 'equal', differences: [], hits: {}, excused: [] });
    expect(compare({ a: 1 }, { a: 2 }, rule('$.a', { kind: 'ignore' }))).toMatchObject({
      kind: 'equal-by-rule',
      hits: { r: 1 },
    });
    expect(compare({ a: 1 }, { a: 1 }, rule('$.a', { kind: 'ignore' })).kind).toBe('equal');
    expect(compare({ a: 1 }, { a: 2 }).kind).toBe('mismatch');
  });

  test('reports another status, and not every field of an error beside it', () => {
    const { kind, differences } = compareReplies(json({ id: 1 }), json({ error: 'boom' }, 500));
    expect(kind).toBe('mismatch');
    expect(differences).toEqual([
      {
        kind: 'status',
        severity: 'high',
        path: 'status',
        at: 'status',
        old: '200 {"id": 1}',
        new: '500 {"error": "boom"}',
      },
    ]);
    expect(compareReplies(json({ id: 1 }), json({ id: 2 }, 201)).differences).toHaveLength(2);
  });

  test('knows a side that failed, and a gateway that speaks for it', () => {
    const failed = { error: 'connect ECONNREFUSED' };
    expect(compareReplies(failed, json(1)).kind).toBe('not-comparable');
    expect(compareReplies(json(1), failed)).toMatchObject({
      kind: 'candidate-error',
      reason: 'the candidate gave no reply: connect ECONNREFUSED',
    });
    expect(compareReplies(json(1), json({}, 503)).kind).toBe('candidate-error');
    expect(compareReplies(json(1, 502), json(1)).kind).toBe('not-comparable');
    expect(compareReplies(json({ error: 'busy' }, 503), json({ error: 'busy' }, 503)).kind).toBe('equal');
  });

  test('tells bodies of different kinds apart', () => {
    const text = toReply({ status: 200, headers: { 'content-type': 'text/html' }, body: '<p>' });
    const none = toReply({ status: 200, headers: {} });
    expect(compareReplies(json({}), text).differences.map(({ kind, path }) => [kind, path])).toEqual([
      ['header', 'headers.content-type'],
      ['type', '$'],
    ]);
    expect(compareReplies(none, none).kind).toBe('equal');
    expect(compareReplies(json({}), none).differences.at(-1)).toMatchObject({ kind: 'missing', path: '$' });
  });

  test('compares text, forms and binary', () => {
    const of = (type: string, body: string | Uint8Array) =>
      toReply({ status: 200, headers: { 'content-type': type }, body });
    const form = 'application/x-www-form-urlencoded';
    expect(compareReplies(of('text/plain', 'a'), of('text/plain', 'b')).differences).toMatchObject([
      { path: '$', kind: 'value' },
    ]);
    expect(compareReplies(of(form, 'a=1&b=2'), of(form, 'b=2&a=1')).kind).toBe('equal');
    expect(compareReplies(of(form, 'a=1&b=2'), of(form, 'a=1&b=3')).differences).toMatchObject([{ at: '$.b[0]' }]);
    const [one, other] = [new Uint8Array([1]), new Uint8Array([2])];
    expect(compareReplies(of('image/png', one), of('image/png', one)).kind).toBe('equal');
    expect(compareReplies(of('image/png', one), of('image/png', other)).kind).toBe('mismatch');
  });

  test('says not-comparable of bodies nobody can decode, unless they are the same bytes', () => {
    const packed = (...bytes: number[]) =>
      toReply({ status: 200, headers: { 'content-encoding': 'br' }, body: new Uint8Array(bytes) });
    expect(compareReplies(packed(1), packed(2))).toMatchObject({
      kind: 'not-comparable',
      reason: expect.stringContaining('br'),
    });
    expect(compareReplies(packed(1), packed(1)).kind).toBe('equal');
  });

  test('says not-comparable of a body that was cut, even where the beginnings are the same', () => {
    const cut = toReply({ status: 200, headers: {}, body: 'abc', cut: 'it is larger than 256 KiB' });
    expect(compareReplies(cut, cut)).toMatchObject({
      kind: 'not-comparable',
      reason: expect.stringContaining('256 KiB'),
    });
  });

  test('knows the same bytes to be equal however many there are, and calls others truncated if it has not seen all', () => {
    const many = Array(300_000).fill(0);
    expect(compare(many, many).kind).toBe('equal');
    const spaced = toReply({ status: 200, headers: json(1).headers, body: `${JSON.stringify(many)} ` });
    expect(compareReplies(json(many), spaced).kind).toBe('truncated');
    expect(compareReplies(json(many), spaced, [], { budget: PATIENT }).kind).toBe('equal');
    expect(compare(many, many.with(5, 1)).kind).toBe('mismatch');
  });

  test('ends a comparison by the clock', () => {
    const spaced = toReply({ status: 200, headers: json(1).headers, body: `${JSON.stringify(Array(5000).fill(0))} ` });
    let now = 0;
    const clock = () => (now += 30);
    expect(compareReplies(json(Array(5000).fill(0)), spaced, [], { clock }).kind).toBe('truncated');
    expect(compareReplies(json(Array(5000).fill(0)), spaced, [], { clock: () => 0 }).kind).toBe('equal');
  });
});

describe('headers', () => {
  const withHeaders = (headers: Record<string, string | string[]>) => toReply({ status: 200, headers });
  const paths = (old: Record<string, string | string[]>, newer: Record<string, string | string[]>, ...rules: Rule[]) =>
    compareReplies(withHeaders(old), withHeaders(newer), rules).differences.map(({ kind, path }) => `${kind} ${path}`);

  test('that clients rely on are compared', () => {
    expect(paths({ Location: '/a' }, { location: '/b' })).toEqual(['header headers.location']);
    expect(paths({ 'Cache-Control': 'no-store' }, {})).toEqual(['header headers.cache-control']);
    expect(paths({}, { 'Idempotent-Replayed': 'true' })).toEqual(['header headers.idempotent-replayed']);
  });

  test('that mean the same are the same', () => {
    const old = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-cache, Max-Age=0' };
    expect(paths(old, { 'content-type': 'Application/JSON', 'cache-control': 'max-age=0,no-cache' })).toEqual([]);
  });

  test('of cookies only names count', () => {
    expect(paths({ 'set-cookie': ['sid=1; Path=/', 'a=b'] }, { 'set-cookie': ['a=c', 'sid=2'] })).toEqual([]);
    expect(paths({ 'set-cookie': ['sid=1'] }, { 'set-cookie': ['session=1'] })).toEqual(['header headers.set-cookie']);
  });

  test('that change from reply to reply or belong to the connection never count', () => {
    const volatile = [
      'date',
      'etag',
      'x-request-id',
      'connection',
      'content-length',
      'keep-alive',
      'transfer-encoding',
    ];
    for (const name of volatile) expect(paths({ [name]: '1' }, { [name]: '2' })).toEqual([]);
  });

  test('are excused by a rule that names them', () => {
    const location = rule('headers.location', { kind: 'ignore' });
    expect(paths({ location: '/a', allow: 'GET' }, { location: '/b', allow: 'PUT' }, location)).toEqual([
      'header headers.allow',
    ]);
  });
});

describe('rules', () => {
  test('reach exactly what they name', () => {
    const ignoreId = rule('$.id', { kind: 'ignore' });
    expect(verdict({ id: 1, items: [{ id: 1 }] }, { id: 2, items: [{ id: 2 }] }, ignoreId)).toEqual([
      'mismatch',
      'value $.items[0].id',
    ]);
    expect(verdict({ id: 1, idempotencyKey: 'a' }, { id: 2, idempotencyKey: 'b' }, ignoreId)).toEqual([
      'mismatch',
      'value $.idempotencyKey',
    ]);
    expect(verdict([{ a: 1 }, { a: 1 }], [{ a: 2 }, { a: 2 }], rule('$[0].a', { kind: 'ignore' }))).toEqual([
      'mismatch',
      'value $[1].a',
    ]);
    expect(
      verdict({ x: { a: 1 }, y: { a: 1 } }, { x: { a: 2 }, y: { a: 2 } }, rule('$.*.a', { kind: 'ignore' })),
    ).toEqual(['equal-by-rule']);
  });

  test('ignore: anything below the path, and its absence', () => {
    const ignore = rule('$.meta', { kind: 'ignore' });
    expect(verdict({ meta: { a: [1, 2] } }, { meta: 'x' }, ignore)).toEqual(['equal-by-rule']);
    expect(verdict({ meta: { a: [1, 2] } }, {}, ignore)).toEqual(['equal-by-rule']);
    expect(verdict({}, { meta: 1 }, ignore)).toEqual(['equal-by-rule']);
    expect(compare({ meta: { a: 1, b: 2 } }, { meta: { a: 2, b: 3 } }, ignore).hits).toEqual({ r: 2 });
  });

  test('shape-only: values may differ; types, names and formats may not', () => {
    const shape = rule('$.a', { kind: 'shape-only' });
    expect(verdict({ a: 1 }, { a: 2 }, shape)).toEqual(['equal-by-rule']);
    expect(verdict({ a: { x: [1, 2], y: 'p' } }, { a: { x: [7], y: 'q' } }, shape)).toEqual(['equal-by-rule']);
    expect(verdict({ a: 1 }, { a: '1' }, shape)).toEqual(['mismatch', 'type $.a']);
    expect(verdict({ a: 1 }, {}, shape)).toEqual(['mismatch', 'missing $.a']);
    expect(verdict({ a: { x: 1 } }, { a: { x: 1, y: 2 } }, shape)).toEqual(['mismatch', 'extra $.a.y']);
    expect(verdict({ a: [1, 2] }, { a: [1, 'x'] }, shape)).toEqual(['mismatch', 'type $.a[1]']);
    const times = (old: string, newer: string) => verdict({ a: old }, { a: newer }, shape);
    expect(times('2026-01-01T00:00:00.000Z', '2026-01-02T10:00:00+01:00')).toEqual(['equal-by-rule']);
    expect(times('2026-01-01T00:00:00.000Z', '2026-01-02 10:00:00')).toEqual(['mismatch', 'format $.a']);
  });

  test('tolerance: a cent, a share, some milliseconds, and no more', () => {
    const cent = rule('$.a', { kind: 'tolerance', absolute: 0.01 });
    expect(verdict({ a: 19.99 }, { a: 20 }, cent)).toEqual(['equal-by-rule']);
    expect(verdict({ a: 19.98 }, { a: 20 }, cent)).toEqual(['mismatch', 'value $.a']);
    expect(verdict({ a: 20 }, { a: '20' }, cent)).toEqual(['mismatch', 'type $.a']);
    const share = rule('$.a', { kind: 'tolerance', relative: 0.1 });
    expect(verdict({ a: 90 }, { a: 100 }, share)).toEqual(['equal-by-rule']);
    expect(verdict({ a: 89 }, { a: 100 }, share)).toEqual(['mismatch', 'value $.a']);
    const second = rule('$.a', { kind: 'tolerance', milliseconds: 1000 });
    expect(verdict({ a: '2026-01-01T00:00:00Z' }, { a: '2026-01-01T00:00:01.000Z' }, second)).toEqual([
      'equal-by-rule',
    ]);
    expect(verdict({ a: '2026-01-01T00:00:00Z' }, { a: '2026-01-01T00:00:01.001Z' }, second)).toEqual([
      'mismatch',
      'value $.a',
    ]);
    expect(verdict({ a: 'x' }, { a: 'y' }, second)).toEqual(['mismatch', 'value $.a']);
  });

  test('unordered: any order, but the same elements as often', () => {
    const unordered = rule('$.a', { kind: 'unordered' });
    expect(verdict({ a: [1, 2, 2] }, { a: [2, 1, 2] }, unordered)).toEqual(['equal-by-rule']);
    expect(verdict({ a: [1, 2, 2] }, { a: [2, 1, 1] }, unordered)).toEqual(['mismatch', 'value $.a[2]']);
    expect(verdict({ a: [1, 2] }, { a: [2, 1, 3] }, unordered)).toEqual(['mismatch', 'extra $.a[2]']);
    expect(verdict({ a: [[1, 2], 3] }, { a: [3, [2, 1]] }, unordered)[0]).toBe('mismatch');
    expect(
      verdict({ a: [[1, 2], 3] }, { a: [3, [2, 1]] }, unordered, {
        ...rule('$.a[*]', { kind: 'unordered' }),
        id: 'inner',
      }),
    ).toEqual(['equal-by-rule']);
  });

  test('unordered recognises elements by what the other rules leave of them', () => {
    const rules: Rule[] = [
      { id: 'order', reason: 'test', path: '$', kind: 'unordered' },
      { id: 'at', reason: 'test', path: '$[*].at', kind: 'ignore' },
      { id: 'id', reason: 'test', path: '$[*].id', kind: 'id-map', map: 'row' },
      { id: 'total', reason: 'test', path: '$[*].total', kind: 'numeric-string-is-number' },
      { id: 'note', reason: 'test', path: '$[*].note', kind: 'null-is-absent' },
    ];
    const old = [
      { id: 1, at: 'x', total: 10, name: 'a', note: null },
      { id: 3, at: 'y', total: 20, name: 'b' },
    ];
    const newer = [
      { id: 2, at: 'p', total: '20.00', name: 'b' },
      { id: 4, at: 'q', total: '10.00', name: 'a' },
    ];
    expect(verdict(old, newer, ...rules)).toEqual(['equal-by-rule']);
    expect(verdict(old, newer.with(1, { id: 4, at: 'q', total: '10.01', name: 'a' }), ...rules)).toEqual([
      'mismatch',
      'value $[0].total',
    ]);
  });

  test('keyed-by: elements are paired by a member, and their order still counts', () => {
    const keyed = rule('$.a', { kind: 'keyed-by', key: 'id' });
    const element = (id: unknown, v: number) => ({ id, v });
    expect(verdict({ a: [element(1, 1), element(2, 2)] }, { a: [element(1, 1), element(2, 3)] }, keyed)).toEqual([
      'mismatch',
      'value $.a[1].v',
    ]);
    expect(verdict({ a: [element(1, 1), element(2, 2)] }, { a: [element(2, 2)] }, keyed)).toEqual([
      'mismatch',
      'missing $.a[0]',
    ]);
    const swapped = [{ a: [element(1, 1), element(2, 2)] }, { a: [element(2, 9), element(1, 1)] }] as const;
    expect(verdict(...swapped, keyed)).toEqual(['mismatch', 'order $.a', 'value $.a[1].v']);
    expect(verdict(...swapped, keyed, { ...rule('$.a', { kind: 'unordered' }), id: 'any order' })).toEqual([
      'mismatch',
      'value $.a[1].v',
    ]);
    expect(verdict({ a: [element(1, 1)] }, { a: [element('1', 1)] }, keyed)).toEqual(['mismatch', 'type $.a[0].id']);
    expect(verdict({ a: [5, element(1, 1)] }, { a: [5, element(1, 1)] }, keyed)).toEqual(['equal']);
  });

  test('id-map: ids correspond one to one, within a reply and from one reply to the next', () => {
    const rules: Rule[] = [
      { id: 'id', reason: 'test', path: '$.id', kind: 'id-map', map: 'order' },
      { id: 'ids', reason: 'test', path: '$.list[*].id', kind: 'id-map', map: 'order' },
      { id: 'key', reason: 'test', path: '$.list', kind: 'keyed-by', key: 'id' },
      { id: 'any', reason: 'test', path: '$.list', kind: 'unordered' },
    ];
    expect(verdict({ id: 1, list: [{ id: 1 }] }, { id: 2, list: [{ id: 2 }] }, ...rules)).toEqual(['equal-by-rule']);
    expect(verdict({ id: 1, list: [{ id: 1 }] }, { id: 2, list: [{ id: 4 }] }, ...rules)[0]).toBe('mismatch');
    const set = ruleSet(rules);
    const next = (old: unknown, newer: unknown) => compareReplies(json(old), json(newer), set).kind;
    expect(next({ id: 1 }, { id: 2 })).toBe('equal-by-rule');
    expect(next({ id: 3 }, { id: 4 })).toBe('equal-by-rule');
    expect(next({ id: 1 }, { id: 4 })).toBe('mismatch');
    expect(next({ id: 2 }, { id: 2 })).toBe('mismatch');
    expect(
      next(
        {
          list: [
            { id: 1, v: 'a' },
            { id: 3, v: 'b' },
          ],
        },
        {
          list: [
            { id: 4, v: 'b' },
            { id: 2, v: 'a' },
          ],
        },
      ),
    ).toBe('equal-by-rule');
    expect(next({ id: '9007199254740993' }, { id: 6 })).toBe('mismatch');
  });

  test('id-map: a reply that is wrong elsewhere teaches nothing', () => {
    const set = ruleSet([rule('$.id', { kind: 'id-map', map: 'order' })]);
    expect(compareReplies(json({ id: 1, a: 1 }), json({ id: 9, a: 2 }), set).kind).toBe('mismatch');
    expect(compareReplies(json({ id: 1, a: 1 }), json({ id: 2, a: 1 }), set).kind).toBe('equal-by-rule');
  });

  test('numeric-string-is-number: the number counts, not how it is written', () => {
    const numeric = rule('$.a', { kind: 'numeric-string-is-number' });
    expect(verdict({ a: 19.9 }, { a: '19.90' }, numeric)).toEqual(['equal-by-rule']);
    expect(verdict({ a: '19.9' }, { a: '19.90' }, numeric)).toEqual(['equal-by-rule']);
    expect(verdict({ a: 19.9 }, { a: '19.91' }, numeric)).toEqual(['mismatch', 'value $.a']);
    expect(verdict({ a: 19.9 }, { a: 'x' }, numeric)).toEqual(['mismatch', 'type $.a']);
    expect(verdict({ a: 0 }, { a: '' }, numeric)).toEqual(['mismatch', 'type $.a']);
    expect(verdict({ a: '9007199254740993' }, { a: 9007199254740992 }, numeric)).toEqual(['mismatch', 'value $.a']);
  });

  test('null-is-absent: null and nothing are the same, nothing else is', () => {
    const nullable = rule('$.a', { kind: 'null-is-absent' });
    expect(verdict({ a: null }, {}, nullable)).toEqual(['equal-by-rule']);
    expect(verdict({}, { a: null }, nullable)).toEqual(['equal-by-rule']);
    expect(verdict({ a: 0 }, {}, nullable)).toEqual(['mismatch', 'missing $.a']);
    expect(verdict({ a: null }, { a: 0 }, nullable)).toEqual(['mismatch', 'type $.a']);
  });

  test('are counted over everything compared with the same set', () => {
    const set = ruleSet([rule('$.a', { kind: 'ignore' }), { ...rule('$.b', { kind: 'ignore' }), id: 'dead' }]);
    compareReplies(json({ a: 1 }), json({ a: 2 }), set);
    compareReplies(json({ a: 1 }), json({ a: 3 }), set);
    expect(set.hits).toEqual({ r: 2, dead: 0 });
  });
});
