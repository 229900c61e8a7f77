import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { askedSource } from './ask.ts';
import { Places } from './places.ts';
import type { IdentitySource } from './source.ts';

const places = new Places();
let answers: (request: IncomingMessage, response: ServerResponse) => void;
let requests: IncomingMessage[] = [];
let asks: IdentitySource;
const server = createServer((request, response) => {
  requests.push(request);
  answers(request, response);
});

beforeAll(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  asks = askedSource(`http://127.0.0.1:${(server.address() as AddressInfo).port}/whoami`, places);
});
beforeEach(() => {
  requests = [];
});
afterAll(async () => {
  await places.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const WHOM = 'the address that is asked whose a request is';
const ask = (headers: readonly string[] = [], more: { isWrite?: boolean; target?: string } = {}) =>
  asks({ method: 'POST', isWrite: true, target: '/', parameters: new Map(), headers, ...more });
const answering =
  (status: number, body = '', headers: Record<string, string> = {}) =>
  (_: IncomingMessage, response: ServerResponse) =>
    void response.writeHead(status, headers).end(body);

test('it is told what a forward-auth is: method, target, Authorization and Cookie, and nothing else of the request', async () => {
  answers = answering(200, '{"user":"ada"}');
  const headers = ['Authorization', 'Token t', 'Cookie', 'a=1', 'cookie', 'b=2', 'X-Secret', 'x'];
  expect(await ask(headers, { target: '/articles?x=1' })).toEqual({ user: 'ada' });
  const { method, url, headers: sent } = requests[0]!;
  expect([method, url]).toEqual(['GET', '/whoami']);
  const { host: _, connection: __, ...rest } = sent;
  expect(rest).toEqual({
    ...{ authorization: 'Token t', cookie: 'a=1; b=2' },
    ...{ 'x-forwarded-method': 'POST', 'x-forwarded-uri': '/articles?x=1' },
  });
});

test.each<[number, string, unknown]>([
  [200, '{"user":281674916028284930123}', { user: '281674916028284930123' }],
  [204, '', undefined],
  [401, 'who?', undefined],
  [200, '{"user":null}', { unknown: `${WHOM} answers 200 without a user` }],
  [200, '{"user":{"id":1}}', { unknown: `${WHOM} answers 200 without a user` }],
  [200, 'ada', { unknown: `${WHOM} answers 200 without a user` }],
  [200, `{"user":"${'x'.repeat(20_000)}"}`, { unknown: `${WHOM} answers more than 16384 bytes` }],
  [500, '{"user":"ada"}', { unknown: `${WHOM} answers 500` }],
  [403, '', { unknown: `${WHOM} answers 403` }],
  [404, 'x'.repeat(1_000), { unknown: `${WHOM} answers 404` }], // so does a gateway whose backend is away
])('an answer %i %.30s', async (status, body, meaning) => {
  answers = answering(status, body);
  expect(await ask()).toEqual(meaning);
});

test('it follows no redirect: another address may be anybody’s', async () => {
  answers = answering(302, '', { location: '/elsewhere' });
  expect(await ask()).toEqual({ unknown: `${WHOM} answers 302` });
  expect(requests).toHaveLength(1);
});

test('a connection that ends is made once more: one that was kept may have ended just then', async () => {
  answers = (request, response) => {
    if (requests.length === 1) request.socket.destroy();
    else answering(200, '{"user":"ada"}')(request, response);
  };
  expect(await ask()).toEqual({ user: 'ada' });
  expect(requests).toHaveLength(2);
});

test('a reset, and an answer that never ends, is unknown', async () => {
  answers = (request) => request.socket.destroy();
  expect(await ask()).toMatchObject({ unknown: expect.stringContaining(`${WHOM} did not answer`) });
  answers = (_, response) => void response.writeHead(200).write('{');
  expect(await ask()).toMatchObject({ unknown: expect.stringContaining(WHOM) });
});

test('reads that say the same ask once in some seconds; another token asks for itself, and so does every write', async () => {
  answers = (request, response) =>
    answering(200, JSON.stringify({ user: request.headers.authorization }))(request, response);
  const read = (token: string) => ask(['Authorization', token], { isWrite: false });
  expect([await read('a'), await read('a'), await read('b')]).toEqual([{ user: 'a' }, { user: 'a' }, { user: 'b' }]);
  expect(requests).toHaveLength(2);
  await ask(['Authorization', 'a']);
  await ask(['Authorization', 'a']);
  expect(requests).toHaveLength(4);
});

test('two Authorization headers are unreadable, and asked of nobody', async () => {
  expect(await ask(['Authorization', 'a', 'authorization', 'b'])).toEqual({
    unreadable: 'there are 2 headers authorization',
  });
  expect(requests).toEqual([]);
});

test('what a header cannot hold is unreadable, however often it comes: it takes no connection away', async () => {
  answers = answering(200, '{"user":"ada"}');
  for (let n = 0; n < 20; n++)
    expect(await ask(['Cookie', 'a=\u2028'])).toEqual({ unreadable: 'what it says cannot be put into a header' });
  expect(await ask(['Cookie', 'a=1'])).toEqual({ user: 'ada' });
});

test('nothing a client sends, and nothing that is answered, makes it fail', async () => {
  const bytes = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) }),
  );
  await fc.assert(
    fc.asyncProperty(bytes, bytes, bytes, bytes, async (authorization, cookie, target, body) => {
      answers = answering(200, body);
      const said = await ask(['Authorization', authorization, 'Cookie', cookie], { target });
      expect(said === undefined || Object.keys(said).length === 1).toBe(true);
    }),
    { numRuns: 200 },
  );
  answers = answering(200, '{"user":"ada"}');
  expect(await ask()).toEqual({ user: 'ada' });
});
