import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { lock } from './lock.ts';

/**
 * Makes a folder all at once: `fill` works in a folder beside it, which gets its name only when it is complete.
 * A process killed in between leaves a `.half-PID` folder, which the next one throws away; two at once take turns.
 * The name is new each time, because a program that the killed one had started may still be writing into the old one.
 */
export async function wholeFolder(folder: string, fill: (half: string) => Promise<void>): Promise<void> {
  const held = await lock(`folder ${folder}`, String(process.pid));
  try {
    mkdirSync(dirname(folder), { recursive: true });
    for (const entry of readdirSync(dirname(folder))) {
      if (entry.startsWith(`${basename(folder)}.half-`)) rmSync(join(dirname(folder), entry), { recursive: true });
    }
    if (existsSync(folder)) return;
    const half = `${folder}.half-${process.pid}`;
    mkdirSync(half);
    await fill(half);
    renameSync(half, folder);
  } finally {
    await held.release();
  }
}
