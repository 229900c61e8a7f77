import { appendFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { fileStores } from './file-store.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'store-'));
  file = join(folder, 'deep', 'state.json');
});
afterEach(() => rm(folder, { recursive: true }));

const row = (version: number, capability = 'shop') => ({ capability, version, epoch: 0, boundary: 0, body: '{}' });
const record = (event: string, capability = 'shop') => ({ capability, event, actor: 'ada', reason: '', inputs: {} });

describe('a file as store', () => {
  test('faults 53: of two writers of the same version one wins', async () => {
    const { store } = await fileStores(file);
    expect(await Promise.all([store.write(row(1)), store.write(row(1))])).toEqual([true, false]);
    expect(await store.write(row(3))).toBe(false);
    expect(await store.write(row(1, 'other'))).toBe(true);
    expect(await store.write(row(2))).toBe(true);
    expect(
      (await (await fileStores(file)).store.read()).map(({ capability, version }) => `${capability} ${version}`),
    ).toEqual([...['other 1', 'shop 2']]);
  });

  test('faults 55: a torn last record is left out, and the next one is whole', async () => {
    const { store } = await fileStores(file);
    await store.write(row(1), { record: record('one') });
    await appendFile(`${file}.records`, '\n{"id":2,"ev');
    const { store: again } = await fileStores(file);
    await again.record(record('two', 'other'));
    const events = async (filter: object) => (await again.records(filter)).map(({ id, event }) => `${id} ${event}`);
    expect(await events({})).toEqual(['1 one', '2 two']);
    expect(await events({ capability: 'shop' })).toEqual(['1 one']);
    expect(await events({ after: 1 })).toEqual(['2 two']);
    expect(await events({ limit: 1 })).toEqual(['1 one']);
  });

  test('the lease has one holder until it is given back', async () => {
    const { leases } = await fileStores(file);
    const first = (await leases.acquire('a', 60_000))!;
    expect(await leases.acquire('b', 60_000)).toBeUndefined();
    expect(await leases.renew(first, 60_000)).toBe(true);
    await leases.release(first);
    const second = await leases.acquire('b', 60_000);
    expect(second).toBeGreaterThan(first);
    expect(await leases.renew(first, 60_000)).toBe(false);
    await leases.release(first);
    expect(await leases.acquire('a', 60_000)).toBeUndefined();
  });

  test('the names of proxies outlive the process; an overtaken control changes none', async () => {
    const { leases, proxies } = await fileStores(file);
    const term = (await leases.acquire('a', 60_000))!;
    for (const name of ['p1', 'p2', 'p1']) expect(await proxies.register(name, term)).toBe(true);
    expect(await proxies.forget('p2', term, record('dismissed'))).toBe(true);
    expect(await proxies.register('p3', term - 1)).toBe(false);
    expect(await proxies.forget('p1', term - 1)).toBe(false);
    const again = await fileStores(file);
    expect(await again.proxies.names()).toEqual(['p1']);
    expect((await again.store.records({})).map(({ event }) => event)).toEqual(['dismissed']);
  });
});
