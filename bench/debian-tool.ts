import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { homeOf } from '../deploy/local/home.ts';
import { unpackFromDebian } from '../deploy/local/recipes/debian.ts';
import { wholeFolder } from '../deploy/local/whole-folder.ts';
import type { Command } from './child.ts';
import { say } from './screen.ts';

/**
 * A program of a Debian sid package with these arguments: fetched once into a folder, nothing installed, and run
 * through that folder’s own loader, whose libc is newer than most machines’. Throws a Problem if it cannot be fetched.
 */
export async function debianTool(name: string, program: string, args: readonly string[]): Promise<Command> {
  const folder = join(homeOf().downloads, name);
  await wholeFolder(folder, async (half) => {
    say(`fetching ${name} from Debian sid`);
    await unpackFromDebian(name, half, `${half}.apt`);
    rmSync(`${half}.apt`, { recursive: true });
  });
  const libraries = join(folder, 'usr/lib/x86_64-linux-gnu');
  return {
    file: join(libraries, 'ld-linux-x86-64.so.2'),
    args: ['--library-path', libraries, join(folder, program), ...args],
  };
}
