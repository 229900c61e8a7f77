import { clip } from './text.ts';

/** A line that changes in place in a terminal; elsewhere lines that come seldom. */
export interface LiveLine {
  /** Shows the text; `gist` is what must change for a new line where lines come seldom. */
  show(text: string, gist: string): void;
  /** Takes the line away, so that others can be written. */
  clear(): void;
}

/** Where lines come seldom: never sooner than this, in ms, and at the latest after that. */
const SOONEST_MS = 2_000;
const LATEST_MS = 30_000;

export function liveLine(stream: NodeJS.WriteStream): LiveLine {
  if (stream.isTTY) {
    const clear = () => void stream.write('\r\x1b[2K');
    return { show: (text) => void stream.write(`\r\x1b[2K${clip(text, (stream.columns ?? 80) - 1)}`), clear };
  }
  let shown = '';
  let at = Number.NEGATIVE_INFINITY;
  return {
    show(text, gist) {
      const since = performance.now() - at;
      if (since < SOONEST_MS || (gist === shown && since < LATEST_MS)) return;
      shown = gist;
      at = performance.now();
      stream.write(`${text}\n`);
    },
    clear: () => undefined,
  };
}
