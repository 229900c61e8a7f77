// Jest's global set-up for tests that need servers: starts them unless they are up, and notes for servers-down.mjs
// whether it did. Jest runs this file untransformed, so the TypeScript of the runner runs as a process of its own.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** Runs `npm run servers -- ARGS` and gives what it prints. Throws if it fails. */
export function runServers(args, stdout) {
  const node = join(root, 'node_modules/.bin/node');
  const { status, ...result } = spawnSync(node, [join(root, 'deploy/local/main.ts'), ...args], {
    stdio: ['ignore', stdout, 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`npm run servers -- ${args.join(' ')} failed: see above`);
  return result.stdout;
}

export default function serversUp() {
  const { supervisor, parts } = JSON.parse(runServers(['status', '--json'], 'pipe'));
  if (supervisor !== null && Object.values(parts).every(({ state }) => state === 'ready')) return;
  runServers(['up'], 'inherit');
  globalThis.serversToStop = supervisor === null;
}
