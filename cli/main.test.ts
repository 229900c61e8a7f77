import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { compareReplies, type Rule, Tally, toReply, without } from '@strangler/compare';
import type { CapabilityStatus, Comparison, Owner, Status } from '@strangler/plan';

/* The real command against a server that speaks the admin API: what it sends, prints and exits with. */
const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const TOKEN = 'a-token-for-tests';

let server: Server;
let url: string;
let folder: string;
let asked: { method: string; path: string; body: unknown; token: string | undefined }[];
let orders: CapabilityStatus;
let compared: Comparison;
let owner: Owner;
/** What a request changes, and what it is answered with if not with the present state. */
let onPost: (path: string, body: Record<string, unknown>) => { status: number; message: string } | undefined;
let onLook: () => void;

/** Control is somewhere else from now on. */
const now = (more: Partial<CapabilityStatus>): undefined => {
  orders = { ...orders, ...more };
  return undefined;
};
const NOTHING: Comparison = {
  capability: 'orders',
  replies: new Tally().report(),
  noise: new Tally().report(),
  again: [],
  rules: [],
};
const ROUTE = 'GET /api/orders/{id}';
const reply = (body: object) =>
  toReply({ status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
/** Control has found these replies to differ so often, beside 97 that are equal and 5 nobody had time for. */
function compare(old: object, newer: object, times: number): void {
  const tally = new Tally();
  const [route, at] = [ROUTE, '/api/orders/7'];
  for (let n = 0; n < 97; n++) tally.add({ route, result: compareReplies(reply(old), reply(old)) });
  for (let n = 0; n < 5; n++) tally.add({ route, result: without('dropped', 'no room') });
  for (let n = 0; n < times; n++) tally.add({ route, at, result: compareReplies(reply(old), reply(newer)) });
  compared = { ...NOTHING, replies: JSON.parse(JSON.stringify(tally.report())) };
}
const status = (): Status => ({
  plan: 'shop',
  control: { life: 'a', since: new Date().toISOString(), active: true },
  proxies: [],
  capabilities: [orders],
});

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text ? JSON.parse(text) : {};
}

beforeEach(async () => {
  asked = [];
  compared = NOTHING;
  orders = {
    capability: 'orders',
    boundary: 1_000,
    target: 1_000,
    flag: 10,
    epoch: 3,
    phase: 'idle',
    pins: 0,
    behind: 0,
    unproven: [],
    ramp: { state: 'idle' },
    verdict: { verdict: 'pass', rule: 'errors', reason: 'fine' },
    gates: [],
    waitsFor: [],
    withoutUser: {
      reads: { requests: 0, absent: 0, unreadable: 0, unknown: 0 },
      writes: { requests: 0, absent: 0, unreadable: 0, unknown: 0 },
    },
    streams: [],
    backfill: [],
    quarantine: { open: 0, settled: 0 },
    corrections: [],
  };
  owner = { capability: 'orders', user: '4711', bucket: 500, side: 'monolith', moving: false };
  onPost = () => undefined;
  onLook = () => undefined;
  folder = await mkdtemp(join(tmpdir(), 'cli-'));
  server = createServer(async (request, answer) => {
    const path = request.url!;
    const token = request.headers.authorization;
    const body = await bodyOf(request);
    asked.push({ method: request.method!, path, body, token });
    const say = (code: number, content: unknown) =>
      answer.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(content));
    const refuse = (code: number, message: string) =>
      say(code, { error: { code: 'x', message, correlationId: 'c-1' } });
    if (token !== `Bearer ${TOKEN}`) return refuse(401, 'unknown token');
    if (path === '/capabilities/orders/compared') return say(200, compared);
    if (path === '/status') {
      onLook();
      return say(200, status());
    }
    if (path.startsWith('/owner/')) return say(200, owner);
    if (path.startsWith('/records')) {
      const at = '2026-03-01T12:00:00.000Z';
      const records = [
        { id: 7, at, capability: 'orders', event: 'start', actor: 'admin', reason: 'to 10 %', inputs: {} },
      ];
      return say(200, { records });
    }
    if (!path.startsWith('/capabilities/orders/')) return refuse(404, 'no such capability');
    const refused = onPost(path, body);
    if (refused) return refuse(refused.status, refused.message);
    say(200, orders);
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

type Ran = { code: number | null; out: string; err: string };

function start(args: string[], env: NodeJS.ProcessEnv = {}): { child: ChildProcess; ended: Promise<Ran> } {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env.PATH, STRANGLER_TOKEN: TOKEN, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: folder,
  });
  let out = '';
  let err = '';
  child.stdout!.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr!.on('data', (chunk) => {
    err += chunk;
  });
  const ended = new Promise<Ran>((resolve) => child.once('close', (code) => resolve({ code, out, err })));
  return { child, ended };
}
const run = (args: string[], env?: NodeJS.ProcessEnv): Promise<Ran> => start(args, env).ended;
const talk = (...args: string[]): Promise<Ran> => run([...args, '--control', url]);
const posted = () => asked.filter(({ method }) => method === 'POST').map(({ path, body }) => [path, body]);

const PLAN = (listen: string) => `version: 1
name: shop
monolith: { url: "http://127.0.0.1:3000" }
control: { listen: "${listen}", tokens: { admin: ${TOKEN}, proxy: another-token } }
capabilities:
  orders: { service: { url: "http://127.0.0.1:3001" }, routes: ["ANY /orders"], user: [{ jwt: { claim: sub, verify: none } }], anonymous: monolith }
`;

describe('strangler talks to control', () => {
  test('status prints a table, and JSON for programs', async () => {
    const shown = await talk('status');
    expect(shown).toMatchObject({ code: 0, err: '' });
    expect(shown.out).toContain('orders            10 %  10 %  idle  pass   open');
    expect(shown.out).not.toContain('\x1b');
    expect(JSON.parse((await talk('status', '--json')).out).capabilities).toEqual([orders]);
    expect(asked[0]!.token).toBe(`Bearer ${TOKEN}`);
  });

  test('route says what the Plan makes of a request: route, user, and which side', async () => {
    const file = join(folder, 'route.yaml');
    await writeFile(file, PLAN('127.0.0.1:1').replace('ANY /orders', 'ANY /orders/:id'));
    const token = `e30.${Buffer.from('{"sub":"ada"}').toString('base64url')}.sig`;
    const route = (...more: string[]) => talk('route', ...more, '--plan', file);
    const { code, out } = await route('post', '/orders/7?a=1', '--header', `Authorization: Bearer ${token}`);
    expect(code).toBe(0);
    expect(out).toContain('capability  orders, by ANY /orders/:id; :id is 7');
    expect(out).toContain('says        claim sub of the token in Authorization: Bearer: user ada');
    expect(out).toMatch(/user {8}ada, bucket \d+ of group shop/);
    expect(out).toContain('side        monolith');
    expect((await route('GET', '/orders/7')).out).toContain('user        none: it names no user');
    expect((await route('GET', '/shop')).out).toContain('It takes no route of the Plan');
    expect(await route('GET', '/orders/../x')).toMatchObject({ code: 1, err: expect.stringContaining('dot segment') });
    expect(await route('GET', '/x', '--header', 'nonsense')).toMatchObject({ code: 2 });
    expect(JSON.parse((await route('GET', '/orders/7', '--json')).out)).toMatchObject({ capability: 'orders' });
  });

  test('route says that a database must be asked for the user, and that it does not answer', async () => {
    const file = join(folder, 'looked-up.yaml');
    const plan = PLAN('127.0.0.1:1')
      .replace(/monolith: \{/, 'monolith: { database: "mysql://root:hidden@127.0.0.1:1/shop",')
      .replace('verify: none }', 'verify: none }, lookup: { table: Users, match: email, take: id }');
    await writeFile(file, plan);
    const token = `e30.${Buffer.from('{"sub":"ada@x.test"}').toString('base64url')}.sig`;
    const { code, out } = await talk(
      'route',
      'POST',
      '/orders',
      '--header',
      `Authorization: Bearer ${token}`,
      '--plan',
      file,
    );
    expect(code).toBe(0);
    const said = out.replace(/\s+/g, ' ');
    expect(said).toContain(
      'Users.id of the row whose email is the claim sub of the token in Authorization: Bearer: unknown',
    );
    expect(said).toContain('user none: the monolith’s database did not answer (ECONNREFUSED)');
    expect(said).toContain('then it is answered 503 user-unknown');
    expect(out).not.toContain('hidden');
  });

  test('set waits until the boundary is there', async () => {
    onPost = (_, { percentage }) => now({ target: (percentage as number) * 100 });
    onLook = () => now({ boundary: Math.min(orders.target, orders.boundary + 500) });
    const { code, out } = await talk('set', 'orders', '25%', '--reason', 'a try');
    expect(posted()).toEqual([['/capabilities/orders/set', { percentage: 25, reason: 'a try' }]]);
    expect(code).toBe(0);
    expect(out).toMatch(/^orders ███░+ 15 % → 25 % {2}0 s {2}begins\norders: 25 % of users are on the service \(/);
  });

  test('set --no-wait returns at once, and pins and unpins one user', async () => {
    expect((await talk('set', 'orders', '0.01', '--no-wait')).out).toContain('accepted, users move to 0.01 %');
    expect((await talk('set', 'orders', 'service', '--user', 'a b', '--no-wait')).code).toBe(0);
    onPost = () => {
      owner = { ...owner, side: 'service' };
      return undefined;
    };
    expect((await talk('set', 'orders', 'none', '--user', '4711')).out).toBe(
      'orders: user 4711 (bucket 500) is on the service\n',
    );
    expect(posted().map(([, body]) => body)).toEqual([
      { percentage: 0.01 },
      { user: 'a b', side: 'service' },
      { user: '4711', side: null },
    ]);
  });

  test('a move that is taken over by a rollback fails and says why', async () => {
    onPost = () => now({ target: 2_500 });
    onLook = () => {
      if (asked.length > 2)
        orders = { ...orders, target: 0, ramp: { state: 'rolling-back', reason: 'errors', urgent: true } };
    };
    const { code, err } = await talk('set', 'orders', '25');
    expect(code).toBe(1);
    expect(err).toBe('strangler: orders did not get to 25 %: rolled back: errors\n');
  });

  test('ramp start, pause and resume send what was asked for', async () => {
    const ramp = { state: 'ramping', steps: [20, 50], step: 0, since: new Date().toISOString() } as const;
    onPost = () => now({ ramp, target: 2_000 });
    const steps = ['--steps', '20,50', '--dwell', '5m', '--no-wait'];
    expect((await talk('ramp', 'start', 'orders', ...steps)).out).toBe('orders: ramp started at 10 %, towards 50 %\n');
    expect((await talk('ramp', 'pause', 'orders')).out).toBe('orders: paused at 10 %\n');
    expect((await talk('ramp', 'resume', 'orders')).code).toBe(0);
    expect(posted().map(([, body]) => body)).toEqual([
      { action: 'start', steps: [20, 50], dwell: '5m' },
      { action: 'pause' },
      { action: 'resume' },
    ]);
  });

  test('rollback --now waits until nobody is on the service', async () => {
    onPost = () => now({ target: 0, ramp: { state: 'rolling-back', reason: 'by hand', urgent: true } });
    onLook = () => now({ boundary: 0, ramp: { state: 'rolled-back', reason: 'by hand' } });
    const { code, out } = await talk('rollback', 'orders', '--now', '--reason', 'by hand');
    expect(posted()).toEqual([['/capabilities/orders/rollback', { now: true, reason: 'by hand' }]]);
    expect(out).toMatch(/^orders: rolling back from 10 %, at once\norders: 0 % of users are on the service/);
    expect(code).toBe(0);
  });

  test('compared shows what differs by route and path, what drifts, which rules to look at, and can forget', async () => {
    compare({ total: '19.90' }, { total: 19.9 }, 2);
    const drift = new Tally();
    for (let n = 0; n < 30; n++)
      drift.add({ route: ROUTE, result: compareReplies(reply({ age: n }), reply({ age: n + 1 })) });
    const rule: Rule = { id: 'old-rule', reason: 'r', path: '$.x', kind: 'ignore', until: '2020-01-01' };
    const noise = drift.report();
    const again = noise.groups.map(({ id }) => id);
    compared = { ...compared, noise, again, rules: [{ rule, pairs: 0, hits: 0, excused: {} }] };
    const { out } = await talk('compared', 'orders');
    expect(out).toMatch(/GET \/api\/orders\/\{id\} +97 +0 +2 {2}5 dropped/);
    const [group] = compared.replies.groups;
    expect(out).toContain(`  ${group!.id}  $.total has another type (high), in 2 replies\n`);
    expect(out).toContain('monolith "19.90", service 19.9  /api/orders/7');
    expect(out).toContain(`  ${again[0]}  ${ROUTE} $.age has another value in 30 of 30; a rule is proposed\n`);
    expect(out).toContain('failure: rule old-rule excuses nothing since its last day, 2020-01-01');
    expect(out).toContain(`strangler rules suggest --from orders --group ${again[0]}\n`);
    const report = JSON.parse((await talk('compared', 'orders', '--json')).out);
    expect(report).toMatchObject({ counts: { equal: 97, mismatch: 2, dropped: 5 }, tally: compared.replies });
    await talk('compared', 'orders', '--html', join(folder, 'report.html'));
    expect(await readFile(join(folder, 'report.html'), 'utf8')).toMatch(
      /do not answer alike.*numeric-string-is-number/s,
    );
    expect((await talk('compared', 'orders', '--forget')).out).toContain('comparing begins again');
    expect(posted()).toEqual([['/capabilities/orders/compared/forget', {}]]);
    compared = NOTHING;
    expect((await talk('compared', 'orders')).out).toContain('nothing has been compared yet');
  });

  test('one command leads from a group to a rule in the file, and says what it would have hidden', async () => {
    compare({ total: '19.90', id: 7 }, { total: 19.9, id: 8 }, 3);
    const group = (path: string) => compared.replies.groups.find((one) => one.path === path)!.id;
    const suggest = (...more: string[]) => talk('rules', 'suggest', '--from', 'orders', ...more);
    const all = await suggest();
    expect(all.out).toContain(`group ${group('$.total')}: {`);
    expect(all.out).toContain(`would have hidden $.total type in ${ROUTE}, 3 times`);
    const file = join(folder, 'rules.json');
    const write = ['--group', group('$.total'), '--write', file];
    expect((await suggest(...write)).err).toContain('--write needs --reason TEXT');
    expect((await suggest('--write', file)).err).toContain('--write needs --group ID');
    expect((await suggest('--group', 'nobody')).err).toContain(
      `there is no group nobody; there are: ${group('$.total')}`,
    );
    const signed = ['--reason', 'agreed', '--owner', 'payments', '--until', '2999-12-31'];
    const { out, code } = await suggest(...write, ...signed);
    expect([code, out]).toEqual([0, expect.stringContaining('has it now, as the last of 1.\nProxies that read')]);
    const [rule] = JSON.parse(await readFile(file, 'utf8'));
    expect(rule).toMatchObject({ kind: 'numeric-string-is-number', path: '$.total', routes: ['GET /api/orders/*'] });
    expect(rule).toMatchObject({ reason: 'agreed', owner: 'payments', until: '2999-12-31' });
    const twice = await suggest(...write, ...signed);
    expect([twice.code, twice.err]).toEqual([2, expect.stringContaining('was left as it is: The rules have')]);
    await suggest('--group', group('$.id'), '--write', file, '--reason', 'each side mints its own');
    expect(JSON.parse(await readFile(file, 'utf8'))).toHaveLength(2);
  });

  test('settle shows who came back by force and may miss a write; --lost needs a reason', async () => {
    expect((await talk('settle', 'orders')).out).toContain('nothing is unproven');
    const since = new Date().toISOString();
    const range = { epoch: 7, subject: { lo: 0, hi: 1_000 }, since, atRisk: ['ada', 'bob'], more: 3 };
    const byName = { epoch: 8, subject: { lo: 4, hi: 5, user: 'eve' }, since, atRisk: [], more: 0 };
    now({ unproven: [range, byName] });
    const shown = await talk('settle', 'orders');
    expect(shown.out).toMatch(/0 % to 10 % came back by force \d s ago \(epoch 7\)/);
    expect(shown.out).toMatch(/ {4}ada\n {4}bob\n {4}and 3 more\n/);
    expect(shown.out).toContain('orders: user eve came back');
    expect((await talk('settle', 'orders', '--lost')).code).toBe(2);
    expect(posted()).toEqual([]);
    const { code, out } = await talk('settle', 'orders', '--lost', '--reason', 'disk gone');
    expect(posted()).toEqual([['/capabilities/orders/settle', { lost: true, reason: 'disk gone' }]]);
    expect(out).toContain('copy again, then strangler verify');
    expect(code).toBe(0);
  });

  test('Ctrl-C stops watching, and the message says that the move goes on and how to stop it', async () => {
    onPost = () => now({ target: 2_500, waitsFor: ['the lag is not known'] });
    const { child, ended } = start(['set', 'orders', '25', '--control', url]);
    child.stdout!.once('data', () => child.kill('SIGINT'));
    const { code, out, err } = await ended;
    expect(out).toContain('10 % → 25 %  0 s  waits: the lag is not known');
    expect(err).toMatch(/stopped watching; the move goes on\. Take it back with: strangler rollback orders/);
    expect(code).toBe(130);
  });

  test('records and owner', async () => {
    expect((await talk('records', 'orders', '--last', '5')).out).toBe(
      'ID  AT                    CAPABILITY  EVENT  ACTOR  REASON\n 7  2026-03-01 12:00:00Z  orders      start  admin  to 10 %\n',
    );
    expect(asked[0]!.path).toBe('/records?after=0&limit=500&capability=orders');
    expect((await talk('owner', 'orders', '4711')).out).toBe('orders: user 4711 (bucket 500) is on the monolith\n');
  });
});

describe('strangler says what is wrong', () => {
  test('control cannot be reached: where, and how to start it', async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    const { code, err } = await talk('status');
    expect(code).toBe(1);
    expect(err).toBe(
      `strangler: control cannot be reached at ${url} (ECONNREFUSED). Start it with: strangler control --plan FILE, or name another with --control URL.\n`,
    );
    server.listen(0);
  });

  test('faults 73: a token that control does not know', async () => {
    const { code, err } = await run(['status', '--control', url], { STRANGLER_TOKEN: 'wrong' });
    expect(code).toBe(1);
    expect(err).toContain('does not know this token: set STRANGLER_TOKEN');
    expect(err).not.toContain('wrong');
  });

  test('a capability that is none: which there are', async () => {
    const { code, err } = await talk('set', 'oders', '10');
    expect(code).toBe(1);
    expect(err).toBe('strangler: the Plan of control has no capability oders; it has: orders\n');
  });

  test('faults 76: somebody was first: how it stands now', async () => {
    onPost = () => ({ status: 409, message: 'a ramp is under way already' });
    const { code, err } = await talk('ramp', 'start', 'orders');
    expect(code).toBe(1);
    expect(err).toBe(
      'strangler: refused: a ramp is under way already. orders now: 10 % on the service, ramp idle, version 3.\n',
    );
  });

  test('control fails: its correlation id', async () => {
    onPost = () => ({ status: 503, message: 'the lease is lost' });
    expect((await talk('rollback', 'orders')).err).toMatch(/failed: the lease is lost \(correlation id c-1\)/);
  });

  test.each([
    [['set', 'orders', '101'], /no percentage: 0 to 100/],
    [['set', 'orders', 'service'], /which user.*--user/],
    [['set', 'orders', '25', '--user', '7'], /no side/],
    [['set', 'orders'], /missing required argument/],
    [['ramp', 'start', 'orders', '--steps', '50,10'], /must rise/],
    [['ramp', 'start', 'orders', '--dwell', 'soon'], /no duration/],
    [['records', '--last', '0'], /--last <count>.*no count/],
    [['replay', 'a.har', 'recorded', 'candidate', '--concurrency', 'x'], /--concurrency <count>.*no count/],
    [['status', '--watch'], /needs a terminal/],
    [['status', '--wath'], /unknown option/],
    [['fly'], /unknown command/],
    [['status', '--control', 'nowhere'], /no address/],
  ])('%j is used wrongly: exit code 2 and nothing is asked for', async (args, why) => {
    const { code, err } = await run(
      args.includes('--control') || args[0] === 'fly' ? args : [...args, '--control', url],
    );
    expect(err).toMatch(why);
    expect(code).toBe(2);
    expect(posted()).toEqual([]);
  });
});

describe('strangler and the Plan', () => {
  test('address and token come from the Plan', async () => {
    await writeFile(join(folder, 'strangler.yaml'), PLAN(url.slice('http://'.length)));
    expect(await run(['status'], { STRANGLER_TOKEN: undefined })).toMatchObject({ code: 0 });
    expect((await run(['status'], { STRANGLER_TOKEN: 'wins' })).err).toMatch(/does not know this token/);
  });

  test('a wrong Plan: every mistake at once, exit code 2, and the way without one', async () => {
    await writeFile(join(folder, 'wrong.yaml'), 'version: 2\nname: Shop\n');
    const { code, err } = await run(['check', '--plan', 'wrong.yaml']);
    expect(code).toBe(2);
    expect(err).toMatch(/wrong\.yaml has \d mistakes:\n {2}version: .*\n {2}name: must be a lower-case word/);
    const missing = await run(['status', '--plan', 'nowhere.yaml']);
    expect(missing.code).toBe(2);
    expect(missing.err).toMatch(/nowhere\.yaml[\s\S]*cannot be read[\s\S]*give --control URL and set STRANGLER_TOKEN/);
  });

  test('check says what a right one has, schema prints its shape', async () => {
    await writeFile(join(folder, 'strangler.yaml'), PLAN('127.0.0.1:7070'));
    expect(await run(['check'])).toEqual({
      code: 0,
      out: 'strangler.yaml is a valid Plan: shop\n  orders: 1 route, 0 tables\n',
      err: '',
    });
    expect(JSON.parse((await run(['schema'])).out)).toHaveProperty('properties.capabilities');
    expect((await run(['schema', '--markdown'])).out).toMatch(/^# The Plan\n.*\| `forceAfter`/s);
  });

  test('check reads the rules a Plan names, and says in which line they are broken', async () => {
    const plan = PLAN('127.0.0.1:7070').replace('user:', 'compare: { rules: rules.json }, user:');
    await writeFile(join(folder, 'strangler.yaml'), plan);
    await writeFile(join(folder, 'rules.json'), '[\n  {"id": "a"}\n  {"id": "b"}\n]');
    expect((await run(['check'])).err).toMatch(/rules\.json cannot be read: .*\(line 3 column 3\)/);
    await writeFile(join(folder, 'rules.json'), '[{"id": "a", "reason": "r", "path": "$.a", "kind": "hide"}]');
    const { code, err } = await run(['check']);
    expect([code, err]).toEqual([2, expect.stringContaining('rules[0] "a": kind "hide" is unknown')]);
  });
});

describe('strangler starts processes', () => {
  test('their usage errors and exit codes are kept', async () => {
    const { code, err } = await run(['proxy', '--listen', 'nowhere', '--monolith', 'http://127.0.0.1:1']);
    expect(err).toContain('--listen must be HOST:PORT');
    expect(code).toBe(2);
  });

  test('a proxy without a Plan listens, and stops when the command is told to', async () => {
    const { child, ended } = start(['proxy', '--listen', '127.0.0.1:0', '--monolith', url]);
    const line = await new Promise<string>((resolve) => child.stdout!.once('data', (chunk) => resolve(`${chunk}`)));
    const address = /http:\/\/127\.0\.0\.1:\d+/.exec(line)![0];
    expect((await fetch(address)).status).toBe(401); // the stand-in's own answer, through the proxy
    child.kill('SIGTERM');
    expect((await ended).code).toBe(0);
  });
});

describe('strangler helps', () => {
  test.each([
    [[]],
    [['status']],
    [['ramp']],
    [['ramp', 'start']],
    [['set']],
    [['rollback']],
    [['records']],
    [['proxy']],
    [['verify']],
    [['quarantine']],
  ])('%j --help explains itself and exits 0', async (command) => {
    const { code, out } = await run([...command, '--help']);
    expect(code).toBe(0);
    expect(out).toContain('Usage: strangler');
    if (command[0] !== 'ramp' || command[1]) expect(out).toContain('Examples:');
  });
});
