import { basename, join } from 'node:path';
import { homeOf } from './home.ts';
import { unpackFromDebian } from './recipes/debian.ts';
import type { Command } from './recipes/recipe.ts';
import { wholeFolder } from './whole-folder.ts';

/**
 * A program of a Debian sid package with these arguments: fetched once into a folder, nothing installed, and run
 * through that folder’s own loader, whose libc is newer than most machines’. Throws a Problem if it cannot be fetched.
 */
export async function debianTool(
  name: string,
  program: string,
  args: readonly string[],
  say: (text: string) => void = () => {},
): Promise<Command> {
  const folder = join(homeOf().downloads, name);
  await wholeFolder(folder, async (half) => {
    say(`fetching ${name} from Debian sid`);
    await unpackFromDebian(name, half, 'do without what needs it');
  });
  const libraries = join(folder, 'usr/lib/x86_64-linux-gnu');
  return {
    file: join(libraries, 'ld-linux-x86-64.so.2'),
    args: ['--library-path', libraries, '--argv0', basename(program), join(folder, program), ...args],
  };
}
