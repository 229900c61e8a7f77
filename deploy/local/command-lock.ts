import type { Home } from './home.ts';
import { lock } from './lock.ts';

/** Does some work as the only command on a home at that time; while another is at it, waits and says for whom. */
export async function asOnlyCommand<T>(
  home: Home,
  command: string,
  progress: (line: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  const who = `\`${command}\` (process ${process.pid})`;
  const held = await lock(`command ${home.root}`, who, (holder) => progress(`waiting for ${holder} to finish`));
  try {
    return await work();
  } finally {
    await held.release();
  }
}
