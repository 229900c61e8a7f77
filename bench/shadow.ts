import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Benchmark, Options } from './benchmark.ts';
import { browserHeaders } from './browser.ts';
import { freePort, startChild } from './child.ts';
import { debianTool } from './debian-tool.ts';
import { median, quantile, ratio, rounded, table } from './figures.ts';
import { serveOwnership } from './peers/control.ts';
import { nginxUpstream } from './peers/nginx.ts';
import { say } from './screen.ts';
import { openLoad } from './shadow/open-load.ts';

const PER_SECOND = 500;
const SHARE = '20%';
const WARM_UP = 3;
const ROOT = join(import.meta.dirname, '..');

/** 1 KB of JSON. */
const json = JSON.stringify({
  orders: Array.from({ length: 8 }, (_, at) => ({
    ...{
      id: 100_001 + 2 * at,
      status: 'placed',
      total: `${at + 1}3.90`,
      createdAt: `1998-0${at + 1}-14T09:26:53.000Z`,
    },
    items: [{ productId: 17 * (at + 1), quantity: 1, unitPrice: '13.90' }],
  })),
});

const USERS = Array.from({ length: 200 }, (_, at) => String(at + 1));
const ASKS = USERS.map((user) => ({ path: '/api/orders', headers: browserHeaders(user) }));

const planOf = (monolith: number, service: number, control: number, share: string): string => `version: 1
name: bench
monolith: { url: "http://127.0.0.1:${monolith}" }
control: { listen: "127.0.0.1:${control}", tokens: { admin: bench-admin, proxy: bench-proxy } }
capabilities:
  orders:
    service: { url: "http://127.0.0.1:${service}" }
    routes: ["ANY /api/orders", "ANY /api/orders/**"]
    user: { jwt: sub }
    compare: { share: ${share} }
`;

const NAMES = ['no shadow', `${SHARE} shadowed`, `${SHARE} shadowed, the other side hangs`] as const;

/** Accepts connections and never says a word; gives its port and stop. */
async function hanging() {
  const server = createServer(() => {});
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as { port: number };
  return { port, stop: async () => void server.close() };
}

/** Reads at a steady rate through three proxies, everybody the monolith’s; what differs is what is asked beside them. */
async function run({ seconds = 15, rounds = 3, signal }: Options) {
  const folder = mkdtempSync(join(tmpdir(), 'strangler-bench-'));
  const stops: (() => Promise<void>)[] = [];
  try {
    const [monolith, service, control] = [await freePort(), await freePort(), await freePort()];
    const silent = await hanging();
    stops.push(silent.stop);
    mkdirSync(join(folder, 'upstream'));
    const configuration = join(folder, 'upstream', 'nginx.conf');
    writeFileSync(configuration, nginxUpstream(join(folder, 'upstream'), [monolith, service], json));
    const nginx = await debianTool('nginx', 'usr/sbin/nginx', ['-p', join(folder, 'upstream'), '-c', configuration]);
    const answers = (port: number) => async () => {
      const response = await fetch(`http://127.0.0.1:${port}/api/orders`, { signal: AbortSignal.timeout(1_000) });
      if (!response.ok) throw new Error(`it answers ${response.status}`);
    };
    stops.push(await startChild('upstream', nginx, answers(monolith), signal));
    stops.push(await serveOwnership(control, 'orders', { boundary: 0, pins: {} }));
    const ports: number[] = [];
    for (const [nth, [candidate, share]] of [
      [service, '0%'] as const,
      [service, SHARE] as const,
      [silent.port, SHARE] as const,
    ].entries()) {
      const [port, plan] = [await freePort(), join(folder, `plan-${nth}.yaml`)];
      writeFileSync(plan, planOf(monolith, candidate, control, share));
      const args = [join(ROOT, 'strangler-proxy/main.ts'), '--plan', plan, '--listen', `127.0.0.1:${port}`];
      const command = { file: process.execPath, args: [...args, '--metrics', `127.0.0.1:${await freePort()}`] };
      stops.push(await startChild(NAMES[nth]!, command, answers(port), signal, { NODE_ENV: 'production' }));
      ports.push(port);
    }
    const measured: number[][][] = NAMES.map(() => []);
    for (let round = 0; round <= rounds; round++) {
      for (const [nth, port] of ports.entries()) {
        const load = { perSecond: PER_SECOND, seconds: round ? seconds : WARM_UP, signal };
        const latencies = await openLoad(`http://127.0.0.1:${port}`, ASKS, load);
        if (!round) continue;
        measured[nth]!.push(latencies);
        say(`round ${round} of ${rounds}: ${NAMES[nth]}, p99 ${rounded(quantile(latencies, 0.99))} ms`);
      }
    }
    return findings(measured, { seconds, rounds });
  } finally {
    for (const stop of stops.reverse()) await stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function findings(measured: number[][][], setting: { seconds: number; rounds: number }) {
  const of = (nth: number, share: number) => measured[nth]!.map((latencies) => quantile(latencies, share));
  const rows = NAMES.map((name, nth) => [name, median(of(nth, 0.5)), median(of(nth, 0.99))]);
  const ratios = NAMES.slice(1).map((_, nth) => rounded(ratio(of(nth + 1, 0.99), of(0, 0.99))));
  const text = [
    `${PER_SECOND} reads/s of 1 KB through one proxy each, ${setting.rounds} rounds of ${setting.seconds} s in turn, medians\n`,
    table([['milliseconds to the end of the answer', 'p50', 'p99'], ...rows]),
    '',
    ...NAMES.slice(1).map((name, nth) => `  p99, ${name} / no shadow: ${ratios[nth]}`),
  ].join('\n');
  const figures = NAMES.map((name, nth) => ({ name, p50: of(nth, 0.5).map(rounded), p99: of(nth, 0.99).map(rounded) }));
  return { text, figures: { ...setting, perSecond: PER_SECOND, share: SHARE, contenders: figures, p99Ratios: ratios } };
}

export const shadow: Benchmark = {
  about: 'what comparing live costs the client: p99 of reads with and without, and while the other side hangs',
  run,
};
