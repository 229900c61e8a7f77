import { afterEach, expect, test } from '@jest/globals';
import { MOST_UNANSWERED, MOST_WAITING, MOST_WAITING_BYTES } from './pipelined.ts';
import { Raw, statusOf, tcp } from './testing/raw.ts';
import { alone, startUpstream } from './testing/stage.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const GET = (target: number) => `GET /${target} HTTP/1.1\r\nHost: a\r\n\r\n`;
const POST = (target: number) => `POST /${target} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`;
const upTo = (count: number) => Array.from({ length: count }, (_, nth) => nth);
const gets = (count: number) => upTo(count).map(GET).join('');
const soon = () => new Promise((resolve) => setTimeout(resolve, 5));

test('faults 19 of a thousand requests sent ahead a few are under way at once, and all are answered in order', async () => {
  let [open, most] = [0, 0];
  const upstream = await startUpstream('monolith', (request, response) => {
    most = Math.max(most, ++open);
    setTimeout(() => {
      open--;
      response.end(`[${request.url}]`);
    }, Math.random() * 5);
  });
  const { address, stop } = await alone(upstream.url);
  stops.push(stop, upstream.stop);
  const client = new Raw(address).send(gets(1_000));
  await client.until((text) => text.includes('[/999]'));
  client.socket.destroy();
  expect(client.received.match(/(?<=\[\/)\d+/g)!.map(Number)).toEqual(upTo(1_000));
  expect(most).toBeLessThanOrEqual(MOST_UNANSWERED);
});

/** A side that does not answer, and how many requests it has under way. */
async function hanging() {
  let open = 0;
  const hangs = await tcp((socket) => {
    open++;
    socket.on('data', () => {}).on('close', () => open--);
  });
  const proxy = await alone(hangs.url);
  stops.push(proxy.stop, hangs.stop);
  return { ...proxy, connections: hangs.connections, open: () => open };
}

test('what is sent ahead of answers has so many connections to its side, the rest is never begun if the client goes, and what is under way then is cancelled', async () => {
  const { address, connections, open } = await hanging();
  const client = new Raw(address).send(gets(MOST_UNANSWERED + MOST_WAITING));
  while (open() < MOST_UNANSWERED) await soon();
  client.socket.resetAndDestroy();
  while (open() > 0) await soon();
  expect(connections()).toBe(MOST_UNANSWERED);
});

test('a client that sends more ahead than may wait loses its connection, the log says so once, and others go on', async () => {
  const { address, connections, open, logged } = await hanging();
  const client = new Raw(address).send(gets(5_000));
  expect(await client.end()).toBe('');
  while (open() > 0) await soon();
  expect(connections()).toBeLessThanOrEqual(MOST_UNANSWERED);
  expect(logged.filter(({ msg }) => String(msg).includes('too many requests ahead'))).toHaveLength(1);
  expect(statusOf(await new Raw(address).send('GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n').end())).toBe(400);
});

test('faults 15 what waits is bounded in bytes too: bodies that fit their buffers do not add up', async () => {
  const { address, open, logged } = await hanging();
  const body = 'x'.repeat(60_000);
  const post = `POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const ahead = Math.ceil((2 * MOST_WAITING_BYTES) / post.length);
  const client = new Raw(address).send(`${gets(MOST_UNANSWERED)}${post.repeat(ahead)}`);
  expect(await client.end()).toBe('');
  while (open() > 0) await soon();
  expect(logged.filter(({ msg }) => String(msg).includes('ahead of its answers'))).toHaveLength(1);
});

test('a large body behind requests that wait goes on whole when its turn has come, and so does what follows it', async () => {
  const upstream = await startUpstream('monolith');
  const { address, stop } = await alone(upstream.url);
  stops.push(stop, upstream.stop);
  const body = 'x'.repeat(500_000);
  const post = `POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const client = new Raw(address).send(`${gets(MOST_UNANSWERED + 5)}${post}${GET(99)}`);
  await client.until((text) => text.includes('"url":"/99"'));
  client.socket.destroy();
  expect(upstream.requests).toHaveLength(MOST_UNANSWERED + 7);
  expect(upstream.requests.find(({ method }) => method === 'POST')!.body === body).toBe(true);
});

/** How a client learns that its connection closes, and what it sends before it is closed. */
const CLOSING: readonly (readonly [what: string, first: string, rest: string])[] = [
  ['a body that is too large', 'POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n', '123456789'],
  ['a path that is refused', 'POST /a/../1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n', '1'],
  ['what could be an upgrade', 'GET /1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n', ''],
];

test.each(CLOSING)('behind an answer that closes the connection nothing is begun: %s', async (_, first, rest) => {
  const upstream = await startUpstream('monolith');
  const { address, stop } = await alone(upstream.url, { maxBody: '8B' });
  stops.push(stop, upstream.stop);
  const client = new Raw(address).send(first);
  await client.until((text) => text.includes('\r\n\r\n'));
  client.send(`${rest}${POST(2)}${POST(3)}`);
  const heads = (await client.end()).match(/HTTP\/1.1 \d+|connection: \w+/gi);
  expect(heads).toEqual([expect.stringContaining('HTTP'), expect.stringMatching(/^connection: close$/i)]);
  await new Raw(address).send(POST(4)).answer();
  expect(upstream.requests.map(({ url }) => url)).toEqual(first.startsWith('GET') ? ['/1', '/4'] : ['/4']);
});
