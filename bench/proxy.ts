import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUCKETS, bucketOf } from '@strangler/plan';
import { debianTool } from '@strangler/servers';
import type { Benchmark, Options } from './benchmark.ts';
import { browserHeaders } from './browser.ts';
import { freePort, startChild } from './child.ts';
import { median, ratio, rounded, table } from './figures.ts';
import { serveOwnership } from './peers/control.ts';
import { nginxProxy, nginxUpstream } from './peers/nginx.ts';
import { planOf } from './plan-of.ts';
import { type Answer, differences, fetchAnswer } from './same-answer.ts';
import { say } from './screen.ts';
import { type Load, loadWith, wrkScript } from './wrk.ts';

const CONNECTIONS = 32;
const USERS = 64;
const BOUNDARY = BUCKETS / 2;
const WARM_UP = 2;
const ROOT = join(import.meta.dirname, '..');

/** 1 KB of JSON such as a page of orders. */
const json = JSON.stringify({
  orders: Array.from({ length: 7 }, (_, at) => ({
    id: 100_001 + 2 * at,
    status: 'paid',
    total: `${(at + 1) * 13}.90`,
    currency: 'EUR',
    createdAt: `1998-0${at + 1}-14T09:26:53.000Z`,
    items: [{ productId: 17 * (at + 1), quantity: 1 }],
  })),
});

/** As many users on one side of the boundary as on the other, taking turns. */
function users(): string[] {
  const all = Array.from({ length: 10 * USERS }, (_, at) => String(at + 1));
  const below = (user: string) => bucketOf('bench', user) < BOUNDARY;
  const moved = all.filter(below);
  const others = all.filter((user) => !below(user));
  return Array.from({ length: USERS / 2 }, (_, at) => [moved[at]!, others[at]!]).flat();
}

type Contender = 'upstream' | 'ours' | 'http-proxy-middleware' | 'nginx';

/** Starts the upstream and every contender, each a process of its own; gives their ports and one stop for all. */
async function startAll(folder: string, signal: AbortSignal) {
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const one of stops.reverse().splice(0)) await one();
  };
  const [monolith, service, control, ours, metrics, middleware, nginx] = (await Promise.all(
    Array.from({ length: 7 }, freePort),
  )) as [number, number, number, number, number, number, number];
  const answers = (port: number) => async () => {
    const response = await fetch(`http://127.0.0.1:${port}/api/orders`, { signal: AbortSignal.timeout(1_000) });
    if (!response.ok) throw new Error(`it answers ${response.status}`);
  };
  const node = (name: string, port: number, script: string, ...args: string[]) =>
    startChild(name, { file: process.execPath, args: [join(ROOT, script), ...args] }, answers(port), signal, {
      NODE_ENV: 'production',
    });
  const startNginx = async (name: string, port: number, configuration: (folder: string) => string) => {
    const own = join(folder, name);
    const file = join(own, 'nginx.conf');
    mkdirSync(own);
    writeFileSync(file, configuration(own));
    const command = await debianTool('nginx', 'usr/sbin/nginx', ['-p', own, '-c', file], say);
    return startChild(name, command, answers(port), signal);
  };
  try {
    stops.push(await startNginx('upstream', service, (own) => nginxUpstream(own, [monolith, service], json)));
    stops.push(await serveOwnership(control, 'orders', { boundary: BOUNDARY, pins: {} }));
    const plan = join(folder, 'strangler.yaml');
    writeFileSync(plan, planOf(monolith, service, control));
    const flags = ['--plan', plan, '--listen', `127.0.0.1:${ours}`, '--metrics', `127.0.0.1:${metrics}`];
    stops.push(await node('ours', ours, 'strangler-proxy/main.ts', ...flags));
    const target = `http://127.0.0.1:${monolith}`;
    stops.push(
      await node(
        'http-proxy-middleware',
        middleware,
        'bench/peers/http-proxy-middleware.ts',
        String(middleware),
        target,
      ),
    );
    stops.push(await startNginx('nginx', nginx, (own) => nginxProxy(own, nginx, monolith)));
  } catch (error) {
    await stop();
    throw error;
  }
  const ports: Record<Contender, number> = { upstream: monolith, ours, 'http-proxy-middleware': middleware, nginx };
  return { ports, stop };
}

/** Throws unless every contender answers as the others do, and ours sends each user to the side that owns them. */
async function validate(ports: Record<Contender, number>): Promise<void> {
  const [moved, other] = users() as [string, string];
  const requests = [
    { method: 'GET', path: '/api/orders', user: moved, side: 'service' },
    { method: 'GET', path: '/api/orders/17?page=2', user: other, side: 'monolith' },
    { method: 'POST', path: '/api/orders', user: moved, side: 'service', body: json },
  ];
  for (const { side, ...request } of requests) {
    const answers = new Map<Contender, Answer>();
    for (const contender of ['ours', 'http-proxy-middleware', 'nginx'] as const) {
      answers.set(contender, await fetchAnswer(ports[contender], request));
    }
    const ours = answers.get('ours')!;
    for (const [contender, answer] of answers) {
      const differing = differences(ours, answer);
      if (differing.length) {
        throw new Error(
          `${contender} answers ${request.method} ${request.path} differently:\n  ${differing.join('\n  ')}`,
        );
      }
    }
    if (ours.body !== json) throw new Error(`the answer is not the upstream’s:\n${ours.body.slice(0, 200)}`);
    if (ours.side !== side) throw new Error(`ours sent user ${request.user} to the ${ours.side}, not to the ${side}`);
  }
}

async function run({ seconds = 8, rounds = 3, signal }: Options) {
  const folder = mkdtempSync(join(tmpdir(), 'strangler-bench-'));
  let stop = async () => {};
  try {
    const started = await startAll(folder, signal);
    stop = started.stop;
    await validate(started.ports);
    const script = join(folder, 'requests.lua');
    writeFileSync(script, wrkScript(users().map((user) => ({ path: '/api/orders', headers: browserHeaders(user) }))));
    const contenders = Object.entries(started.ports) as [Contender, number][];
    const load = (port: number, time: number) =>
      loadWith(script, `http://127.0.0.1:${port}`, { connections: CONNECTIONS, seconds: time, signal });
    say('every contender gives the same answers; warming up');
    for (const [, port] of contenders) await load(port, WARM_UP);
    const measured = Object.fromEntries(contenders.map(([name]) => [name, []])) as unknown as Record<Contender, Load[]>;
    for (let round = 1; round <= rounds; round++) {
      for (const [name, port] of contenders) {
        const one = await load(port, seconds);
        measured[name].push(one);
        say(`round ${round} of ${rounds}: ${name} ${rounded(one.requestsPerSecond)} requests/s`);
      }
    }
    return findings(measured, { seconds, rounds });
  } finally {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function findings(measured: Record<Contender, Load[]>, setting: { seconds: number; rounds: number }) {
  const perSecond = (name: Contender) => measured[name].map(({ requestsPerSecond }) => requestsPerSecond);
  const middle = (name: Contender, of: keyof Load) => median(measured[name].map((load) => load[of]));
  const names = Object.keys(measured) as Contender[];
  const ratios = Object.fromEntries(
    (['http-proxy-middleware', 'nginx', 'upstream'] as const).map((name) => [
      `ours/${name}`,
      rounded(ratio(perSecond('ours'), perSecond(name))),
    ]),
  );
  const rows = names.map((name) => [
    name === 'upstream' ? 'upstream alone' : name,
    middle(name, 'requestsPerSecond'),
    middle(name, 'p50'),
    middle(name, 'p99'),
  ]);
  const contenders = Object.fromEntries(
    names.map((name) => [
      name,
      {
        requestsPerSecond: rounded(middle(name, 'requestsPerSecond')),
        p50: rounded(middle(name, 'p50')),
        p99: rounded(middle(name, 'p99')),
        rounds: perSecond(name).map(rounded),
      },
    ]),
  );
  const text = [
    `1 KB of JSON, ${CONNECTIONS} connections, ${USERS} users with browser-like headers; one worker each;`,
    `${setting.rounds} rounds of ${setting.seconds} s in turn, medians\n`,
    table([['', 'requests/s', 'p50 ms', 'p99 ms'], ...rows]),
    '',
    ...Object.entries(ratios).map(([name, value]) => `  ${name}: ${value}`),
  ].join('\n');
  return { text, figures: { ...setting, connections: CONNECTIONS, contenders, ratios } };
}

export const proxy: Benchmark = {
  about: 'requests/s of our proxy, of http-proxy-middleware with Express and of nginx, before the same upstream',
  run,
};
