import { CATALOGUE } from './catalogue/index.ts';
import { Lane } from './lane.ts';
import type { Run } from './run.ts';

/** What the suite asks of a lane, and what it hears: first that the lane is open, then every run. */
export type Job = { readonly fault: string; readonly seed: number };
export type Heard = { readonly open: true } | { readonly failed: string } | { readonly run: Run };

const tell = (heard: Heard) => process.connected && process.send?.(heard);

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {}); // the suite says when it is over
const opened = Lane.open();
process.on('disconnect', async () => {
  const lane = await opened.catch(() => undefined);
  await lane?.close();
  process.exit(); // a run that was broken off would go on waiting for what cannot come any more
});
process.on('message', async ({ fault, seed }: Job) => {
  const lane = await opened;
  tell({ run: await lane.run(CATALOGUE.find(({ name }) => name === fault)!, seed) });
});
opened.then(
  () => tell({ open: true }),
  (error: Error) => tell({ failed: error.message }),
);
