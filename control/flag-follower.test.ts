import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { type FlagStore, openFlags } from '@strangler/flags';
import pino from 'pino';
import { fileStores } from './file-store.ts';
import { FlagFollower } from './flag-follower.ts';
import { initialState } from './state.ts';
import { StoredState } from './stored-state.ts';
import { Bed } from './testing/bed.ts';

test('a percentage that control has written while another one was agreed on is no person’s word', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'follower-'));
  const bed = await Bed.open();
  const real = await openFlags(bed.plan, ['shop'], () => {});
  const written = Promise.withResolvers<void>();
  const flags: FlagStore = {
    ...real,
    write: async (...given) => {
      await real.write(...given);
      await written.promise; // the source answers late
    },
  };
  const cell = new StoredState('shop', (await fileStores(join(folder, 'state.json'))).store, initialState(0));
  const moved: number[] = [];
  const agree = (agreed: number, pending: string) =>
    cell.update((state) => ({ ...state, flag: { ...state.flag, agreed, pending } }));
  const follower = new FlagFollower('shop', cell, flags, pino({ level: 'silent' }), async (percentage) => {
    moved.push(percentage);
  });
  await agree(10, 'a step');
  follower.start();
  while (real.read('shop')?.percentage !== 10) await wait(5);
  await agree(30, 'the next');
  written.resolve();
  while (cell.current.flag.pending !== null || real.read('shop')?.percentage !== 30) await wait(5);
  expect([moved, cell.current.flag]).toEqual([[], { seen: 30, agreed: 30, pending: null }]);
  await follower.stop();
  await real.stop();
  await bed.close();
  await rm(folder, { recursive: true });
});
