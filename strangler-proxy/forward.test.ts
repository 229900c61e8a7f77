import { once } from 'node:events';
import { type RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { ask, Raw, statusOf, tcp } from './testing/raw.ts';
import { alone, startUpstream } from './testing/stage.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const GET = (target: string, ...headers: string[]) =>
  `GET ${target} HTTP/1.1\r\nHost: shop.test\r\n${headers.map((header) => `${header}\r\n`).join('')}\r\n`;
const POST = 'POST /x HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 3\r\n\r\nabc';

/** A proxy before an upstream that speaks raw bytes. */
async function before(serve: (socket: Socket, nth: number) => void, limits: Record<string, unknown> = {}) {
  const upstream = await tcp(serve);
  const proxy = await alone(upstream.url, limits);
  stops.push(proxy.stop, upstream.stop);
  return { ...proxy, upstream };
}

/** Answers every request on the connection with the same bytes. */
const always =
  (bytes: string): ((socket: Socket) => void) =>
  (socket) =>
    socket.on('data', () => socket.write(Buffer.from(bytes, 'latin1')));

/** A proxy before a node:http upstream. */
async function beforeHttp(listener: RequestListener, limits: Record<string, unknown> = {}) {
  const upstream = await startUpstream('monolith', listener);
  const proxy = await alone(upstream.url, limits);
  stops.push(proxy.stop, upstream.stop);
  return { ...proxy, upstream };
}

const codeOf = (answer: string) => JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)).error.code;

describe('answers that are no good', () => {
  test.each([
    ['with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'],
    ['chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'],
  ])('faults 26 an answer %s that dies in its body resets the client, without a final chunk', async (_, bytes) => {
    const { address, logged } = await before((socket) => socket.on('data', () => socket.end(bytes)));
    const client = new Raw(address).send(GET('/'));
    const answer = await client.end();
    expect(client.ended).toBe('reset');
    expect(answer).not.toContain('\r\n0\r\n\r\n');
    expect(logged).toContainEqual(expect.objectContaining({ code: 'upstream-failed', cut: true }));
  });

  test('faults 27 a side that closes before the head is a 502', async () => {
    const { address } = await before((socket) => socket.on('data', () => socket.end()));
    const answer = await ask(address, GET('/'));
    expect(statusOf(answer)).toBe(502);
    expect(codeOf(answer)).toBe('upstream-failed');
  });

  test('faults 27 a side that resets before the head is a 502', async () => {
    const { address } = await before((socket) => socket.on('data', () => socket.resetAndDestroy()));
    expect(statusOf(await ask(address, GET('/')))).toBe(502);
  });

  test('faults 27 a side that refuses the connection is a 502', async () => {
    const gone = await tcp(() => {});
    await gone.stop();
    const { address, stop } = await alone(gone.url);
    stops.push(stop);
    expect(statusOf(await ask(address, GET('/')))).toBe(502);
  });

  test('faults 27 a head that does not come in time is a 504', async () => {
    const { address } = await before(() => {}, { headersTimeout: '200ms' });
    const answer = await ask(address, GET('/'));
    expect(statusOf(answer)).toBe(504);
    expect(codeOf(answer)).toBe('upstream-timeout');
  });

  test.each([
    ['status 99', 'HTTP/1.1 99 Low\r\nContent-Length: 0\r\n\r\n'],
    ['status 888', 'HTTP/1.1 888 High\r\nX-Stale: 1\r\nContent-Length: 0\r\n\r\n'],
    [
      'both framings',
      'HTTP/1.1 200 OK\r\nX-Stale: 1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n',
    ],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc'],
    ['204 with a length', 'HTTP/1.1 204 No Content\r\nX-Stale: 1\r\nContent-Length: 3\r\n\r\nabc'],
    ['204 with chunks', 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'],
    ['garbage', 'HELLO\r\n\r\n'],
    ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['a NUL in a header', 'HTTP/1.1 200 OK\r\nX-Stale: \0\r\nContent-Length: 0\r\n\r\n'],
    ['a flood of 1xx', 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(100)],
    ['an upgrade nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'],
  ])('faults 30 %s is a 502, its connection is closed and nothing of it shows', async (_, bytes) => {
    const { address, upstream } = await before(always(bytes));
    const final = (text: string) => text.slice(text.lastIndexOf('HTTP/1.1 '));
    const client = new Raw(address).send(GET('/'));
    await client.until((text) => /HTTP\/1\.1 502[\s\S]*\r\n\r\n\{.*\}\n/.test(text));
    expect(statusOf(final(client.received))).toBe(502);
    expect(final(client.received)).not.toContain('X-Stale');
    client.socket.destroy();
    await ask(address, GET('/again'));
    expect(upstream.connections()).toBe(2);
  });

  test('faults 30 a 304 with a length passes without a body, and its connection is not used again', async () => {
    const { address, upstream } = await before(
      always('HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\nETag: "a"\r\n\r\n'),
    );
    const answer = await new Raw(address).send(GET('/', 'Connection: close')).end();
    expect(statusOf(answer)).toBe(304);
    expect(answer.endsWith('\r\n\r\n')).toBe(true);
    await new Raw(address).send(GET('/', 'Connection: close')).end();
    expect(upstream.connections()).toBe(2);
  });
});

describe('the race for a kept-alive connection', () => {
  /** Answers the first request of the first connection, then resets at the next one; later connections work. */
  function race() {
    const seen: string[] = [];
    const serve = (socket: Socket, nth: number) => {
      let requests = 0;
      socket.on('data', (chunk) => {
        seen.push(chunk.toString().split(' ')[0]!);
        if (nth === 1 && ++requests === 2) socket.resetAndDestroy();
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      });
    };
    return { seen, serve };
  }

  test('faults 28 a read on a connection that dies without a byte is tried once more', async () => {
    const { seen, serve } = race();
    const { address } = await before(serve);
    await ask(address, GET('/'));
    expect(statusOf(await ask(address, GET('/')))).toBe(200);
    expect(seen).toEqual(['GET', 'GET', 'GET']);
  });

  test('faults 28 a POST is not: 502, and the side saw it once', async () => {
    const { seen, serve } = race();
    const { address } = await before(serve);
    await ask(address, GET('/'));
    expect(statusOf(await ask(address, POST))).toBe(502);
    expect(seen).toEqual(['GET', 'POST']);
  });

  test('faults 28 a read is tried once more only, and never after a byte came', async () => {
    let requests = 0;
    const { address } = await before((socket, nth) => {
      socket.on('data', () => {
        if (++requests === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        else if (nth === 1) socket.end('HTTP/1.1 2');
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      });
    });
    await ask(address, GET('/'));
    expect(statusOf(await ask(address, GET('/')))).toBe(502);
    expect(requests).toBe(2);
  });
});

describe('answers go on as they came', () => {
  test('faults 31 102 and 103 go on', async () => {
    const { address } = await before(
      always(
        'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n' +
          'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
      ),
    );
    const client = new Raw(address).send(GET('/', 'Connection: close'));
    const heads = (await client.end()).match(/HTTP\/1\.1 \d+|Link: .*/g);
    expect(heads).toEqual(['HTTP/1.1 102', 'HTTP/1.1 103', 'Link: </a.css>; rel=preload', 'HTTP/1.1 200']);
  });

  test('faults 32 trailers go on if they are declared and wanted, else they are dropped', async () => {
    const { address } = await before(
      always('HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n'),
    );
    const wanted = await new Raw(address).send(GET('/', 'TE: trailers', 'Connection: TE, close')).end();
    expect(wanted).toContain('0\r\nX-Sum: 7\r\n\r\n');
    const unwanted = await new Raw(address).send(GET('/', 'Connection: close')).end();
    expect(unwanted).not.toContain('X-Sum');
    expect(unwanted).toContain('ok\r\n0\r\n\r\n');
  });

  test('faults 33 an early 4xx during an upload goes on, the upload stops and its connection is not used again', async () => {
    let bytes = 0;
    const { address, upstream } = await before((socket) => {
      socket.once('data', () => socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno'));
      socket.on('data', (chunk) => {
        bytes += chunk.length;
      });
    });
    const client = new Raw(address).send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n');
    client.send('x'.repeat(100_000));
    const answer = await client.answer();
    expect(statusOf(answer)).toBe(403);
    expect(answer).toMatch(/connection: close/i);
    expect(bytes).toBeLessThan(5_000_000);
    client.socket.destroy();
    await ask(address, GET('/'));
    expect(upstream.connections()).toBe(2);
  });

  test('faults 34 several Set-Cookies, their order, the case of names and bytes beyond ASCII stay', async () => {
    const head =
      'HTTP/1.1 200 Fine\r\nX-MiXed: 1\r\nSet-Cookie: a=1\r\nX-Other: \xe9\xff\r\nset-cookie: b=2\r\nContent-Length: 0\r\n';
    const { address } = await before(always(`${head}\r\n`));
    const answer = await ask(address, GET('/'));
    expect(answer.slice(0, head.length)).toBe(head);
  });

  test('faults 34 bytes beyond ASCII of a request stay', async () => {
    const { address, upstream } = await beforeHttp((_, response) => response.end());
    await ask(address, GET('/', 'X-Name: \xe9\xff'));
    expect(upstream.requests[0]!.headers['x-name']).toBe('\xe9\xff');
  });

  test('faults 35 a compressed body is not touched', async () => {
    const body = '\x1f\x8b\x08\x00\xff\xfe';
    const { address } = await before(
      always(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 6\r\n\r\n${body}`),
    );
    expect((await ask(address, GET('/', 'Accept-Encoding: gzip'))).endsWith(`\r\n\r\n${body}`)).toBe(true);
  });

  test('faults 36 each event of a stream arrives before the next is sent', async () => {
    let stream: { write: (text: string) => void; end: () => void } | undefined;
    const { address } = await beforeHttp((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 0\n\n');
      stream = response;
    });
    const client = new Raw(address).send(GET('/'));
    for (let event = 0; event < 3; event++) {
      await client.until((text) => text.includes(`data: ${event}\n\n`));
      stream!.write(`data: ${event + 1}\n\n`);
    }
    await client.until((text) => text.includes('data: 3'));
    client.socket.destroy();
  });

  test('hop-by-hop headers of an answer stay behind, and so does what its Connection names', async () => {
    const { address } = await before(
      always(
        'HTTP/1.1 200 OK\r\nConnection: X-Secret\r\nX-Secret: 1\r\nKeep-Alive: timeout=9\r\nX-Strangler-Side: fake\r\nContent-Length: 0\r\n\r\n',
      ),
    );
    const answer = await ask(address, GET('/'));
    expect(answer).not.toMatch(/x-secret|timeout=9|x-strangler-side/i);
  });
});

describe('backpressure and clients that leave', () => {
  test('faults 15, 38 a client that does not read stops the side that answers, and it all arrives in the end', async () => {
    const total = 64 * 1024 * 1024;
    let written = 0;
    let paused = false;
    const { address } = await beforeHttp((_, response) => {
      response.writeHead(200, { 'content-length': String(total) });
      const chunk = Buffer.alloc(64 * 1024);
      const pour = () => {
        while (written < total) {
          written += chunk.length;
          if (!response.write(chunk)) {
            paused = true;
            response.once('drain', pour);
            return;
          }
        }
        response.end();
      };
      pour();
    });
    const client = new Raw(address);
    client.socket.pause();
    client.send(GET('/'));
    let before = -1;
    while (!paused || written !== before) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(written).toBeLessThan(total / 2);
    let read = 0;
    client.socket.removeAllListeners('data');
    client.socket.on('data', (chunk) => {
      read += chunk.length;
    });
    client.socket.resume();
    while (read < total) await once(client.socket, 'data');
    client.socket.destroy();
  });

  test('a side that does not read stops the client that uploads', async () => {
    const { address } = await before((socket) => socket.pause(), { maxBody: '200MiB' });
    const client = new Raw(address).send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 104857600\r\n\r\n');
    const chunk = Buffer.alloc(1_048_576);
    for (let sent = 0; sent < 100; sent++) client.socket.write(chunk);
    let flushed = -1;
    const sentOut = () => client.socket.bytesWritten - client.socket.writableLength;
    while (sentOut() !== flushed) {
      flushed = sentOut();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(flushed).toBeLessThan(50 * chunk.length);
    client.socket.destroy();
  });

  test('faults 39 after the side has started again its connections are new ones', async () => {
    const first = await startUpstream('monolith');
    const { address, stop } = await alone(first.url);
    stops.push(stop);
    expect(statusOf(await ask(address, GET('/')))).toBe(200);
    await first.stop();
    expect(statusOf(await ask(address, POST))).toBe(502);
    first.server.listen(Number(new URL(first.url).port), '127.0.0.1');
    await once(first.server, 'listening');
    stops.push(first.stop);
    expect(statusOf(await ask(address, POST))).toBe(200);
  });

  test('faults 17 a read whose client has gone is cancelled upstream, before the head and after', async () => {
    for (const head of ['', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc']) {
      const asked = Promise.withResolvers<void>();
      const closed = Promise.withResolvers<void>();
      const { address, logged } = await before((socket) => {
        socket
          .on('close', () => closed.resolve())
          .on('data', () => {
            socket.write(head);
            asked.resolve();
          });
      });
      const client = new Raw(address).send(GET('/'));
      await asked.promise;
      if (head) await client.until((text) => text.includes('abc'));
      client.socket.destroy();
      await closed.promise;
      expect(logged.map(({ code }) => code)).not.toContain('upstream-failed');
    }
  });
});

test('an answer that is told it is drained while the next one of its connection is being read goes on', async () => {
  const { address, logged } = await beforeHttp((request, response) => {
    response.write(request.url!);
    setTimeout(() => response.end('.'), 20);
  });
  // As Node does it now and then: writing the second answer, which has to wait, it says that the first is drained.
  const write = ServerResponse.prototype.write;
  let first: ServerResponse | undefined;
  const spy = jest.spyOn(ServerResponse.prototype, 'write').mockImplementation(function (this: ServerResponse, chunk) {
    const written = write.call(this, chunk, 'utf8');
    if (this.req.url === '/second') first?.emit('drain');
    if (this.req.url !== '/first') return written;
    first = this;
    return false;
  });
  stops.push(async () => spy.mockRestore());
  const client = new Raw(address).send(GET('/first') + GET('/second'));
  await client.until((text) => text.includes('/second') && text.endsWith('0\r\n\r\n'));
  client.socket.destroy();
  expect(logged.filter(({ level }) => Number(level) >= 50)).toEqual([]);
});
