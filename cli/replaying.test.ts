import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import type { Rule, SuiteReport } from '@strangler/compare';
import { CommandLine } from './testing/command-line.ts';

const line = new CommandLine();

/** A side that makes orders with ids of its own, and knows its own tokens; gives its URL. */
async function side(firstId: number, total: number | string = 19.9): Promise<{ url: string; seen: string[] }> {
  const orders: number[] = [];
  const seen: string[] = [];
  const token = `token-of-side-${firstId}`;
  const answer = ({ method, url = '', headers }: IncomingMessage): [number, object] => {
    if (url === '/login') return [200, { token, mail: 'ada@example.test' }];
    if (headers.authorization !== `Bearer ${token}`) return [401, { error: 'who are you' }];
    if (method === 'POST') return [201, { id: firstId + orders.push(0) - 1, total }];
    const id = Number(url.split('/')[2]);
    return id >= firstId && id - firstId < orders.length ? [200, { id, total }] : [404, { error: 'none' }];
  };
  const url = await line.serve((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    const [status, body] = answer(request);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  return { url, seen };
}

const strangler = (...given: string[]) => line.run(...given);

const rules: Rule[] = [
  {
    id: 'ids',
    reason: 'each side mints its own',
    path: '$.id',
    kind: 'id-map',
    map: 'order',
    owner: 'orders',
    until: '2999-01-01',
  },
  {
    id: 'token',
    reason: 'signed by each side',
    path: '$.token',
    kind: 'shape-only',
    owner: 'orders',
    until: '2999-01-01',
  },
];

/** Records a login, an order and its being read, through the real command. */
async function recorded(): Promise<void> {
  await line.write('rules.json', rules);
  const target = await side(1);
  const { child, ended } = line.start('record', target.url, '--listen', ':0', '--out', 'shop.har');
  const url = await new Promise<string>((resolve) => {
    let said = '';
    child.stderr!.on('data', (chunk) => {
      said += chunk;
      const through = /through (\S+) to/.exec(said)?.[1];
      if (through) resolve(through);
    });
  });
  const login = (await (await fetch(`${url}/login`, { method: 'POST' })).json()) as { token: string };
  const headers = { authorization: `Bearer ${login.token}` };
  for (let n = 0; n < 3; n++) {
    const order = await fetch(`${url}/orders`, { method: 'POST', headers, body: '{}' });
    const { id } = (await order.json()) as { id: number };
    await (await fetch(`${url}/orders/${id}`, { headers })).text();
  }
  child.kill('SIGINT');
  expect((await ended).code).toBe(0);
}

describe('strangler replay', () => {
  test('plays what strangler record has written against sides with other ids and tokens, and ends with 0', async () => {
    await recorded();
    const [old, newer] = [await side(500), await side(9_000)];
    const result = await strangler(
      'replay',
      'shop.har',
      old.url,
      newer.url,
      '--writes',
      '--speed',
      'max',
      '--rules',
      'rules.json',
    );
    expect(result.out).toMatch(
      /^7 requests of 1 user played in .*: 7 equal-by-rule\nreply times: old p50 .*, p99 .*; new p50 .*\n$/,
    );
    expect(result.err).toContain(`writes are sent too, to ${old.url} and to ${newer.url}\n`);
    expect(result.code).toBe(0);
    expect(newer.seen).toContain('GET /orders/9002');
  });

  test('ends with 1 where the candidate differs, says where, and writes every report without secrets', async () => {
    await recorded();
    const reports = ['--junit', 'junit.xml', '--json', 'report.json', '--html', 'report.html'];
    const urls = [(await side(500)).url, (await side(9_000, '19.90')).url];
    const { code, out } = await strangler(
      'replay',
      'shop.har',
      ...urls,
      '--writes',
      '--speed',
      'max',
      '--rules',
      'rules.json',
      ...reports,
    );
    expect(out).toContain('high: GET /orders/{id}  $.total  type, in 3 replies\n  19.9 → "19.90"  (entry ');
    expect(out).toContain('a rule says so: strangler rules suggest report.json');
    expect(code).toBe(1);
    expect(await line.read('junit.xml')).toContain('<testsuite name="strangler replay" tests="7" failures="6"');
    expect(await line.read('report.html')).toContain('Old and new do not answer alike');
    expect(await line.read('summary.md')).toContain('| high | ` GET /orders/{id} ` |');
    expect((JSON.parse(await line.read('report.json')) as SuiteReport).counts).toMatchObject({
      mismatch: 6,
      'equal-by-rule': 1,
    });
    for (const name of ['junit.xml', 'report.json', 'report.html', 'summary.md', 'shop.har'])
      expect(await line.read(name)).not.toMatch(/token-of-side|ada@/);
    expect((await strangler('rules', 'suggest', 'report.json')).out).toContain('"kind":"numeric-string-is-number"');
  });

  test('sends no write without --writes; what it then cannot ask it does not count as agreement, and ends with 3', async () => {
    await recorded();
    const [old, newer] = [await side(500), await side(500)];
    const { code, out, err } = await strangler('replay', 'shop.har', old.url, newer.url, '--speed', 'max');
    expect(out).toContain('3 requests of 1 user played');
    expect(out).toContain('left out: 4 writes (--writes sends them to both sides)');
    expect(out).toMatch(/3 not-comparable: the recording does not hold the authorization of user \w+ \(entry \d …\)/);
    expect(err).not.toContain('writes are sent');
    expect([code, old.seen, newer.seen]).toEqual([3, [], []]);
    await line.write('users.json', '{"*": {"Authorization": "Bearer token-of-side-500"}}');
    const given = await strangler('replay', 'shop.har', old.url, newer.url, '--speed', 'max', '--users', 'users.json');
    expect(given.out).toContain('3 not-comparable: recorded was 200, but now both sides answer 404');
    expect(given.code).toBe(3);
  });

  test('takes the HAR of a browser: of its own host, without what is no request to a server', async () => {
    const har = (url: string, more = {}) => ({
      startedDateTime: '2026-01-01T00:00:00Z',
      time: 1,
      request: {
        method: 'GET',
        url,
        httpVersion: 'h2',
        headers: [{ name: ':authority', value: 'shop.test' }],
        cookies: [],
        ...more,
      },
      response: { status: 200, headers: [] },
    });
    const entries = [
      har('https://shop.test/login'),
      har('https://shop.test/orders/7'),
      har('https://cdn.test/a.js'),
      har('wss://shop.test/live'),
      har('data:text/plain,x'),
      har('https://shop.test/upload', { method: 'POST', bodySize: 17 }),
    ];
    await line.write(
      'browser.har',
      `\ufeff${JSON.stringify({ log: { version: '1.2', pages: [], entries } }, undefined, 2)}`,
    );
    const same = await side(1);
    const { code, out } = await strangler(
      'replay',
      'browser.har',
      same.url,
      same.url,
      '--writes',
      '--speed',
      'max',
      '--minimum',
      '1',
    );
    expect(out).toContain('left out: 1 of another host: cdn.test (--host plays it)');
    expect(out).toContain('left out: 1 not HTTP: wss');
    expect(out).toContain('left out: 1 not HTTP: data');
    expect(out).toContain('1 not-comparable: the recording does not hold its body (entry 6)');
    expect(out).toContain('1 not-comparable: recorded was 200, but now both sides answer 401 (entry 2)');
    expect(code).toBe(0);
  });

  test('compares what was recorded of both without asking anybody', async () => {
    const har = {
      startedDateTime: '2026-01-01T00:00:00Z',
      time: 1,
      request: { method: 'GET', url: 'http://shop.test/orders/7', headers: [] },
    };
    const reply = (text: string) => ({
      status: 200,
      headers: [{ name: 'content-type', value: 'application/json' }],
      content: { size: 9, mimeType: '', text },
    });
    const entries = [
      { ...har, response: reply('{"a":1}'), _candidate: { url: 'http://new', time: 1, response: reply('{"a":2}') } },
    ];
    await line.write('pairs.har', JSON.stringify({ log: { version: '1.2', entries } }));
    const { code, out } = await strangler('replay', 'pairs.har', 'recorded', 'candidate');
    expect(out).toContain('GET /orders/{id}  $.a  value');
    expect(code).toBe(1);
  });

  test('ends with 130 when it is stopped, and reports what was played', async () => {
    const har = (startedDateTime: string) => ({
      startedDateTime,
      time: 1,
      request: { method: 'GET', url: 'http://shop.test/login', headers: [] },
      response: { status: 200, headers: [] },
    });
    await line.write(
      'long.har',
      JSON.stringify({ log: { entries: [har('2026-01-01T00:00:00Z'), har('2026-01-02T00:00:00Z')] } }),
    );
    const same = await side(1);
    const { child, ended } = line.start('replay', 'long.har', same.url, same.url);
    line.servers[0]!.on('request', () => same.seen.length === 2 && child.kill('SIGINT'));
    const { code, out } = await ended;
    expect(out).toMatch(/^1 request of 1 user played .*: 1 equal\n(?:.*\n)*stopped before its end\n$/);
    expect(code).toBe(130);
  });

  test('ends with 2, the cause and the next step when a side is down or it is used wrongly', async () => {
    const { url } = await side(1);
    await line.write('good.har', '{"log":{"entries":[{"request":{"method":"GET","url":"http://x/","headers":[]}}]}}');
    await line.write('none.har', '{"log":{"version":"1.2","entries":[]}}');
    await line.write('users.json', '{"17": "token"}');
    const wrong: [string[], string][] = [
      [
        ['good.har', url, 'http://127.0.0.1:1'],
        'nothing answers at http://127.0.0.1:1 (connect ECONNREFUSED 127.0.0.1:1): start it',
      ],
      [['none.har', url, url], 'none.har holds no requests: record it again'],
      [['good.har', 'localhost:3000', url], 'localhost:3000 is no address of a side'],
      [['good.har', url, url, '--speed', 'fast'], '--speed fast must be a number'],
      [['good.har', url, url, '--only', 'orders'], 'orders is no route'],
      [['good.har', url, url, '--users', 'users.json'], 'users.json must hold headers by user'],
      [['good.har', url, url, '--rules', 'none.har'], 'none.har: '],
    ];
    for (const [given, message] of wrong) {
      const { code, err } = await strangler('replay', ...given);
      expect([given, code, err]).toEqual([given, 2, expect.stringContaining(message)]);
    }
  });
});
