import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { fileStores } from './file-store.ts';
import { fromRow, initialState, toRow } from './state.ts';
import type { Store } from './store.ts';
import { StoredState, SupersededError } from './stored-state.ts';

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cell-'));
  ({ store } = await fileStores(join(folder, 'state.json')));
});
afterEach(() => rm(folder, { recursive: true }));

const open = (over: Partial<Store> = {}) => new StoredState('shop', { ...store, ...over }, initialState(0));
const aim = (target: number) => (state: ReturnType<typeof initialState>) => ({ ...state, target });

describe('the stored state in memory', () => {
  test('changes happen one after another, each on what the one before has left', async () => {
    const cell = open();
    await Promise.all([1, 2, 3].map(() => cell.update((state) => ({ ...state, target: state.target + 1 }))));
    expect(cell.current).toMatchObject({ version: 3, target: 3 });
    expect(fromRow((await store.read())[0]!)).toEqual(cell.current);
  });

  test('no change, no write; a change that throws changes nothing', async () => {
    const cell = open();
    await cell.update((state) => state);
    await expect(
      cell.update(() => {
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(await store.read()).toEqual([]);
    await cell.update(aim(1));
    expect(cell.current.version).toBe(1);
  });

  test('whoever wants to know when a change is stored hears it once, also if only a look at the store tells', async () => {
    let lose = true;
    const cell = open({
      write: async (...row) => {
        const stored = await store.write(...row);
        if (lose) throw new Error('connection lost');
        return stored;
      },
    });
    const heard: number[] = [];
    const hears = ({ target }: { target: number }) => void heard.push(target);
    await expect(cell.update(aim(1), undefined, hears)).rejects.toThrow('connection lost');
    expect([cell.unsure, heard]).toEqual([true, []]);
    lose = false;
    await cell.fence();
    expect([cell.unsure, heard]).toEqual([false, [1]]);
    await cell.update(aim(2), undefined, hears);
    await cell.update((state) => state, undefined, hears);
    expect(heard).toEqual([1, 2]);
  });

  test('a write whose answer is lost is read back: it counts if it happened', async () => {
    let lose = true;
    const cell = open({
      write: async (...row) => {
        const stored = await store.write(...row);
        if (lose) throw new Error('connection lost');
        return stored;
      },
    });
    await expect(cell.update(aim(1))).rejects.toThrow('connection lost');
    lose = false;
    expect(await cell.settle()).toMatchObject({ version: 1, target: 1 });
  });

  test('… and does not if it did not', async () => {
    let lose = true;
    const cell = open({
      write: async (...row) => {
        if (lose) throw new Error('connection refused');
        return store.write(...row);
      },
    });
    await expect(cell.update(aim(1))).rejects.toThrow('connection refused');
    lose = false;
    expect(await cell.update(aim(2))).toMatchObject({ version: 1, target: 2 });
  });

  test('faults 53: what another control has written is never overwritten, now or later', async () => {
    const cell = open();
    await cell.update(aim(1));
    await store.write(toRow('shop', { ...cell.current, version: 2, target: 9 }));
    await expect(cell.update(aim(2))).rejects.toThrow(SupersededError);
    await expect(cell.update(aim(3))).rejects.toThrow(SupersededError);
    expect(fromRow((await store.read())[0]!).target).toBe(9);
  });
});
