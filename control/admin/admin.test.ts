import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Bed, TOKENS } from '../testing/bed.ts';

let bed: Bed;
beforeEach(async () => {
  bed = await Bed.open();
  await bed.start();
});
afterEach(() => bed.close());

const as = (token: string) => ({ authorization: `Bearer ${token}` });
const shape = (code: string) => ({
  error: { code, message: expect.any(String), correlationId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
});

describe('admin API', () => {
  test('faults 73: no token and a wrong one are 401, a role too low is 403 and recorded', async () => {
    for (const headers of [as(''), as('nonsense'), { authorization: 'Basic YTpi' }, as(`${TOKENS.admin}x`)]) {
      const { status, body } = await bed.call('GET', '/status', undefined, headers);
      expect([status, body]).toEqual([401, shape('unauthorized')]);
    }
    const denied = await bed.call('POST', '/capabilities/shop/set', { percentage: 1 }, as(TOKENS.read));
    expect([denied.status, denied.body]).toEqual([403, shape('forbidden')]);
    expect((await bed.call('GET', '/status', undefined, as(TOKENS.proxy))).status).toBe(403);
    expect(await bed.records('denied')).toMatchObject([{ actor: 'read' }, { actor: 'proxy' }]);
    expect((await bed.call('GET', '/status', undefined, as(TOKENS.read))).status).toBe(200);
    expect((await bed.call('POST', '/capabilities/shop/set', { percentage: 1 }, as(TOKENS.operate))).status).toBe(200);
  });

  test('faults 74: other sites and forms are refused, other content types too', async () => {
    const post = (headers: Record<string, string>) => bed.call('POST', '/capabilities/shop/rollback', {}, headers);
    expect((await post({ origin: 'https://evil.example' })).status).toBe(403);
    expect((await post({ origin: 'null' })).status).toBe(403);
    expect((await post({ origin: bed.control!.address })).status).toBe(200);
    expect((await post({ 'content-type': 'application/x-www-form-urlencoded' })).status).toBe(403);
    expect((await post({ 'content-type': 'text/plain' })).status).toBe(403);
    expect((await post({ 'content-type': 'application/xml' })).status).toBe(415);
  });

  test.each([
    ['set', {}, ['percentage or user']],
    [
      'set',
      { percentage: 101, side: 'north', who: 1 },
      ['percentage must', 'side goes with user', '"who" is no field'],
    ],
    ['set', { percentage: 12.345 }, ['steps of 0.01']],
    ['set', { percentage: '25' }, ['percentage must']],
    ['set', { user: '', side: 'both', reason: 5 }, ['user must', 'side must', 'reason must']],
    ['set', [], ['JSON object']],
    ['ramp', { action: 'fly', steps: [5, 5], dwell: 'soon' }, ['action must', 'must rise', 'dwell must']],
    ['ramp', { action: 'pause', steps: [0, 200] }, ['steps must', 'start only']],
    ['rollback', { now: 'yes' }, ['now must']],
  ])('a bad %s %j is 400 with every mistake', async (path, body, mistakes) => {
    const answer = await bed.call('POST', `/capabilities/shop/${path}`, body);
    expect([answer.status, answer.body]).toEqual([400, shape('bad-request')]);
    for (const mistake of mistakes) expect(answer.body.error.message).toContain(mistake);
    expect(await bed.records()).toEqual([]);
  });

  test('a body that is no JSON is 400, one that is too large 413, an unknown path or capability 404', async () => {
    const headers = { ...as(TOKENS.admin), 'content-type': 'application/json' };
    const torn = await fetch(`${bed.control!.address}/capabilities/shop/set`, { method: 'POST', headers, body: '{' });
    expect([torn.status, await torn.json()]).toEqual([400, shape('bad-request')]);
    const large = await bed.call('POST', '/capabilities/shop/set', { reason: 'x'.repeat(70_000) });
    expect([large.status, large.body]).toEqual([413, shape('too-large')]);
    for (const path of ['/nowhere', '/capabilities/nothing/set', '/capabilities/__proto__/set']) {
      expect((await bed.call('POST', path, { percentage: 1 })).status).toBe(404);
    }
    expect((await bed.call('GET', '/owner/shop/%E0%A4%A')).status).toBe(400);
    expect((await bed.call('GET', '/records?limit=0&after=x')).body.error.message).toMatch(/after must.*limit must/);
    expect((await bed.call('OPTIONS', '/capabilities/shop/rollback', undefined, {})).status).toBe(404);
  });

  test('set writes the flag, walks there and says so; who asked is in the record', async () => {
    const accepted = await bed.post('set', { percentage: 33.33, reason: 'a try' });
    expect(accepted.target).toBe(3_333);
    await bed.until('33.33 % on all three', ({ boundary, flag }) => boundary === 3_333 && flag === 33.33);
    expect(await bed.records('set')).toMatchObject([{ actor: 'admin', reason: 'a try', capability: 'shop' }]);
  });

  test('a pinned user stays while everybody else moves, and follows again when the pin is lifted', async () => {
    await bed.post('set', { user: 'ada', side: 'service' });
    await bed.until('ada alone', ({ pins, epoch, phase }) => pins === 1 && epoch === 1 && phase === 'idle');
    expect(await bed.owner('ada')).toMatchObject({ side: 'service', moving: false });
    await bed.post('set', { user: 'ada', side: 'monolith' });
    await bed.post('set', { percentage: 100 });
    await bed.until('100 %', ({ boundary, phase }) => boundary === 10_000 && phase === 'idle');
    await bed.until('ada back', ({ epoch, phase }) => epoch === 102 && phase === 'idle');
    expect(await bed.owner('ada')).toMatchObject({ side: 'monolith' });
    expect(await bed.owner('bob')).toMatchObject({ side: 'service' });
    await bed.post('set', { user: 'ada', side: null });
    await bed.until('ada follows', ({ pins, epoch, phase }) => pins === 0 && epoch === 103 && phase === 'idle');
    expect(await bed.owner('ada')).toMatchObject({ side: 'service' });
    expect((await bed.call('POST', '/capabilities/shop/set', { user: 'eve', side: null })).status).toBe(409);
  });

  test('a rollback takes pinned users along', async () => {
    await bed.post('set', { user: 'ada', side: 'service' });
    await bed.until('ada alone', ({ epoch, phase }) => epoch === 1 && phase === 'idle');
    await bed.post('rollback', { now: true });
    await bed.until('rolled back', ({ ramp }) => ramp.state === 'rolled-back');
    expect(await bed.owner('ada')).toMatchObject({ side: 'monolith' });
  });

  test('faults 75: the same idempotency key twice has one effect and one answer', async () => {
    const key = { 'idempotency-key': 'k1' };
    const body = { action: 'start', steps: [10, 20] };
    const [first, second] = await Promise.all([1, 2].map(() => bed.call('POST', '/capabilities/shop/ramp', body, key)));
    expect([first!.status, second!.status]).toEqual([200, 200]);
    expect((await bed.call('POST', '/capabilities/shop/ramp', body)).status).toBe(409);
    expect(await bed.records('start')).toHaveLength(1);
  });

  test('faults 75: a key is bound to its path and body; with another one it is refused and nothing happens', async () => {
    const key = { 'idempotency-key': 'k1' };
    const set = (body: object, headers = key) => bed.call('POST', '/capabilities/shop/set', body, headers);
    expect((await set({ percentage: 10 })).status).toBe(200);
    const reused = await set({ percentage: 20 });
    expect([reused.status, reused.body]).toEqual([422, shape('key-reused')]);
    expect((await bed.call('POST', '/capabilities/shop/rollback', {}, key)).status).toBe(422);
    expect((await set({ percentage: 20 }, { 'idempotency-key': 'x'.repeat(256) })).status).toBe(400);
    expect((await set({ percentage: 20 }, { 'idempotency-key': '' })).status).toBe(400);
    expect((await bed.shop()).target).toBe(1_000);
    expect((await set({ percentage: 20 }, { 'idempotency-key': 'k2' })).status).toBe(200);
    expect(await bed.records('set')).toHaveLength(2);
  });

  test('faults 75: what was refused may be tried again under its key, and a repeat ignores the version it has changed', async () => {
    const { headers } = await bed.call('POST', '/capabilities/shop/set', { percentage: 1 });
    const stale = { 'idempotency-key': 'k1', 'if-match': '"999"' };
    expect((await bed.call('POST', '/capabilities/shop/set', { percentage: 2 }, stale)).status).toBe(409);
    const fresh = { 'idempotency-key': 'k1', 'if-match': headers.get('etag')! };
    for (let attempt = 0; attempt < 2; attempt++) {
      expect((await bed.call('POST', '/capabilities/shop/set', { percentage: 2 }, fresh)).status).toBe(200);
    }
    expect(await bed.records('set')).toHaveLength(2);
  });

  test('faults 75: a retry that another control hears after a take-over has no second effect', async () => {
    const key = { 'idempotency-key': 'retried' };
    const wants = (percentage: number, headers = {}) =>
      bed.call('POST', '/capabilities/shop/set', { percentage }, headers);
    expect((await wants(10, key)).status).toBe(200);
    expect((await wants(10, { 'idempotency-key': 'the same again' })).status).toBe(200);
    expect((await wants(30)).status).toBe(200);
    await bed.control!.stop();
    await bed.start();
    for (const repeated of [key, { 'idempotency-key': 'the same again' }]) {
      expect((await wants(10, repeated)).status).toBe(200);
      expect((await bed.shop()).target).toBe(3_000);
    }
    expect((await wants(11, key)).status).toBe(422);
    expect(await bed.records('set')).toHaveLength(3);
  });

  test('faults 76: of two operators who saw the same version one wins, the other hears the present one', async () => {
    const { headers } = await bed.call('POST', '/capabilities/shop/set', { percentage: 1 });
    const match = { 'if-match': headers.get('etag')! };
    const race = await Promise.all(
      [2, 3].map((percentage) => bed.call('POST', '/capabilities/shop/set', { percentage }, match)),
    );
    expect(race.map(({ status }) => status).sort()).toEqual([200, 409]);
    const loser = race.find(({ status }) => status === 409)!;
    expect(loser.body).toEqual(shape('conflict'));
    expect(loser.body.error.message).toContain(race.find(({ status }) => status === 200)!.headers.get('etag'));
  });

  test('health and metrics need no token and tell what a dashboard shows', async () => {
    const proxy = await bed.proxy();
    await bed.post('set', { percentage: 10 });
    await bed.until('10 %', ({ boundary, phase }) => boundary === 1_000 && phase === 'idle');
    proxy.count({ capability: 'shop', side: 'service', requests: 3, errors: 1 });
    proxy.count({ capability: 'nonsense', side: 'service', requests: 3 });
    await bed.until('counts', ({ verdict }) => verdict.reason.startsWith('3 requests'));
    expect((await bed.call('GET', '/health', undefined, as(''))).body).toEqual({ status: 'ok', active: true });
    const metrics = String((await bed.call('GET', '/metrics', undefined, as(''))).body);
    for (const line of [
      'strangler_boundary{capability="shop"} 1000',
      'strangler_requests_total{capability="shop",side="service"} 3',
      'strangler_errors_total{capability="shop",side="service"} 1',
      'strangler_verdict{capability="shop",verdict="unsure"} 1',
      'strangler_handoff_pause_seconds_count{capability="shop"} 10',
      'strangler_proxies 1',
    ]) {
      expect(metrics).toContain(line);
    }
    expect(metrics).not.toContain('nonsense');
  });
});
