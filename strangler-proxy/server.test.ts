import { afterEach, describe, expect, test } from '@jest/globals';
import { ask, Raw, statusOf, tcp } from './testing/raw.ts';
import { alone, startUpstream } from './testing/stage.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

/** A proxy before an upstream that answers with what it was asked. */
async function echo(limits: Record<string, unknown> = {}) {
  const upstream = await startUpstream('monolith');
  const proxy = await alone(upstream.url, limits);
  stops.push(proxy.stop, upstream.stop);
  return { ...proxy, upstream };
}

const GET = (target: string, ...headers: string[]) =>
  `GET ${target} HTTP/1.1\r\nHost: shop.test\r\n${headers.map((header) => `${header}\r\n`).join('')}\r\n`;
const POST = (...headers: string[]) => `POST /x HTTP/1.1\r\nHost: shop.test\r\n${headers.join('\r\n')}\r\n\r\n`;

describe('requests that are refused', () => {
  const CASES: [title: string, request: string, status: number][] = [
    [
      'faults 1 Transfer-Encoding with Content-Length',
      `${POST('Transfer-Encoding: chunked', 'Content-Length: 5')}0\r\n\r\n`,
      400,
    ],
    ['faults 2 two equal Content-Lengths', `${POST('Content-Length: 1', 'Content-Length: 1')}a`, 400],
    ['faults 2 two unequal Content-Lengths', `${POST('Content-Length: 1', 'Content-Length: 2')}ab`, 400],
    ['faults 2 a signed Content-Length', `${POST('Content-Length: +4')}abcd`, 400],
    ['faults 2 a hexadecimal Content-Length', `${POST('Content-Length: 0x4')}abcd`, 400],
    ['faults 2 a list of Content-Lengths', `${POST('Content-Length: 4,4')}abcd`, 400],
    ['faults 3 xchunked', `${POST('Transfer-Encoding: xchunked')}0\r\n\r\n`, 400],
    ['faults 3 chunked, identity', `${POST('Transfer-Encoding: chunked, identity')}0\r\n\r\n`, 400],
    ['faults 3 an empty coding after chunked', `${POST('Transfer-Encoding: chunked,')}0\r\n\r\n`, 400],
    ['faults 3 gzip, chunked', `${POST('Transfer-Encoding: gzip, chunked')}0\r\n\r\n`, 501],
    ['faults 4 Transfer-Encoding in HTTP/1.0', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
    ['faults 5 a space before the colon', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n', 400],
    ['faults 5 a folded header', 'GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n c\r\n\r\n', 400],
    ['faults 5 a bare LF', 'GET / HTTP/1.1\r\nHost: a\r\nA: b\nC: d\r\n\r\n', 400],
    ['faults 5 a bare CR', 'GET / HTTP/1.1\r\nHost: a\rA: b\r\n\r\n', 400],
    ['faults 5 a NUL', 'GET / HTTP/1.1\r\nHost: a\r\nA: \0\r\n\r\n', 400],
    ['faults 6 two Hosts', GET('/', 'Host: other'), 400],
    ['faults 6 no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['faults 6 a Host with a comma', 'GET / HTTP/1.1\r\nHost: a,b\r\n\r\n', 400],
    ['faults 6 a Host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400],
    ['faults 7 an absolute target with a user', GET('http://u@shop.test/x'), 400],
    ['faults 7 another scheme', GET('ftp://shop.test/x'), 400],
    ['faults 8 an encoded dot segment', GET('/a/%2e%2e/b'), 400],
    ['faults 8 a plain dot segment', GET('/a/../b'), 400],
    ['faults 8 a dot segment before an encoded slash', GET('/a/..%2fb'), 400],
    ['faults 8 a backslash', GET('/a\\b'), 400],
    ['faults 8 an encoded backslash', GET('/a%5cb'), 400],
    ['faults 8 an encoded NUL', GET('/a%00b'), 400],
    ['faults 8 a broken escape', GET('/a%zz'), 400],
    ['faults 8 a fragment', GET('/a#b'), 400],
    ['faults 9 CONNECT', 'CONNECT shop.test:443 HTTP/1.1\r\nHost: shop.test:443\r\n\r\n', 405],
    ['faults 9 TRACE', 'TRACE / HTTP/1.1\r\nHost: shop.test\r\n\r\n', 405],
    ['faults 9 GET *', GET('*'), 400],
    ['faults 13 an unknown Expect', POST('Content-Length: 1', 'Expect: the-impossible'), 417],
    ['faults 14 a header block above the limit', GET('/', `A: ${'x'.repeat(17_000)}`), 431],
    ['faults 14 a header block far above the limit', GET('/', `A: ${'x'.repeat(90_000)}`), 431],
    ['faults 14 too many headers', GET('/', ...Array.from({ length: 300 }, (_, at) => `A${at}: 1`)), 431],
    ['faults 14 a URL above the limit', GET(`/${'x'.repeat(9_000)}`), 414],
    ['faults 14 a URL far above the limit', GET(`/${'x'.repeat(40_000)}`), 414],
    ['two Authorization headers', GET('/', 'Authorization: Bearer a', 'Authorization: Bearer b'), 400],
  ];
  test.each(CASES)('%s is answered in JSON and never sent on', async (_, request, status) => {
    const { address, upstream } = await echo();
    const client = new Raw(address);
    const answer = await client.send(request).end();
    expect(statusOf(answer)).toBe(status);
    const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
    expect(body.error.correlationId).toMatch(/^[\w-]{36}$/);
    expect(answer).toContain(`x-correlation-id: ${body.error.correlationId}`);
    expect(answer).not.toMatch(/\.ts:|at .*\(/);
    expect(upstream.requests).toEqual([]);
  });
});

describe('requests that are put right', () => {
  test('faults 7 an absolute target becomes a path and its authority the Host', async () => {
    const { address, upstream } = await echo();
    expect(statusOf(await ask(address, GET('http://other.test:81/a?b=c')))).toBe(200);
    expect(upstream.requests[0]).toMatchObject({ url: '/a?b=c', headers: { host: 'other.test:81' } });
  });

  test('faults 8 a double slash goes on as it came', async () => {
    const { address, upstream } = await echo();
    expect(statusOf(await ask(address, GET('//host/p')))).toBe(200);
    expect(upstream.requests[0]!.url).toBe('//host/p');
  });

  test('faults 9 OPTIONS * is about the proxy itself and answered by it', async () => {
    const { address, upstream } = await echo();
    const answer = await ask(address, 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(statusOf(answer)).toBe(204);
    expect(answer).toContain('allow: GET, HEAD');
    expect(upstream.requests).toEqual([]);
  });

  test('faults 10 a Trailer on a request without a body is dropped and nothing breaks', async () => {
    const { address, upstream } = await echo();
    expect(statusOf(await ask(address, GET('/', 'Trailer: X-Sum', 'TE: trailers')))).toBe(200);
    expect(upstream.requests[0]!.headers).not.toHaveProperty('trailer');
    expect(statusOf(await ask(address, GET('/')))).toBe(200);
  });

  test('faults 11 what Connection names is dropped before our own headers are added', async () => {
    const { address, upstream } = await echo();
    const named = 'Connection: X-Forwarded-For, X-Sticky, Authorization, X-Correlation-Id';
    await ask(address, GET('/', named, 'X-Sticky: 1', 'Authorization: Bearer x', 'X-Correlation-Id: mine'));
    const { headers } = upstream.requests[0]!;
    expect(headers).not.toHaveProperty('x-sticky');
    expect(headers).not.toHaveProperty('authorization');
    expect(headers).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-correlation-id': 'mine' });
  });

  const SPOOFED = [
    ...['X-Forwarded-For: 6.6.6.6', 'X-Forwarded-Proto: https', 'X-Forwarded-Host: bank.test', 'X-Forwarded-Port: 1'],
    ...['Forwarded: for=6.6.6.6', 'X-Real-IP: 6.6.6.6', 'X-Strangler-Side: service'],
  ];
  test('faults 12 headers that would steer us or lie about the client are dropped', async () => {
    const { address, upstream } = await echo();
    await ask(address, GET('/', ...SPOOFED));
    const { headers } = upstream.requests[0]!;
    expect(JSON.stringify(headers)).not.toMatch(/6\.6\.6\.6|bank/);
    expect(headers).toMatchObject({
      ...{
        host: 'shop.test',
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-proto': 'http',
        'x-forwarded-host': 'shop.test',
      },
    });
    expect(Object.keys(headers)).not.toContain('x-strangler-side');
  });

  test('faults 12 a trusted hop is believed and added to', async () => {
    const { address, upstream } = await echo({ trustedHops: ['127.0.0.0/8'] });
    await ask(address, GET('/', ...SPOOFED));
    expect(upstream.requests[0]!.headers).toMatchObject({
      'x-forwarded-for': '6.6.6.6, 127.0.0.1',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'bank.test',
      'x-real-ip': '6.6.6.6',
    });
  });

  test('faults 13 a body is asked for with one 100 and then goes on, the upstream never sees Expect', async () => {
    const { address, upstream } = await echo();
    const client = new Raw(address).send(POST('Content-Length: 3', 'Expect: 100-continue'));
    await client.until((text) => text.includes('\r\n\r\n'));
    expect(client.received).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    await client.send('abc').until((text) => text.includes('"abc"'));
    expect(client.received.match(/HTTP\/1\.1 100/g)).toHaveLength(1);
    expect(upstream.requests[0]).toMatchObject({ body: 'abc' });
    expect(upstream.requests[0]!.headers).not.toHaveProperty('expect');
    client.socket.destroy();
  });

  test('faults 13 a body that is refused is not asked for', async () => {
    const { address } = await echo({ maxBody: '2B' });
    const answer = await new Raw(address).send(POST('Content-Length: 3', 'Expect: 100-continue')).answer();
    expect(statusOf(answer)).toBe(413);
  });

  test('faults 19 pipelined requests are answered in order', async () => {
    const upstream = await startUpstream('monolith', (request, response) => {
      setTimeout(() => response.end(request.url), request.url === '/1' ? 50 : 0);
    });
    const { address, stop } = await alone(upstream.url);
    stops.push(stop, upstream.stop);
    const client = new Raw(address).send(GET('/1') + GET('/2') + GET('/3', 'Connection: close'));
    expect((await client.end()).match(/\/\d(?=$|HTTP)/g)).toEqual(['/1', '/2', '/3']);
  });

  test('faults 20 HEAD has the headers of GET and no body', async () => {
    const upstream = await startUpstream('monolith', (_, response) =>
      response.writeHead(200, { 'x-a': '1', 'content-length': '12' }).end('twelve bytes'),
    );
    const { address, stop } = await alone(upstream.url);
    stops.push(stop, upstream.stop);
    const client = new Raw(address).send('HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const head = await client.end();
    expect(head).toMatch(/x-a: 1\r\n/);
    expect(head).toMatch(/content-length: 12\r\n/i);
    expect(head.endsWith('\r\n\r\n')).toBe(true);
  });

  test.each([
    ['GET', 'Content-Length: 3\r\n\r\nabc'],
    ['DELETE', 'Content-Length: 3\r\n\r\nabc'],
    ['DELETE', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'],
    ['OPTIONS', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'],
  ])('faults 21 %s with a body keeps it framed, and the next request is not confused: %j', async (method, rest) => {
    const { address, upstream } = await echo();
    const client = new Raw(address).send(`${method} /x HTTP/1.1\r\nHost: a\r\n${rest}`);
    await client.until((text) => text.includes('"abc"'));
    await client.send(GET('/next', 'Connection: close')).end();
    expect(upstream.requests.map(({ url, body }) => [url, body])).toEqual([
      ['/x', 'abc'],
      ['/next', ''],
    ]);
  });

  test('faults 22 names such as __proto__ are only names', async () => {
    const { address, upstream } = await echo();
    const target = '/x?__proto__[a]=1&constructor=2';
    await ask(address, GET(target, '__proto__: 1', 'constructor: 2', 'Cookie: __proto__=1; constructor=2'));
    expect(upstream.requests[0]!.url).toBe(target);
    expect(upstream.requests[0]!.raw).toEqual(expect.arrayContaining(['__proto__', '1', 'constructor', '2']));
    expect(({} as Record<string, unknown>).a).toBeUndefined();
  });

  test('faults 23 another upgrade is dropped and the request served plain', async () => {
    const { address, upstream } = await echo();
    const upgrade = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'];
    expect(statusOf(await ask(address, GET('/', ...upgrade)))).toBe(200);
    expect(upstream.requests[0]!.headers).not.toHaveProperty('upgrade');
    expect(upstream.requests[0]!.headers).not.toHaveProperty('http2-settings');
  });

  test('the Host goes on as it came, and the correlation id of the client if it is well formed', async () => {
    const { address, upstream } = await echo();
    await ask(address, GET('/', 'X-Request-Id: abc-1'));
    await ask(address, GET('/', 'X-Correlation-Id: no spaces allowed'));
    expect(upstream.requests[0]!.headers).toMatchObject({ host: 'shop.test', 'x-correlation-id': 'abc-1' });
    expect(upstream.requests[1]!.headers['x-correlation-id']).toMatch(/^[\w-]{36}$/);
  });
});

describe('clients that are slow, leave or send too much', () => {
  const limits = { idleTimeout: '300ms', headersTimeout: '300ms' };

  test('faults 15 half a head is answered 408 in bounded time', async () => {
    const { address } = await echo(limits);
    const answer = await new Raw(address).send('GET / HTTP/1.1\r\nHost: a\r\nA: ').end();
    expect(statusOf(answer)).toBe(408);
  });

  test('faults 15 half a body ends in bounded time and goes nowhere', async () => {
    const { address, upstream } = await echo(limits);
    await new Raw(address).send(`${POST('Content-Length: 10')}abc`).end();
    expect(upstream.requests).toEqual([]);
  });

  test('faults 16 a body shorter than said never becomes a request upstream, small or streamed', async () => {
    const bytes: string[] = [];
    const closed = Promise.withResolvers<void>();
    const upstream = await tcp((socket) =>
      socket.on('data', (chunk) => bytes.push(chunk.toString())).on('close', closed.resolve),
    );
    const { address, stop } = await alone(upstream.url);
    stops.push(stop, upstream.stop);
    const small = new Raw(address).send(`${POST('Content-Length: 10')}abc`);
    small.socket.end();
    await small.end();
    const chunked = new Raw(address).send(`${POST('Transfer-Encoding: chunked')}3\r\nabc\r\n`);
    chunked.socket.end();
    await chunked.end();
    const large = new Raw(address).send(`${POST('Content-Length: 100000')}${'x'.repeat(70_000)}`);
    large.socket.end();
    await Promise.all([large.end(), closed.promise]);
    expect(upstream.connections()).toBe(1);
    expect(bytes.join('').length).toBeLessThan(100_000);
  });

  test('faults 16 a large chunked body cut short is not ended upstream', async () => {
    let bytes = '';
    const closed = Promise.withResolvers<void>();
    const upstream = await tcp((socket) => {
      socket.on('close', closed.resolve).on('data', (chunk) => {
        bytes += chunk;
      });
    });
    const { address, stop } = await alone(upstream.url);
    stops.push(stop, upstream.stop);
    const chunk = `${(80_000).toString(16)}\r\n${'x'.repeat(80_000)}\r\n`;
    const client = new Raw(address).send(`${POST('Transfer-Encoding: chunked')}${chunk}`);
    while (!bytes.includes('xxx')) await new Promise((resolve) => setTimeout(resolve, 5));
    client.socket.end();
    await closed.promise;
    expect(bytes).not.toContain('0\r\n\r\n');
  });

  test('faults 18 a body above the limit is answered 413 and the connection closed, announced or not', async () => {
    const { address, upstream } = await echo({ maxBody: '100000B' });
    const announced = await new Raw(address).send(POST('Content-Length: 100001')).answer();
    expect(statusOf(announced)).toBe(413);
    expect(announced).toMatch(/connection: close/i);
    const chunk = `${(80_000).toString(16)}\r\n${'x'.repeat(80_000)}\r\n`;
    const client = new Raw(address).send(`${POST('Transfer-Encoding: chunked')}${chunk}${chunk}0\r\n\r\n`);
    expect(statusOf(await client.end())).toBe(413);
    expect(upstream.requests).toEqual([]);
  });

  test('faults 78 CR and LF in what is logged stay inside one line', async () => {
    const { address, logged } = await echo();
    await ask(address, GET('/a%0d%0ab'));
    const line = logged.find(({ code }) => code === 'bad-request')!;
    expect(JSON.stringify(line)).not.toContain('\n');
  });
});
