import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach } from '@jest/globals';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

/** How a command ended, and what it has printed. */
export type Ended = { readonly code: number | null; readonly out: string; readonly err: string };
/** A command that runs. */
export type Running = { readonly child: ChildProcess; readonly ended: Promise<Ended> };

/** The real command line, in a folder of its own, and servers for it to talk to: new in each test, gone after it. */
export class CommandLine {
  folder = '';
  readonly servers: Server[] = [];
  readonly #children: ChildProcess[] = [];

  constructor() {
    beforeEach(async () => {
      this.folder = await mkdtemp(join(tmpdir(), 'strangler-cli-'));
    });
    afterEach(async () => {
      for (const child of this.#children.splice(0)) child.kill('SIGKILL');
      for (const server of this.servers.splice(0)) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
      await rm(this.folder, { recursive: true });
    });
  }

  /** Starts a server; gives its URL. */
  async serve(answer: RequestListener): Promise<string> {
    const server = createServer(answer).listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.servers.push(server);
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  start(...given: string[]): Running {
    const env = { PATH: process.env.PATH, GITHUB_STEP_SUMMARY: this.path('summary.md') };
    const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
    const child = spawn(process.execPath, [MAIN, ...given], { env, cwd: this.folder, stdio });
    this.#children.push(child);
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    return { child, ended: once(child, 'close').then(([code]) => ({ code, out, err })) };
  }

  run(...given: string[]): Promise<Ended> {
    return this.start(...given).ended;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  read(name: string): Promise<string> {
    return readFile(this.path(name), 'utf8');
  }

  /** Writes a file: a text as it is, anything else as JSON. */
  write(name: string, content: unknown): Promise<void> {
    return writeFile(this.path(name), typeof content === 'string' ? content : JSON.stringify(content));
  }
}
