import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ProxyStatus } from '@strangler/plan';
import { Registry } from './registry.ts';
import { Bed, TOKENS } from './testing/bed.ts';
import { TestProxy } from './testing/proxy.ts';

/* Which proxies may be sending writes, told by real streams. Handoffs are short: what does not move at once, waits. */
let bed: Bed;
beforeEach(async () => {
  bed = await Bed.open({ shop: { handoff: { slice: 10_000, hold: '600ms', writeFate: '300ms' } } });
  await bed.start();
});
afterEach(() => bed.close());

const proxies = async (): Promise<ProxyStatus[]> => (await bed.call('GET', '/status')).body.proxies;
const dismiss = (name: string, body: object = {}) => bed.call('POST', `/proxies/${name}/dismiss`, body);
const gone = (proxy: TestProxy) => proxy.until('the end', () => proxy.closed !== undefined);
/** Longer than writeFate and than ten looks of a walk. */
const aWhile = () => new Promise((resolve) => setTimeout(resolve, 1_500));

async function lose(proxy: TestProxy): Promise<void> {
  proxy.leave();
  await bed.until('the loss', ({ gates }) => gates.some((gate) => gate.includes('has had no link')));
}

describe('a proxy that control cannot reach', () => {
  test('faults 79: nobody moves to the service while it is lost, however long; a gate names it and the next step', async () => {
    const [, lost] = [await bed.proxy('p1'), await bed.proxy('p2')];
    await lose(lost);
    await bed.post('set', { percentage: 10 });
    await aWhile();
    const { boundary, phase, epoch, gates, waitsFor } = await bed.shop();
    expect({ boundary, phase, epoch }).toEqual({ boundary: 0, phase: 'idle', epoch: 0 });
    expect(gates).toEqual([expect.stringMatching(/^proxy p2 has had no link for .* strangler proxies dismiss p2$/)]);
    expect(waitsFor).toEqual([expect.stringContaining('p2')]);
    expect((await proxies()).map(({ proxy, connected }) => [proxy, connected])).toEqual([
      ['p1', true],
      ['p2', false],
    ]);
    const { body: metrics } = await bed.call('GET', '/metrics');
    expect(metrics).toMatch(/^strangler_proxy_lost_seconds\{proxy="p2"\} [1-9]/m);
    expect(metrics).toMatch(/^strangler_proxy_lost_seconds\{proxy="p1"\} 0$/m);
  });

  test('faults 79: nobody moves back in order either; an urgent rollback does, names it, and the way forward stays closed', async () => {
    const lost = await bed.proxy('p2');
    await bed.post('set', { percentage: 30 });
    await bed.until('30 %', ({ boundary, phase }) => boundary === 3_000 && phase === 'idle');
    await lose(lost);
    await bed.post('rollback', {});
    await aWhile();
    expect(await bed.shop()).toMatchObject({ boundary: 3_000, waitsFor: [expect.stringContaining('p2')] });
    await bed.post('rollback', { now: true });
    await bed.until('everybody back', ({ ramp }) => ramp.state === 'rolled-back');
    const [handoff] = (await bed.records('handoff')).slice(-1);
    expect(handoff).toMatchObject({ inputs: { urgent: true, to: 'monolith', lostProxies: ['p2'] } });
    await bed.post('set', { percentage: 10 });
    await aWhile();
    expect(await bed.shop()).toMatchObject({ boundary: 0, target: 1_000, waitsFor: [expect.stringContaining('p2')] });
  });

  test.each([
    ['it links again', async () => void (await bed.proxy('p2', 1))],
    ['a successor of its name links', async () => void (await bed.proxy('p2', 2))],
    ['a successor links and leaves in order', async () => (await bed.proxy('p2', 2)).leave(1000)],
    ['an operator dismisses it', async () => void (await dismiss('p2', { reason: 'its host is gone' }))],
  ])('it is accounted for when %s', async (_, happens) => {
    const lost = await bed.proxy('p2', 1);
    await lose(lost);
    await bed.post('set', { percentage: 10 });
    await happens();
    await bed.until('10 %', ({ boundary }) => boundary === 1_000);
  });

  test('a goodbye leaves nobody to wait for', async () => {
    const polite = await bed.proxy('p2');
    polite.leave(1000);
    await gone(polite);
    await bed.until('no gate', ({ gates }) => gates.length === 0);
    expect(await proxies()).toEqual([]);
  });

  test('the goodbye of a successor speaks for its own writes only: those of the process before may still arrive', async () => {
    await lose(await bed.proxy('p2', 1));
    const successor = await bed.proxy('p2', 2);
    successor.leave(1000);
    await gone(successor);
    const { gates } = await bed.until('a gate', (status) => status.gates.length > 0);
    expect(gates).toEqual([expect.stringContaining('had writes under way')]);
    await bed.until('no gate', (status) => status.gates.length === 0);
  });

  test('it is lost for the control that comes after this one, too', async () => {
    const lost = await bed.proxy('p2');
    await lose(lost);
    await bed.control!.stop();
    await bed.start();
    await bed.post('set', { percentage: 10 });
    await aWhile();
    expect(await bed.shop()).toMatchObject({ boundary: 0, waitsFor: [expect.stringContaining('p2')] });
    expect(await proxies()).toMatchObject([{ proxy: 'p2', pid: null, connected: false }]);
    await bed.proxy('p2');
    await bed.until('10 %', ({ boundary }) => boundary === 1_000);
  });
});

describe('dismissing', () => {
  test('is for lost proxies only, by a role that may operate, and is in the records', async () => {
    const proxy = await bed.proxy('p2');
    expect((await dismiss('p9')).status).toBe(404);
    expect((await dismiss('p2')).status).toBe(409);
    await lose(proxy);
    const read = { authorization: 'Bearer read-token' };
    expect((await bed.call('POST', '/proxies/p2/dismiss', {}, read)).status).toBe(403);
    expect((await dismiss('p2', { reason: 7 })).status).toBe(400);
    expect((await dismiss('p2', { reason: 'its host is gone' })).status).toBe(200);
    expect(await bed.records('dismiss')).toMatchObject([
      { actor: 'admin', reason: 'its host is gone', inputs: { proxy: 'p2' } },
    ]);
    expect((await dismiss('p2')).status).toBe(404);
    expect(await proxies()).toEqual([]);
  });

  test('is said of one loss: delivered again after the proxy was linked once more, it is refused', async () => {
    const key = { 'idempotency-key': 'k1' };
    const lossOf = async () => (await proxies()).find(({ proxy }) => proxy === 'p2')?.loss;
    const again = (loss: string | undefined, headers = {}) =>
      bed.call('POST', '/proxies/p2/dismiss', { loss, reason: 'its host is gone' }, headers);
    await lose(await bed.proxy('p2', 1));
    const seen = await lossOf();
    expect((await again(undefined, key)).status).toBe(400);
    expect((await again('another', key)).status).toBe(409);
    expect(await Promise.all([1, 2].map(async () => (await again(seen, key)).status))).toEqual([200, 200]);
    expect((await again(seen, key)).status).toBe(200);
    expect(await bed.records('dismiss')).toHaveLength(1);
    const alive = await bed.proxy('p2', 1);
    expect(await lossOf()).toBeUndefined();
    expect((await again(seen, key)).status).toBe(409);
    await lose(alive);
    expect((await again(seen, key)).status).toBe(409);
    await bed.control!.stop();
    await bed.start();
    expect((await again(seen, key)).status).toBe(409);
    expect(await bed.records('dismiss')).toHaveLength(1);
    expect((await again(await lossOf(), { 'idempotency-key': 'k2' })).status).toBe(200);
    await bed.post('set', { percentage: 1 });
    const used = await bed.call('POST', '/capabilities/shop/set', { percentage: 2 }, { 'idempotency-key': 'k3' });
    expect([used.status, (await again('x', { 'idempotency-key': 'k3' })).status]).toEqual([200, 422]);
  });

  test('what the proxy had sent may still arrive for writeFate; if it lives, it is known again when it links', async () => {
    await lose(await bed.proxy('p2'));
    await dismiss('p2');
    expect((await bed.shop()).gates).toEqual([expect.stringContaining('had writes under way')]);
    await bed.proxy('p2');
    expect(await proxies()).toMatchObject([{ proxy: 'p2', connected: true }]);
    await bed.control!.stop();
    await bed.start();
    expect(await proxies()).toMatchObject([{ proxy: 'p2', connected: false }]);
  });
});

test('a dismissal that was carried out and got no answer: a proxy that lives is stored again before it is told anything', async () => {
  const names = new Set<string>();
  let lose = false;
  const registry = new Registry({
    ...{ term: 1, names: [], writeFate: 100, onError: () => {}, superseded: () => {} },
    store: {
      names: async () => [...names],
      register: async (name) => Boolean(names.add(name)),
      forget: async (name) => {
        names.delete(name);
        if (lose) throw new Error('connection lost');
        return true;
      },
    },
  });
  const stream = { terminate: () => {}, send: () => {} };
  const hello = { type: 'hello', proxy: 'p1', pid: 1, process: 'A' } as const;
  const before = registry.join(hello, stream)!;
  expect(await registry.store(before)).toBe(true);
  registry.left(before, false);
  lose = true;
  const record = { capability: '', event: 'dismiss', actor: 'operate', reason: 'its host is gone', inputs: {} };
  await expect(registry.dismiss('p1', undefined, record)).rejects.toThrow('connection lost');
  expect(registry.views()).toMatchObject([{ proxy: 'p1', dismissed: false }]);
  const after = registry.join(hello, stream)!;
  expect([...registry.linked()]).toEqual([]);
  expect(await registry.store(after)).toBe(true);
  expect([[...registry.linked()].map(({ proxy }) => proxy), [...names]]).toEqual([['p1'], ['p1']]);
});

test('two processes of one name: the second is told so and gets nothing to split by; the first goes on', async () => {
  const first = await bed.proxy('p', 1);
  const second = new TestProxy(bed.control!.address, TOKENS.proxy, { proxy: 'p', pid: 2 });
  await gone(second);
  expect([second.closed, second.snapshots]).toEqual([4_009, []]);
  await bed.post('set', { percentage: 10 });
  await bed.until('10 %', ({ boundary }) => boundary === 1_000);
  expect(first.closed).toBeUndefined();
});
