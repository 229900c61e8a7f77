import { killServer } from '../../servers.ts';
import type { Fault, Scene } from '../fault.ts';

const HISTORY = 10_000;

const at = (name: string, lines: readonly number[], strike: (scene: Scene) => Promise<void>): Fault => ({
  ...{ name: `${name} while existing rows are copied`, lines, chapter: 'copying', strike, history: HISTORY },
});

/** What happens in the middle of a backfill. */
export const copying: readonly Fault[] = [
  at('Connect killed', [62, 67], () => killServer('connect')),
  at('cdc killed', [63, 67], async ({ stack, pause }) => {
    await stack.cdc.kill();
    await pause(0, 500);
    await stack.cdc.start();
  }),
  at('MySQL killed', [61, 67], () => killServer('mysql')),
  at('Postgres killed', [61, 67], () => killServer('postgres')),
];
