import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { lock } from './lock.ts';

/**
 * Makes a folder all at once: `fill` works in a folder beside it, which gets its name only when it is complete.
 * A process killed in between leaves a `.half` folder, which the next one throws away; two at once take turns.
 */
export async function wholeFolder(folder: string, fill: (half: string) => Promise<void>): Promise<void> {
  if (existsSync(folder)) return;
  const held = await lock(`folder ${folder}`, String(process.pid));
  try {
    if (existsSync(folder)) return;
    const half = `${folder}.half`;
    rmSync(half, { recursive: true, force: true });
    mkdirSync(dirname(folder), { recursive: true });
    mkdirSync(half);
    await fill(half);
    renameSync(half, folder);
  } finally {
    await held.release();
  }
}
