import { open, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { HEAD } from './har-file.ts';

/** Removes the recordings in a folder whose last day is over, and gives their names. What is no recording of ours stays. */
export async function removeExpired(folder: string, now: Date): Promise<string[]> {
  const removed: string[] = [];
  for (const { name } of (await readdir(folder, { withFileTypes: true })).filter((one) => one.isFile())) {
    if (!name.endsWith('.har')) continue;
    const until = await untilOf(join(folder, name));
    if (until === undefined || until > now.toISOString()) continue;
    await unlink(join(folder, name));
    removed.push(name);
  }
  return removed;
}

/** The end of a recording, if its first bytes are those that `HarFile` writes. */
async function untilOf(path: string): Promise<string | undefined> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
    const begin = buffer.toString('utf8', 0, bytesRead);
    return begin.startsWith(HEAD)
      ? /^\{"until":"(\d{4}-\d\d-\d\dT[\d:.]+Z)"/.exec(begin.slice(HEAD.length))?.[1]
      : undefined;
  } finally {
    await file.close();
  }
}
