import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianTool } from '@strangler/servers';
import { browserHeaders } from '../browser.ts';
import { freePort, startChild, startProcess } from '../child.ts';
import { serveOwnership } from '../peers/control.ts';
import { nginxUpstream } from '../peers/nginx.ts';
import { planOf } from '../plan-of.ts';
import { say } from '../screen.ts';

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
/** What is asked: the same read by 200 users in turn. */
export const ASKS = USERS.map((user) => ({ path: '/api/orders', headers: browserHeaders(user) }));

const MAIN = join(import.meta.dirname, '..', '..', 'strangler-proxy/main.ts');

/** What stands behind a proxy, and how one is put before it. */
export type Stand = {
  /** Port of a service that answers as the monolith does. */
  readonly service: number;
  /** Starts a proxy that compares the reads of a share of the users with a service at a port. */
  readonly proxy: (name: string, service: number, share: string, how?: How) => Promise<{ port: number; pid: number }>;
};
/** Options of node itself, and environment. */
type How = { readonly node?: readonly string[]; readonly env?: Readonly<Record<string, string>> };

/** Lets `work` have a monolith and a service, both nginx, and a control that gives the monolith everybody. */
export async function onStand<T>(signal: AbortSignal, work: (stand: Stand) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'strangler-bench-'));
  const stops: (() => Promise<void>)[] = [];
  const answers = (port: number) => async () => {
    const response = await fetch(`http://127.0.0.1:${port}/api/orders`, { signal: AbortSignal.timeout(1_000) });
    if (!response.ok) throw new Error(`it answers ${response.status}`);
  };
  try {
    const [monolith, service, control] = [await freePort(), await freePort(), await freePort()];
    mkdirSync(join(folder, 'upstream'));
    const configuration = join(folder, 'upstream', 'nginx.conf');
    writeFileSync(configuration, nginxUpstream(join(folder, 'upstream'), [monolith, service], json));
    const nginx = await debianTool(
      'nginx',
      'usr/sbin/nginx',
      ['-p', join(folder, 'upstream'), '-c', configuration],
      say,
    );
    stops.push(await startChild('upstream', nginx, answers(monolith), signal));
    stops.push(await serveOwnership(control, 'orders', { boundary: 0, pins: {} }));
    const proxy: Stand['proxy'] = async (name, candidate, share, { node = [], env } = {}) => {
      const [port, plan] = [await freePort(), join(folder, `plan-${candidate}-${share}.yaml`)];
      writeFileSync(plan, `${planOf(monolith, candidate, control)}    compare: { share: ${share} }\n`);
      const args = [...node, MAIN, '--plan', plan, '--listen', `127.0.0.1:${port}`];
      const command = { file: process.execPath, args: [...args, '--metrics', `127.0.0.1:${await freePort()}`] };
      const started = await startProcess(name, command, answers(port), signal, { NODE_ENV: 'production', ...env });
      stops.push(started.stop);
      return { port, pid: started.pid };
    };
    return await work({ service, proxy });
  } finally {
    for (const stop of stops.reverse()) await stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
