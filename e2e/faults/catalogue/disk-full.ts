import { execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pidOf } from '../../servers.ts';
import type { Fault, Scene } from '../fault.ts';
import { eventually, inSession } from '../holding.ts';
import { look } from '../operator.ts';

const SIZE = 64 * 2 ** 20;
const CHUNK = Buffer.alloc(2 ** 16);
const SEEN_WITHIN_MS = 60_000;

/** Fills what is left of a file system. */
function fill(file: string): void {
  try {
    for (;;) writeFileSync(file, CHUNK, { flag: 'a' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

/** The users a process runs as, by /proc. */
function ownerOf(pid: number): readonly [uid: number, gid: number] {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const id = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return [id('Uid'), id('Gid')];
}

/** The items of orders move to a small file system, which then runs full: they cannot be applied until there is room. */
async function diskFull({ stack, note, over }: Scene): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('only root can mount a small file system: run this fault as root');
  const folder = mkdtempSync(join(tmpdir(), 'strangler-full-'));
  const filler = join(folder, 'filler');
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'strangler-full', folder]);
  try {
    const place = join(folder, 'tablespace');
    execFileSync('mkdir', [place]);
    const owner = ownerOf(await pidOf('postgres'));
    for (const path of [folder, place]) chownSync(path, ...owner);
    await inSession(stack.addresses.orders.admin, async (session) => {
      await session.query(`CREATE TABLESPACE strangler_full LOCATION '${place}'`);
      await session.query('ALTER TABLE order_items SET TABLESPACE strangler_full');
      fill(filler);
      const filled = Date.now();
      try {
        await eventually('a stream that waits for room', SEEN_WITHIN_MS, async () => {
          const streams = (await look('orders'))?.streams ?? [];
          return streams.some(({ state, reason }) => state === 'waiting' && /No space left/.test(reason ?? ''));
        });
        note('noticed after', Date.now() - filled);
        await sleep(2_000);
      } finally {
        rmSync(filler, { force: true });
        over();
        await session.query('ALTER TABLE order_items SET TABLESPACE pg_default');
        await session.query('DROP TABLESPACE strangler_full');
      }
    });
  } finally {
    execFileSync('umount', ['-l', folder]);
    rmdirSync(folder);
  }
}

/** No room on the disk of the target. */
export const diskIsFull: readonly Fault[] = [
  { name: 'disk full at the target', lines: [61], chapter: 'steady', strike: diskFull, mayRollBack: true },
];
