import { renameSync, writeFileSync } from 'node:fs';

/*
 * Loaded into a proxy by the soak (`--expose-gc --import`): on SIGUSR2 it collects its garbage and writes what is left
 * in its heap and outside of it, in bytes, into the file that BENCH_HEAP names.
 */
process.on('SIGUSR2', () => {
  (globalThis as unknown as { gc: () => void }).gc();
  const { heapUsed, external, rss } = process.memoryUsage();
  const file = process.env.BENCH_HEAP!;
  writeFileSync(`${file}.new`, JSON.stringify({ heapUsed, external, rss }));
  renameSync(`${file}.new`, file);
});
