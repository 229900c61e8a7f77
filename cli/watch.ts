import { setTimeout as wait } from 'node:timers/promises';
import { onInterrupt } from './interrupt.ts';
import { clip } from './text.ts';

/** How often the screen is redrawn, in ms. */
const REDRAW_MS = 500;
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';

/** Draws lines over and over on a screen of its own until Ctrl-C; then the terminal is as it was. */
export async function watch(stream: NodeJS.WriteStream, draw: () => Promise<string[]>): Promise<void> {
  const { signal, release } = onInterrupt();
  const leave = () => void stream.write(LEAVE);
  process.once('exit', leave);
  stream.write(ENTER);
  try {
    while (!signal.aborted) {
      const lines = await draw();
      const room = (stream.rows ?? 24) - 2;
      const shown = lines.length > room ? [...lines.slice(0, room - 1), '… more than fits on this screen'] : lines;
      const foot = clip(`every ${REDRAW_MS} ms, Ctrl-C ends`, stream.columns ?? 80);
      stream.write(`\x1b[H${[...shown, '', foot].map((line) => `${line}\x1b[K`).join('\n')}\x1b[J`);
      await wait(REDRAW_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    process.off('exit', leave);
    leave();
    release();
  }
}
