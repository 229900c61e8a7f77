import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readBackfill } from '@strangler/ledger';
import { servers } from '@strangler/servers';
import pino from 'pino';
import { makeWorld, type World } from '../testing/world.ts';
import { Backfill } from './backfill.ts';

const TABLES = ['order_items', 'orders', 'samples'];

let world: World;
beforeAll(async () => {
  world = await makeWorld(await servers());
});
afterAll(() => world.destroy());

describe('the copy of existing rows', () => {
  test('a table that ends while the tables are being stored is stored as finished (faults 67)', async () => {
    const left = [...TABLES];
    const end = () => {
      for (const table of left.splice(0)) backfill.copyEnded(table);
    };
    // Said of each table right after it has been stored: of the first one while it is still unfinished.
    const { plan } = world;
    const log = pino({ level: 'silent' });
    const backfill = new Backfill({ plan, capability: 'orders', ready: () => true, pulse: { at: 0 }, log, say: end });
    while (!(await readBackfill(world.monolith, 'orders')).length); // until it knows its tables
    backfill.copied('orders', 1);
    await backfill.finished;
    await backfill.stop();
    const stored = await readBackfill(world.monolith, 'orders');
    expect(stored.filter(({ finished }) => finished).map(({ table }) => table)).toEqual(TABLES);
  });

  test('a sync that is stopped while it copies stops at once, and says that it has not copied everything', async () => {
    const cdc = world.start();
    await cdc.stop();
    await expect(cdc.copied).rejects.toThrow('stopped');
  });
});
