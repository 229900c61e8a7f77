import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianTool } from '@strangler/servers';

/** A Valkey, which speaks as Redis does, for whoever started it alone. */
export type Valkey = { readonly process: ChildProcess; stop(): Promise<void> };

/** Starts Valkey on a port of loopback with an empty memory. `options`: as valkey-server takes them. */
export async function startValkey(port: number, options: readonly string[] = []): Promise<Valkey> {
  const folder = mkdtempSync(join(tmpdir(), 'valkey-'));
  const { file, args } = await debianTool('valkey-server', 'usr/bin/valkey-server', [
    ...['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder],
    ...options,
  ]);
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const ready = new Promise<void>((resolve) => {
    child.stdout.on('data', (lines) => String(lines).includes('Ready to accept connections') && resolve());
  });
  const tooEarly = ended.then(([code]) => {
    throw new Error(`valkey-server ended with exit code ${code}`);
  });
  await Promise.race([ready, tooEarly]);
  return {
    process: child,
    stop: async () => {
      child.kill('SIGKILL');
      await ended;
      rmSync(folder, { recursive: true });
    },
  };
}
