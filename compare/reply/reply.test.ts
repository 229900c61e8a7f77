import { describe, expect, test } from '@jest/globals';
import { compareReplies } from '../engine/compare-replies.ts';
import { readReply, toReply } from './reply.ts';

const bytes = (...values: number[]) => new Uint8Array(values);
const bodyOf = (body: unknown, contentType?: string, more = {}) =>
  toReply({ status: 200, headers: { ...(contentType && { 'Content-Type': contentType }), ...more }, body }).body;

describe('toReply', () => {
  test('lower-cases header names and keeps several cookies apart', () => {
    const raw = toReply({ status: 200, headers: { 'X-A': 1, 'Set-Cookie': ['a=1', 'b=2'], gone: undefined } });
    expect({ ...raw.headers }).toEqual({ 'x-a': ['1'], 'set-cookie': ['a=1', 'b=2'] });
    const headers = new Headers([
      ['Set-Cookie', 'a=1'],
      ['Set-Cookie', 'b=2'],
    ]);
    expect({ ...toReply({ status: 200, headers }).headers }).toEqual({ 'set-cookie': ['a=1', 'b=2'] });
  });

  test('reads JSON from text and bytes, whatever it is called', () => {
    for (const type of ['application/json', 'Application/JSON; charset=utf-8', 'application/problem+json']) {
      expect(bodyOf('{"a":1}', type)).toEqual({ kind: 'json', value: { a: 1 } });
      expect(bodyOf(Buffer.from('{"a":1}'), type)).toEqual({ kind: 'json', value: { a: 1 } });
    }
    expect(bodyOf({ a: 1, gone: undefined })).toEqual({ kind: 'json', value: { a: 1 } });
  });

  test('takes what says JSON and is not as text', () => {
    expect(bodyOf('<html>', 'application/json')).toEqual({ kind: 'text', text: '<html>' });
  });

  test('decodes by charset, and calls an unknown one unreadable', () => {
    expect(bodyOf(bytes(0xe9), 'text/plain; charset=iso-8859-1')).toEqual({ kind: 'text', text: 'é' });
    expect(bodyOf(bytes(0xef, 0xbb, 0xbf, 0x7b, 0x7d), 'application/json')).toEqual({ kind: 'json', value: {} });
    expect(bodyOf(bytes(0xe9), 'text/plain; charset=klingon').kind).toBe('unreadable');
  });

  test('reads a form into fields with all their values', () => {
    const body = bodyOf('a=1&b=x%20y&a=2', 'application/x-www-form-urlencoded');
    expect(body).toEqual({ kind: 'form', fields: Object.assign(Object.create(null), { a: ['1', '2'], b: ['x y'] }) });
  });

  test('keeps of binary only length and hash', () => {
    expect(bodyOf(bytes(1, 2, 3), 'image/png')).toEqual({
      kind: 'binary',
      bytes: 3,
      sha256: '039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81',
    });
  });

  test('knows empty bodies', () => {
    for (const body of [undefined, null, '', bytes()]) expect(bodyOf(body, 'application/json').kind).toBe('empty');
  });

  test('does not pretend to read bytes that are still compressed', () => {
    expect(bodyOf(bytes(31, 139), 'application/json', { 'content-encoding': 'gzip' })).toMatchObject({
      kind: 'unreadable',
      why: expect.stringContaining('gzip'),
    });
  });

  test('reads JSON however deep it is nested, without losing digits', () => {
    const deep = `${'['.repeat(50_000)}12345678901234567890${']'.repeat(50_000)}`;
    expect(bodyOf(deep, 'application/json').kind).toBe('json');
  });
});

describe('readReply', () => {
  test('reads a fetch Response to its end', async () => {
    const reply = await readReply(Response.json({ a: [1] }, { status: 201, headers: { location: '/a' } }));
    expect(reply).toMatchObject({
      status: 201,
      headers: { location: ['/a'] },
      body: { kind: 'json', value: { a: [1] } },
    });
  });

  test('knows that fetch has undone the compression', async () => {
    const response = new Response('{"a":1}', {
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    });
    expect((await readReply(response)).body).toEqual({ kind: 'json', value: { a: 1 } });
  });
});

describe('JSON by its media type (mimesniff)', () => {
  const kind = (media: string, text = '{"a":1}') =>
    toReply({ status: 200, headers: { 'content-type': media }, body: text }).body.kind;

  test.each([
    'application/json',
    'text/json',
    'TEXT/JSON; charset=utf-8',
    'application/problem+json',
    'application/vnd.api+json',
    'image/svg+json',
    'application/graphql-response+json;charset=utf-8',
  ])('H9: %s is', (media) => {
    expect(kind(media)).toBe('json');
    expect(kind(media, '\ufeff[1]')).toBe('json');
  });

  test.each(['text/plain', 'text/jsonp', 'application/jsonl', '+json', 'text/html'])('%s is not', (media) => {
    expect(kind(media)).not.toBe('json');
  });

  test('H9: members of text/json in another order are the same', () => {
    const reply = (body: string) => toReply({ status: 200, headers: { 'content-type': 'text/json' }, body });
    expect(compareReplies(reply('{"a":1,"b":2}'), reply('{"b":2,"a":1}')).kind).toBe('equal');
  });
});
