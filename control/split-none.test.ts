import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type Counts, EVERYBODY, murmur3, type UserCounts } from '@strangler/plan';
import { EvidenceWindow } from './evidence.ts';
import { judge } from './judge.ts';
import { Bed } from './testing/bed.ts';

let bed: Bed;
afterEach(async () => {
  await bed?.close();
});

const SHOP = { split: 'none', user: undefined, anonymous: undefined } as const;
const open = async (shop: object = {}) => {
  bed = await Bed.open({ shop: { ...SHOP, ...shop } });
  await bed.start();
};
const refused = async (path: string, body: object) => {
  const answer = await bed.call('POST', `/capabilities/shop/${path}`, body);
  return `${answer.status} ${answer.body.error.message}`;
};
const reach = async (percentage: number) => {
  await bed.post('set', { percentage });
  await bed.until(`${percentage} %`, (shop) => shop.boundary === percentage * 100 && shop.phase === 'idle');
};

describe('a capability that splits no users', () => {
  test('is moved as one, there and back, and nowhere between', async () => {
    await open();
    await bed.proxy();
    expect(await refused('set', { percentage: 25 })).toContain('400 it cannot be at 25 %');
    expect(await refused('ramp', { action: 'start', steps: [10, 100] })).toContain('400 it cannot be at 10 %');
    expect(await refused('set', { user: 'ada', side: 'service' })).toContain('400 shop splits no users');
    expect(await bed.shop()).toMatchObject({ boundary: 0, target: 0, pins: 0 });
    await reach(100);
    await reach(0);
    await bed.post('ramp', { action: 'start' });
    await bed.until('100 %', ({ boundary, ramp }) => boundary === 10_000 && ramp.state === 'ramping');
    const moved = async () => (await bed.records('handoff')).length; // each is written down when it has ended
    while ((await moved()) < 3) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await moved()).toBe(3);
    expect(await bed.owner('anybody')).toMatchObject({ side: 'service', moving: false });
    await bed.post('rollback', {});
    await bed.until('rolled back', ({ boundary, ramp }) => boundary === 0 && ramp.state === 'rolled-back');
  });

  test('does not follow a flag that says a percentage between, and says so; the next one that can be is followed', async () => {
    await open();
    await bed.proxy();
    await bed.until('the flag', ({ flag }) => flag === 0);
    await bed.flags.write('shop', 25, 'a person');
    const status = await bed.until('the flag at 25', ({ flag }) => flag === 25);
    expect(status).toMatchObject({ boundary: 0, target: 0, flagProblem: expect.stringContaining('split: none') });
    await bed.flags.write('shop', 100, 'a person');
    const there = await bed.until('100 %', ({ boundary, phase }) => boundary === 10_000 && phase === 'idle');
    expect(there).not.toHaveProperty('flagProblem');
    await bed.flags.write('shop', 75, 'a person');
    await bed.until('the flag at 75', ({ flagProblem }) => flagProblem !== undefined);
    await bed.post('rollback', {});
    await bed.until('the flag written', ({ boundary, flag }) => boundary === 0 && flag === 0);
    expect(await readFile(`${bed.folder}/flags.json`, 'utf8')).not.toContain('"75"');
  });

  test('waits for a write that is under way: nobody can be left behind', async () => {
    await open({ handoff: { hold: '400ms', writeFate: '1ms' } });
    const proxy = await bed.proxy();
    let underWay = 1;
    proxy.flight = (flight) => ({ ...flight, inFlight: underWay, inFlightOf: underWay ? [EVERYBODY] : [] });
    await bed.post('set', { percentage: 100 });
    const cancelled = async () => (await bed.records('cancel')).length >= 2;
    while (!(await cancelled())) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await bed.shop()).toMatchObject({ boundary: 0, behind: 0, pins: 0 });
    underWay = 0;
    await bed.until('100 %', ({ boundary, phase }) => boundary === 10_000 && phase === 'idle');
    expect(await bed.records('left-behind')).toEqual([]);
  });

  test('is taken back when its service is dead, though one user is all there is', async () => {
    await open();
    const proxy = await bed.proxy();
    await reach(100);
    proxy.count({ capability: 'shop', side: 'service', requests: 10, errors: 10, hard: 10 });
    await bed.until('everybody back', ({ ramp }) => ramp.state === 'rolled-back');
  });

  test('control does not begin while users are on both sides that the Plan says are not split any more', async () => {
    bed = await Bed.open({ shop: { handoff: { writeFate: '1ms' } } });
    await bed.start();
    await reach(25);
    await bed.control!.stop();
    const { shop } = bed.plan.capabilities;
    const none = { ...bed.plan, capabilities: { shop: { ...shop!, split: 'none' as const } } };
    await expect(bed.start(none)).rejects.toThrow('its users were moved by themselves');
    await bed.start();
    await reach(0);
    await bed.control!.stop();
    await bed.start(none);
    expect(await bed.shop()).toMatchObject({ boundary: 0 });
  });

  test('nor while one user is there by name; who only has a name, or a ramp that was left, is no reason', async () => {
    bed = await Bed.open({ shop: { handoff: { writeFate: '1ms', slice: 10_000 } } });
    await bed.start();
    await bed.proxy();
    const { shop } = bed.plan.capabilities;
    const none = { ...bed.plan, capabilities: { shop: { ...shop!, split: 'none' as const } } };
    const movedByName = async (times: number) => {
      const byName = async () => (await bed.records('handoff')).filter((one) => JSON.stringify(one).includes('"ada"'));
      while ((await byName()).length < times) await new Promise((resolve) => setTimeout(resolve, 5));
      expect(await byName()).toHaveLength(times);
    };
    await bed.post('ramp', { action: 'start', steps: [10, 25] });
    await bed.post('ramp', { action: 'pause' });
    await reach(0);
    expect((await bed.post('set', { user: 'ada', side: 'service' })).ramp.state).toBe('paused');
    await movedByName(1);
    await bed.control!.stop();
    await expect(bed.start(none)).rejects.toThrow('user ada is not where all others are, on the monolith');
    await bed.start();
    await bed.proxy();
    await bed.post('set', { user: 'ada', side: null });
    await movedByName(2);
    await bed.control!.stop();
    await bed.start(none);
    const proxy = await bed.proxy();
    expect(await bed.shop()).toMatchObject({ boundary: 0, ramp: { state: 'idle' } });
    await reach(100);
    await movedByName(3); // with all others, as both logs know the name for ever
    expect(proxy.latest!.capabilities.shop).toMatchObject({ boundary: 10_000, pins: {} });
    await bed.control!.stop();
    await bed.start(none);
    expect(await bed.shop()).toMatchObject({ boundary: 10_000, target: 10_000 });
  });
});

describe('the judge, where everybody is one user', () => {
  const THRESHOLDS = { errors: 0.05, hardFailures: 10, minimumRequests: 50 };
  const USERS = Array.from({ length: 40 }, (_, nth) => murmur3(`u${nth}`));

  /** Seconds until a service that had been fine is found dead, at twenty requests a second from forty users. */
  function foundAfter(splits: boolean, hard: boolean): number {
    const window = new EvidenceWindow(THRESHOLDS.errors);
    let nth = 0;
    const counted = (fails: boolean): Counts => {
      const users = [0, 1].map(
        (): UserCounts => [USERS[nth++ % USERS.length]!, 1, Number(fails), Number(fails && hard)],
      );
      const errors = fails ? 2 : 0;
      const sums = { requests: 2, errors, hard: hard ? errors : 0, clientErrors: 0, latency: 0, writers: [] };
      return { capability: 'shop', side: 'service', ...sums, ...(splits && { users }) };
    };
    let now = 0;
    for (; now < 300_000; now += 100) window.add(counted(false), now);
    for (const began = now; now - began < 600_000; now += 100) {
      window.add(counted(true), now);
      if (judge(window.read(now, true), THRESHOLDS).verdict === 'fail') return (now - began) / 1_000;
    }
    return Number.POSITIVE_INFINITY;
  }

  test.each([
    ['that cannot be talked to', true],
    ['that answers errors', false],
  ])('finds a dead service %s as fast as where users are told apart', (_, hard) => {
    const [one, many] = [foundAfter(false, hard), foundAfter(true, hard)];
    expect(one).toBeLessThanOrEqual(many);
    expect(one).toBeLessThan(60);
  });
});
