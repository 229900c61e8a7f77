import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { HandoffRow } from '@strangler/ledger';
import { fileStores } from './file-store.ts';
import type { HandoffParts } from './handoff-parts.ts';
import { flipped, holding } from './handoff-state.ts';
import { Notify } from './notify.ts';
import { recover } from './recover.ts';
import type { HandoffSides } from './sides.ts';
import { initialState } from './state.ts';
import type { Store } from './store.ts';
import { StoredState, SupersededError } from './stored-state.ts';

test('a flip that arrives late is not followed by its own cancel: the service never owns by its log who was moved away', async () => {
  const { store } = await fileStores(join(await mkdtemp(join(tmpdir(), 'recover-')), 'state.json'));
  // The connection is lost while the flip is under way, and it arrives once control has looked for it in vain.
  let underWay: (() => Promise<boolean>) | undefined;
  const slow: Store = {
    ...store,
    write: async (row, also) => {
      if (!row.body.includes('"flipped"')) return store.write(row, also);
      underWay = () => store.write(row, also);
      throw new Error('connection lost');
    },
    read: async () => {
      const rows = await store.read();
      if (underWay) expect(await underWay()).toBe(true);
      underWay = undefined;
      return rows;
    },
  };
  const cell = new StoredState('shop', slow, { ...initialState(0), boundary: 5_000 });
  const move = { subject: { lo: 0, hi: 5_000 }, from: 'service', to: 'monolith', urgent: false } as const;
  await cell.update((state) => holding(state, move));
  await expect(cell.update((state) => flipped(state, 1))).rejects.toThrow('connection lost');

  const written: HandoffRow[] = [];
  const parts: Partial<HandoffParts> = {
    cell,
    sides: { write: async (...rows: HandoffRow[]) => void written.push(...rows) } as HandoffSides,
    proxies: { publish: () => 1, views: () => [], activity: new Notify() },
    limits: { hold: 2_000, forceAfter: 500, writeFate: 10_000 },
    onError: () => {},
    release: () => {},
    stopping: new AbortController().signal,
  };
  await expect(recover(parts as HandoffParts, 'a test')).rejects.toThrow(SupersededError);
  expect(written).toEqual([]);
  expect((await store.read())[0]).toMatchObject({ boundary: 0, epoch: 1 });
});
