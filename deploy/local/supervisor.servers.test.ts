import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { SetStatus } from './commands.ts';
import { homeOf } from './home.ts';
import { recipes } from './recipes/index.ts';

// A set of servers of its own, beside the one that other tests use: other ports, another home, the same downloads.
const root = mkdtempSync(join(tmpdir(), 'strangler-servers-'));
const env: NodeJS.ProcessEnv = {
  ...process.env,
  NODE_OPTIONS: '',
  STRANGLER_HOME: root,
  STRANGLER_DOWNLOADS: homeOf().downloads,
};

async function servers(...args: string[]): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], { env });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  }
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
}

const status = async () => JSON.parse((await servers('status', '--json')).output) as SetStatus;

async function until(holds: (now: SetStatus) => boolean): Promise<SetStatus> {
  for (;;) {
    const now = await status();
    if (holds(now)) return now;
    await pause(100);
  }
}

beforeAll(async () => {
  for (const name of ['MYSQL', 'POSTGRES']) {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    env[`STRANGLER_PORT_${name}`] = String((server.address() as AddressInfo).port);
    server.close();
    await once(server, 'close');
  }
  expect(await servers('up', 'mysql', 'postgres')).toMatchObject({ code: 0 });
});

afterAll(async () => {
  await servers('reset');
  rmSync(root, { recursive: true, force: true });
});

test('status gives the address, credentials, process and state of each', async () => {
  const { parts, supervisor } = await status();
  expect(supervisor).toEqual(expect.any(Number));
  expect(parts.mysql).toMatchObject({
    state: 'ready',
    pid: expect.any(Number),
    host: '127.0.0.1',
    port: Number(env.STRANGLER_PORT_MYSQL),
    user: 'root',
    password: expect.any(String),
  });
  expect(parts.kafka.state).toBe('stopped');
});

test('servers that are killed come back by themselves', async () => {
  const before = await status();
  process.kill(before.parts.mysql.pid!, 'SIGKILL');
  process.kill(before.parts.postgres.pid!, 'SIGKILL');
  const after = await until(({ parts }) =>
    (['mysql', 'postgres'] as const).every(
      (name) => parts[name].state === 'ready' && parts[name].pid !== before.parts[name].pid,
    ),
  );
  expect(after.parts.mysql.restarts).toBe(1);
  const ports = { mysql: after.parts.mysql.port, postgres: after.parts.postgres.port } as Parameters<
    typeof recipes.mysql.probe
  >[0]['ports'];
  for (const name of ['mysql', 'postgres'] as const) await recipes[name].probe({ home: homeOf(env), ports, say() {} });
});

test('after the supervisor was killed the next `up` adopts what lives and starts what died meanwhile', async () => {
  const before = await status();
  process.kill(before.supervisor!, 'SIGKILL');
  process.kill(before.parts.postgres.pid!, 'SIGKILL');
  const alone = await until(({ supervisor, parts }) => supervisor === null && parts.postgres.state === 'stopped');
  expect(alone.parts.mysql).toMatchObject({ state: 'unsupervised', pid: before.parts.mysql.pid });
  expect(await servers('up', 'mysql', 'postgres')).toMatchObject({ code: 0 });
  const after = await status();
  expect(after.parts.mysql).toMatchObject({ state: 'ready', pid: before.parts.mysql.pid });
  expect(after.parts.postgres).toMatchObject({ state: 'ready' });
});

test('one part can be stopped and started on purpose', async () => {
  const { parts } = await status();
  expect(await servers('down', 'postgres')).toMatchObject({ code: 0 });
  const without = await status();
  expect(without.parts.postgres.state).toBe('stopped');
  expect(without.parts.mysql.pid).toBe(parts.mysql.pid);
  expect(await servers('up', 'postgres')).toMatchObject({ code: 0 });
});

test('ports do not change under running servers', async () => {
  const { code, output } = await servers('up', 'mysql', '--port', 'kafka=1');
  expect(code).toBe(1);
  expect(output).toContain('The servers are up on other ports (kafka)');
});

test('a port that somebody else uses is named with its process and the way out', async () => {
  const { parts } = await status();
  await servers('down', 'postgres');
  const squatter = net.createServer().listen(parts.postgres.port, '127.0.0.1');
  await once(squatter, 'listening');
  const { code, output } = await servers('up', 'postgres');
  squatter.close();
  expect(code).toBe(1);
  expect(output).toContain(`Port ${parts.postgres.port} of postgres is in use by`);
  expect(output).toContain(`(process ${process.pid})`);
  expect(output).toContain(`--port postgres=${parts.postgres.port + 1000}`);
});

test('down stops every process of the set, the supervisor too', async () => {
  expect(await servers('down')).toMatchObject({ code: 0 });
  const now = await until(({ supervisor }) => supervisor === null);
  expect(Object.values(now.parts).map(({ state }) => state)).toEqual(Array(5).fill('stopped'));
});
