import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { Bed, TOKENS } from './testing/bed.ts';
import { quiet, TestProxy } from './testing/proxy.ts';

let bed: Bed;
beforeEach(async () => {
  bed = await Bed.open({ shop: { handoff: { slice: 10_000, hold: '600ms', writeFate: '400ms' } } });
  await bed.start();
});
afterEach(() => bed.close());

/** The status of a refused upgrade. */
const refusal = (path: string, token?: string) =>
  new Promise<number>((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const socket = new WebSocket(bed.control!.address.replace('http', 'ws') + path, { headers });
    socket.on('unexpected-response', (_, response) => resolve(response.statusCode!));
    socket.on('open', () => reject(new Error('was accepted')));
    socket.on('error', () => {});
  });

const moving = (proxy: TestProxy) => proxy.latest?.capabilities.shop?.moving;

describe('the stream of proxies', () => {
  test('faults 73: only the proxies’ own token opens it', async () => {
    expect(await refusal('/link')).toBe(401);
    expect(await refusal('/link', 'wrong')).toBe(401);
    expect(await refusal('/link', TOKENS.admin)).toBe(401);
    expect(await refusal('/elsewhere', TOKENS.proxy)).toBe(404);
  });

  test('a proxy gets a whole snapshot at once, and a new version of the same life after every change', async () => {
    const proxy = await bed.proxy();
    expect(proxy.latest!.capabilities).toEqual({ shop: { boundary: 0, pins: {} } });
    const [first] = proxy.snapshots;
    await bed.post('set', { percentage: 25 });
    await proxy.until('the boundary', () => proxy.latest!.capabilities.shop!.boundary === 2_500 && !moving(proxy));
    expect(proxy.latest!.term).toBe(first!.term);
    expect(proxy.snapshots.map(({ version }) => version)).toEqual([
      ...new Set(proxy.snapshots.map(({ version }) => version)),
    ]);
    expect(proxy.snapshots.some(({ capabilities }) => capabilities.shop!.moving?.to === 'service')).toBe(true);
  });

  test.each([
    ['no JSON', (proxy: TestProxy) => proxy.babble('{')],
    ['an unknown type', (proxy: TestProxy) => proxy.babble('{"type":"constructor"}')],
    [
      'counts that are no numbers',
      (proxy: TestProxy) => proxy.babble('{"type":"counts","counts":[{"capability":"shop"}]}'),
    ],
    ['a second hello', (proxy: TestProxy) => proxy.say({ type: 'hello', proxy: 'p', pid: 1, process: 'x' })],
  ])('a proxy that sends %s is cut off, and nothing else happens', async (_, babble) => {
    const [good, bad] = [await bed.proxy('good', 1), await bed.proxy('bad', 2)];
    babble(bad);
    await bad.until('the end', () => bad.closed !== undefined);
    expect(bad.closed).toBe(1008);
    expect(good.closed).toBeUndefined();
  });

  test('a proxy whose comparison cannot be used keeps its stream: that message alone is left out and counted', async () => {
    const proxy = await bed.proxy();
    proxy.babble('{"type":"compared","comparison":{"capability":"shop","replies":{"routes":1}}}');
    proxy.count({ capability: 'shop', side: 'service', requests: 1 });
    await bed.until('its counts', ({ verdict }) => verdict.reason.startsWith('1 request'));
    expect((await bed.call('GET', '/metrics')).body).toContain('strangler_refused_messages_total 1\n');
    expect(proxy.closed).toBeUndefined();
    expect((await bed.call('GET', '/capabilities/shop/compared')).body.replies.routes).toEqual([]);
  });

  test('words before the hello are refused', async () => {
    const proxy = new TestProxy(bed.control!.address, TOKENS.proxy, { proxy: '', pid: 1 });
    await proxy.until('the end', () => proxy.closed !== undefined);
    expect(proxy.closed).toBe(1008);
  });

  test('nobody is released before every proxy holds and the last write under way has ended', async () => {
    const [quick, busy] = [await bed.proxy('quick', 1), await bed.proxy('busy', 2)];
    busy.flight = (flight) => ({ ...flight, inFlight: 1 });
    await bed.post('set', { percentage: 10 });
    await busy.until('the hold', () => moving(busy) !== undefined);
    await quick.until('the hold', () => moving(quick) !== undefined);
    expect((await bed.shop()).boundary).toBe(0);
    busy.say({ type: 'flight', flight: quiet('shop', moving(busy)!.epoch) });
    await bed.until('10 %', ({ boundary }) => boundary === 1_000);
    expect((await bed.records('cancel')).length).toBe(0);
  });

  test('a write of unknown fate cancels at once; the users move when it is old enough', async () => {
    const proxy = await bed.proxy();
    proxy.flight = (flight) => ({ ...flight, unknownFor: flight.epoch === 1 ? 100 : 0 });
    await bed.post('set', { percentage: 10 });
    await bed.until('10 %', ({ boundary }) => boundary === 1_000);
    expect(await bed.records('cancel')).toMatchObject([{ reason: 'a write of these users is of unknown fate' }]);
  });

  test('a proxy that never acknowledges: held writes are released in time, and it goes on when it does', async () => {
    const proxy = await bed.proxy();
    proxy.acknowledges = false;
    await bed.post('set', { percentage: 10 });
    await proxy.until('the hold', () => moving(proxy) !== undefined);
    await proxy.until('the release', () => moving(proxy) === undefined);
    expect((await bed.shop()).boundary).toBe(0);
    proxy.acknowledges = true;
    await bed.until('10 %', ({ boundary }) => boundary === 1_000);
  });

  test('an urgent rollback waits for no proxy', async () => {
    const proxy = await bed.proxy();
    await bed.post('set', { percentage: 50 });
    await bed.until('50 %', ({ boundary, phase }) => boundary === 5_000 && phase === 'idle');
    proxy.acknowledges = false;
    await bed.post('rollback', { now: true });
    await bed.until('rolled back', ({ ramp }) => ramp.state === 'rolled-back');
    await proxy.until('to hear', () => proxy.latest!.capabilities.shop!.boundary === 0);
    const [last] = (await bed.records('handoff')).slice(-1);
    expect(last).toMatchObject({ inputs: { urgent: true, subject: { lo: 0, hi: 5_000 }, to: 'monolith' } });
  });

  test('an urgent rollback cancels the slice that is being held', async () => {
    const proxy = await bed.proxy();
    await bed.post('set', { percentage: 50 });
    await bed.until('50 %', ({ boundary, phase }) => boundary === 5_000 && phase === 'idle');
    proxy.flight = (flight) => ({ ...flight, inFlight: 1 });
    await bed.post('set', { percentage: 60 });
    await proxy.until('the hold', () => moving(proxy)?.subject.hi === 6_000);
    await bed.post('rollback', { now: true, reason: 'enough' });
    await bed.until('rolled back', ({ ramp, boundary }) => ramp.state === 'rolled-back' && boundary === 0);
    expect(await bed.records('cancel')).toMatchObject([{ reason: 'overtaken' }]);
  });

  test('a process that comes back knows its own writes: nothing has to be waited for', async () => {
    const first = await bed.proxy('p', 7);
    first.leave();
    await bed.until('a gate', (status) => status.gates.length > 0);
    await bed.proxy('p', 7);
    expect((await bed.shop()).gates).toEqual([]);
  });

  test('faults 42: every proxy and the snapshot it is on are visible', async () => {
    const proxy = await bed.proxy('p', 7);
    const { body } = await bed.call('GET', '/status');
    expect(body.proxies).toEqual([{ proxy: 'p', pid: 7, connected: true, lostFor: null }]);
    expect(proxy.latest!.version).toBeGreaterThan(0);
  });
});
