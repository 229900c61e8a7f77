import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { planOf, startControl, TOKEN } from '../../strangler-proxy/testing/stage.ts';

const PROGRAM = join(import.meta.dirname, '../../strangler-proxy/main.ts');
/** Short, so that what hangs shows soon. */
const LIMITS = { idleTimeout: '500ms', headersTimeout: '500ms', connectTimeout: '500ms', stopWithin: '1s' };

async function freeAddress(): Promise<string> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}

/** The real proxy as a process of its own, linked to a control that moves users to and fro all the time. */
export async function startProxyProcess(monolith: string, service: string) {
  const control = await startControl();
  const metrics = await freeAddress();
  const folder = mkdtempSync(join(tmpdir(), 'strangler-fuzz-'));
  const settings = { monolith, service, rewrite: { '^/api': '' }, handoff: { hold: '100ms', writeFate: '10ms' } };
  const plan = planOf({ ...settings, proxy: { ...LIMITS, unfinishedPerAddress: 100_000 } });
  const file = join(folder, 'strangler.yaml');
  const capability = { ...plan.capabilities.orders!, handoff: settings.handoff };
  writeFileSync(
    file,
    JSON.stringify({
      ...{ version: 1, name: 'shop', monolith: { url: monolith } },
      control: { listen: new URL(control.url).host, tokens: { admin: 'admin-token', proxy: TOKEN } },
      proxy: { ...LIMITS, metrics, unfinishedPerAddress: 100_000, unfinishedPerUser: 100_000 },
      capabilities: {
        orders: {
          service: { url: service, rewrite: settings.rewrite },
          ...{ routes: capability.routes, readOnly: capability.readOnly, user: capability.user, anonymous: 'monolith' },
          handoff: settings.handoff,
        },
      },
    }),
  );
  const child: ChildProcess = spawn(process.execPath, [PROGRAM, '--plan', file, '--listen', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  /** What must not be there: lines of level error or worse, and whatever Node itself says. */
  const complaints: string[] = [];
  const listening = Promise.withResolvers<string>();
  createInterface({ input: child.stdout! }).on('line', (line) => {
    const address = /^listening on http:\/\/([^:]+:\d+):/.exec(line)?.[1];
    if (address) listening.resolve(address);
    else if (/"level":[56]0/.test(line)) complaints.push(line);
  });
  createInterface({ input: child.stderr! }).on('line', (line) => complaints.push(line));
  const ended = once(child, 'exit').then(([code, signal]) => `the proxy ended: code ${code}, signal ${signal}`);
  const front = await Promise.race([listening.promise, ended.then((why) => Promise.reject(new Error(why)))]);
  await control.says({ boundary: 0, pins: {} });
  let boundary = 0;
  const moves = setInterval(() => {
    const hi = boundary === 0 ? 5_000 : 0;
    const [from, to] = hi > 0 ? (['monolith', 'service'] as const) : (['service', 'monolith'] as const);
    void control.says({ boundary, pins: {}, moving: { epoch: 1, subject: { lo: 0, hi: 5_000 }, from, to } });
    setTimeout(() => {
      boundary = hi;
      void control.says({ boundary, pins: {} });
    }, 50).unref();
  }, 250);
  return {
    ...{ front, metrics, complaints, pid: child.pid! },
    /** Why the process has ended; undefined while it lives. */
    get gone(): string | undefined {
      return child.exitCode === null && child.signalCode === null
        ? undefined
        : `the proxy ended: code ${child.exitCode}, signal ${child.signalCode}`;
    },
    settle: () => {
      clearInterval(moves);
      return new Promise((resolve) => setTimeout(resolve, 200)).then(() => control.says({ boundary: 5_000, pins: {} }));
    },
    stop: async () => {
      clearInterval(moves);
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await ended;
      clearTimeout(timer);
      await control.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
