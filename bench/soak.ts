import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Benchmark, Options } from './benchmark.ts';
import { rounded, table } from './figures.ts';
import { say } from './screen.ts';
import { DeadSide } from './shadow/dead-side.ts';
import { OpenLoad } from './shadow/open-load.ts';
import { ASKS, onStand } from './shadow/stand.ts';

const PER_SECOND = 500;
/** Seconds in which the other side is dead in one way; then its memory is looked at, and it is dead in the other way. */
const SLICE = 10;
const PROBE = join(import.meta.dirname, 'shadow/heap-probe.ts');
const PROBED_WITHIN_MS = 10_000;

type Memory = { readonly heapUsed: number; readonly external: number; readonly rss: number };

/** Everybody’s reads are to be compared with a side that hangs or refuses, in turn; what the proxy keeps of them. */
async function run({ seconds = 120, signal }: Options) {
  const folder = mkdtempSync(join(tmpdir(), 'strangler-bench-'));
  const dead = await DeadSide.start();
  try {
    return await onStand(signal, async ({ proxy }) => {
      const file = join(folder, 'heap.json');
      const how = { node: ['--expose-gc', '--import', PROBE], env: { BENCH_HEAP: file } };
      const { port, pid } = await proxy('the proxy', dead.port, '100%', how);
      const requests = new OpenLoad(port);
      const load = (time: number) => requests.send(ASKS, { perSecond: PER_SECOND, seconds: time, signal });
      await load(2 * SLICE);
      const before = await probe(pid, file);
      const after: Memory[] = [];
      for (let past = 0; past < seconds; past += SLICE) {
        if (after.length % 2) await dead.hang();
        else await dead.refuse();
        await load(Math.min(SLICE, seconds - past));
        after.push(await probe(pid, file));
        say(
          `${Math.min(past + SLICE, seconds)} of ${seconds} s: ${mebibytes(grown(before, after.at(-1)!))} MiB more than before`,
        );
      }
      await requests.close();
      return findings(before, after, seconds);
    });
  } finally {
    await dead.refuse();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a process keeps, its garbage collected. */
async function probe(pid: number, file: string): Promise<Memory> {
  rmSync(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  for (const until = Date.now() + PROBED_WITHIN_MS; ; await sleep(20)) {
    try {
      return JSON.parse(readFileSync(file, 'utf8')) as Memory;
    } catch (error) {
      if (Date.now() > until) throw error;
    }
  }
}

/** Bytes in and outside of the heap. */
const kept = ({ heapUsed, external }: Memory): number => heapUsed + external;
const grown = (before: Memory, after: Memory): number => kept(after) - kept(before);
const mebibytes = (bytes: number): number => rounded(bytes / 2 ** 20);

function findings(before: Memory, after: readonly Memory[], seconds: number) {
  const most = after.reduce((one, other) => (kept(other) > kept(one) ? other : one));
  const last = after.at(-1)!;
  const growth = mebibytes(grown(before, most));
  const row = (name: string, memory: Memory) => [name, mebibytes(kept(memory)), mebibytes(memory.rss)];
  const text = [
    `${PER_SECOND} reads/s for ${seconds} s through a proxy that is to compare them all with a side that hangs or refuses\n`,
    table([
      ['MiB', 'heap and buffers, collected', 'resident'],
      row('after the first 20 s', before),
      row('at most', most),
      row('at the end', last),
    ]),
    `\n  growth: ${growth} MiB at most (goal: 50 in an hour); every read was answered 200`,
  ].join('\n');
  return { text, figures: { seconds, perSecond: PER_SECOND, before, most, last, growth } };
}

export const soak: Benchmark = {
  about: 'what a proxy keeps in memory while it compares with a dead side (an hour: --seconds 3600)',
  run,
};
