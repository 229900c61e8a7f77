import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Status } from '@strangler/plan';
import pino from 'pino';
import { type Control, startControl } from './control.ts';
import { LEASE_MS, Lease } from './lease.ts';
import { SupersededError } from './stored-state.ts';
import { Bed, TOKENS } from './testing/bed.ts';
import { TestProxy } from './testing/proxy.ts';

/* Two controls of one migration; the way of the first to what both keep can be cut. */
let bed: Bed;
let second: Control;
const log = pino({ level: 'silent' });
const statusOf = async (control: Control): Promise<Status> => {
  const headers = { authorization: `Bearer ${TOKENS.admin}` };
  return (await (await fetch(`${control.address}/status`, { headers })).json()) as Status;
};
const until = async (what: string, holds: () => Promise<boolean>) => {
  for (
    const end = performance.now() + 15_000;
    !(await holds());
    await new Promise((resolve) => setTimeout(resolve, 20))
  )
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
};
const isActive = async (control: Control) => (await statusOf(control)).control.active;

beforeEach(async () => {
  bed = await Bed.open({ shop: { handoff: { slice: 10_000, hold: '600ms', writeFate: '300ms' } } });
  await mkdir(join(bed.folder, 'db'));
  const at = (folder: string) => ({
    ...bed.plan,
    control: { ...bed.plan.control, state: join(bed.folder, folder, 'state.json') },
  });
  await bed.start(at('db'));
  second = await startControl({ plan: at('db'), flags: bed.flags, log });
});
afterEach(async () => {
  await second.stop();
  await bed.close();
});

/** From now on nobody reaches the store where the first control looks for it; the second finds it again. */
async function cutTheStore(): Promise<void> {
  await rename(join(bed.folder, 'db'), join(bed.folder, 'elsewhere'));
}
const mendTheStore = () => rename(join(bed.folder, 'elsewhere'), join(bed.folder, 'db'));

describe('faults 80: a control that cannot renew its lease', () => {
  test('stops deciding, leaves its proxies, and is active again under a greater term when it can', async () => {
    const proxy = await bed.proxy();
    const { term } = proxy.latest!;
    await cutTheStore();
    await proxy.until('the end of the link', () => proxy.closed !== undefined);
    expect(await isActive(bed.control!)).toBe(false);
    expect((await bed.call('POST', '/capabilities/shop/set', { percentage: 10 })).status).toBe(503);
    await mendTheStore();
    await until('one active control', async () => (await isActive(bed.control!)) || (await isActive(second)));
    const active = (await isActive(bed.control!)) ? bed.control! : second;
    const again = new TestProxy(active.address, TOKENS.proxy, { proxy: 'p1', pid: 1 });
    await again.until('a snapshot', () => again.latest !== undefined);
    expect(again.latest!.term).toBeGreaterThan(term);
    again.leave();
  });
});

test('a control that takes over moves nobody before the proxies of the one before have acknowledged its own snapshot', async () => {
  const proxy = await bed.proxy();
  await bed.control!.stop();
  await until('the take-over', () => isActive(second));
  bed.control = second;
  await bed.post('set', { percentage: 10 });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(await bed.shop()).toMatchObject({ boundary: 0, waitsFor: [expect.stringContaining('p1')] });
  const again = await bed.proxy();
  await bed.until('10 %', ({ boundary }) => boundary === 1_000);
  expect(again.latest!.term).toBeGreaterThan(proxy.latest!.term);
});

describe('a lease', () => {
  const clock = { now: 1_000 };
  const store = (renews: () => Promise<boolean>) => ({
    acquire: async () => {
      clock.now += 300;
      return 7;
    },
    renew: renews,
    release: async () => {},
  });

  test('is counted from when it was asked for, and a margin shorter than the store counts it', async () => {
    clock.now = 1_000;
    const lease = (await Lease.acquire(
      store(async () => true),
      'a',
      () => clock.now,
    ))!;
    expect(lease.left).toBe(LEASE_MS - 1_000 - 300);
    clock.now = 1_000 + LEASE_MS - 1_000;
    expect(() => lease.check()).toThrow(SupersededError);
  });

  test('a renewal that fails or is late leaves it as it was; one that is refused ends it', async () => {
    clock.now = 0;
    let answer = () => Promise.resolve(true);
    const lease = (await Lease.acquire(
      store(() => answer()),
      'a',
      () => clock.now,
    ))!;
    answer = () => Promise.reject(new Error('away'));
    await expect(lease.renew()).rejects.toThrow('away');
    expect(lease.left).toBe(3_700);
    answer = async () => {
      clock.now = 3_000;
      return true;
    };
    await lease.renew();
    expect(lease.left).toBe(300 + 4_000 - 3_000);
    answer = async () => false;
    await expect(lease.renew()).rejects.toThrow(SupersededError);
    expect(lease.left).toBe(0);
  });
});
