import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** So many bytes of messages leave several times as much garbage. */
const EVERY_BYTES = 16 * 1024 * 1024;

// V8 lets a heap grow to several times what is alive in it: a process that reads a huge transaction would take as much
// memory as one that holds it. So its nursery stays small, and the garbage goes when we say so. Costs no time to speak of.
setFlagsFromString('--semi-space-growth-factor=1');
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

let since = 0;

/** Told of every message that is decoded, in bytes: from time to time the garbage is collected at once. */
export function collectGarbageAfter(bytes: number): void {
  since += bytes;
  if (since < EVERY_BYTES) return;
  since = 0;
  collect();
}
