import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from '@jest/globals';
import { startUpstream } from './testing/stage.ts';

const folder = mkdtempSync(join(tmpdir(), 'strangler-proxy-'));
const running = new Set<ChildProcess>();
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const child of running) child.kill('SIGKILL');
  for (const stop of stops.splice(0)) await stop();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the process; `line` waits for its first line, `exit` for its end. */
function run(...args: string[]) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], { cwd: folder });
  running.add(child);
  let out = '';
  let errors = '';
  child.stdout.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const exit = once(child, 'close').then(([code]) => {
    running.delete(child);
    return { code: code as number, errors };
  });
  const line = async () => {
    while (!out.includes('\n')) await Promise.race([once(child.stdout, 'data'), exit]);
    return out.split('\n')[0]!;
  };
  return { child, exit, line };
}

test('without a Plan everything goes to the monolith, it says so, and SIGTERM ends it in order', async () => {
  const upstream = await startUpstream('monolith');
  stops.push(upstream.stop);
  const proxy = run('--monolith', upstream.url, '--listen', '127.0.0.1:0');
  const line = await proxy.line();
  expect(line).toMatch(/^listening on http:\/\/127\.0\.0\.1:\d+: sends everything to http:/);
  const address = /http:\/\/\S+?(?=: )/.exec(line)![0];
  const answer = await fetch(`${address}/api/orders`, { method: 'POST', body: 'x' });
  expect(await answer.json()).toMatchObject({ name: 'monolith', method: 'POST', body: 'x' });
  proxy.child.kill('SIGTERM');
  expect(await proxy.exit).toEqual({ code: 0, errors: '' });
});

test('a port in use is named, with the next step', async () => {
  const upstream = await startUpstream('monolith');
  stops.push(upstream.stop);
  const taken = new URL(upstream.url).host;
  const { code, errors } = await run('--monolith', upstream.url, '--listen', taken).exit;
  expect(code).toBe(1);
  expect(errors).toBe(`${taken} is in use; free it, or name another with --listen or --metrics HOST:PORT\n`);
});

test('a wrong Plan reports every mistake and exits 2', async () => {
  const file = join(folder, 'wrong.yaml');
  writeFileSync(
    file,
    'version: 2\nname: Shop\ncontrol: { tokens: { admin: admin-token, proxy: x } }\ncapabilities: {}\n',
  );
  const { code, errors } = await run('--plan', file).exit;
  expect(code).toBe(2);
  for (const path of ['version', 'name', 'control.tokens.proxy', 'capabilities'])
    expect(errors).toContain(`  ${path}: `);
  expect(errors).not.toMatch(/\n\s+at /);
});

test.each([
  [['--nonsense']],
  [['--monolith', 'http://127.0.0.1:1']],
  [['--monolith', 'nowhere', '--listen', '127.0.0.1:0']],
  [['--monolith', 'http://127.0.0.1:1', '--listen', 'nowhere']],
  [['--monolith', 'http://127.0.0.1:1', '--plan', 'x']],
])('wrong use is told with the usage and exits 2: %j', async (args) => {
  const { code, errors } = await run(...args).exit;
  expect(code).toBe(2);
  expect(errors).toContain('strangler-proxy --plan FILE');
});
