import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Part } from './parts.ts';
import { closedAt, lentUser, openPlace } from './unprivileged.ts';

/** Where one set of servers keeps everything: a folder that two sets never share, except for `downloads`. */
export interface Home {
  readonly root: string;
  readonly downloads: string;
  readonly data: string;
  readonly logs: string;
  readonly run: string;
}

/** The repository's root: where `.strangler/` stands unless STRANGLER_HOME says otherwise. */
export const repository = resolve(import.meta.dirname, '../..');

/** The home that the environment names: STRANGLER_HOME, and STRANGLER_DOWNLOADS to share downloads between homes. */
export function homeOf(env: NodeJS.ProcessEnv = process.env): Home {
  const root = resolve(env.STRANGLER_HOME ?? join(repository, '.strangler'));
  return {
    root,
    downloads: resolve(env.STRANGLER_DOWNLOADS ?? join(root, 'downloads')),
    data: join(root, 'data'),
    logs: join(root, 'logs'),
    run: join(root, 'run'),
  };
}

/**
 * Where a part keeps its data: in the home, except Postgres if root starts it from a home that only root may enter.
 */
export function dataFolder(home: Home, part: Part): string {
  const inside = join(home.data, part);
  return part === 'postgres' && lentUser() && closedAt(home.root) ? join(openPlace(home.root), part) : inside;
}

/** Replaces a JSON file as a whole: a reader sees the old one or the new one, never half of one. */
export function writeJson(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true });
  const half = `${path}.${process.pid}.half`;
  writeFileSync(half, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(half, path);
}

/** What a JSON file says, or undefined if there is none. */
export function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`${path} cannot be read; delete it and run the command again`, { cause: error });
  }
}

/** Where npm has put a package that we run but never import. */
export function packageFolder(name: string): string {
  const own = resolve(import.meta.dirname, 'node_modules', name);
  return existsSync(own) ? own : join(repository, 'node_modules', name);
}
