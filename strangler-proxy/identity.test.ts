import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { type Settings, stage } from './testing/stage.ts';

type Stage = Awaited<ReturnType<typeof stage>>;
let open: Stage | undefined;
afterEach(async () => {
  await open?.stop();
  open = undefined;
});

const NOBODY_MOVED = { boundary: 0, pins: {} };
const SPLIT = { boundary: 5_000, pins: {} };

async function house(settings: Partial<Settings> = {}) {
  open = await stage(settings);
  return open;
}

const ask = async (method: string, headers: Record<string, string> = {}, path = '/api/orders') => {
  const answer = await fetch(`http://${open!.address}${path}`, { method, headers });
  const { name, error } = (await answer.json()) as { name?: string; error?: { code: string; message: string } };
  return name ?? `${answer.status} ${error!.code}`;
};

test('faults 83 a write whose user cannot be read is refused once anybody is on the service; a read goes to the monolith', async () => {
  const { control } = await house();
  await control.says(NOBODY_MOVED);
  const unreadable = { 'x-user': 'zo\xeb' };
  expect(await ask('POST', unreadable)).toBe('monolith');
  await control.says(SPLIT);
  expect(await ask('POST', unreadable)).toBe('400 user-unreadable');
  expect(await ask('GET', unreadable)).toBe('monolith');
  await control.says({ boundary: 0, pins: { ada: 'service' } });
  expect(await ask('POST', unreadable)).toBe('400 user-unreadable');
});

test('faults 83 who names nobody goes to the monolith, or is refused, as the Plan says', async () => {
  const { control } = await house();
  await control.says(SPLIT);
  expect([await ask('GET'), await ask('POST')]).toEqual(['monolith', 'monolith']);
  await open!.stop();
  const other = await house({ anonymous: 'refuse' });
  await other.control.says(NOBODY_MOVED);
  expect([await ask('GET'), await ask('POST')]).toEqual(['monolith', 'monolith']);
  await other.control.says(SPLIT);
  expect([await ask('GET'), await ask('POST')]).toEqual(['401 user-missing', '401 user-missing']);
});

test('faults 83 requests without a user are counted and told, with why the newest could not be read', async () => {
  const { control, metricsAddress } = await house();
  await control.says(SPLIT);
  await ask('POST');
  await ask('GET');
  await ask('POST', { 'x-user': 'ada' });
  await ask('POST', { 'x-user': 'zo\xeb' });
  const total = (all: readonly { type: string }[]) => {
    const identified = all.flatMap((one) => (one.type === 'identified' ? (one as never as Told).identified : []));
    const sum = (of: 'reads' | 'writes', what: 'requests' | 'absent' | 'unreadable') =>
      identified.reduce((count, one) => count + one[of][what], 0);
    if (sum('writes', 'requests') < 3) return undefined;
    const why = identified.map((one) => one.why).find((one) => one !== undefined);
    return [sum('writes', 'absent'), sum('writes', 'unreadable'), sum('reads', 'absent'), why];
  };
  expect(await control.hears(total)).toEqual([1, 1, 1, 'the header x-user is not ASCII']);
  const metrics = await (await fetch(`http://${metricsAddress}/metrics`)).text();
  expect(metrics).toContain('strangler_proxy_without_user_total{capability="orders",kind="write",lack="unreadable"} 1');
});
type Counts = Record<'requests' | 'absent' | 'unreadable', number>;
type Told = { identified: { reads: Counts; writes: Counts; why?: string }[] };

test('a user in the path: the split follows the parameter, however the path is spelt', async () => {
  const routes = ['ANY /api/users/:userId/orders/**'];
  const { control } = await house({ user: [{ path: 'userId' }], userType: 'integer', routes, readOnly: [] });
  await control.says({ boundary: 0, pins: { '42': 'service' } });
  expect(await ask('GET', {}, '/api/users/42/orders')).toBe('service');
  expect(await ask('GET', {}, '/API/Users/0042/orders/7')).toBe('service');
  expect(await ask('GET', {}, '/api/users/%34%32/orders')).toBe('service');
  expect(await ask('GET', {}, '/api/users/43/orders')).toBe('monolith');
  expect(await ask('POST', {}, '/api/users/ada/orders')).toBe('400 user-unreadable');
});

const signed = (sub: string, secret: string) => {
  const content = [{ alg: 'HS256' }, { sub }]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`;
};

test('a token that is verified says whose it is before it is decided, for requests, bodies and upgrades alike', async () => {
  const verify = { secret: 'a-secret-of-ours' };
  const { control, service } = await house({ user: [{ jwt: { claim: 'sub', scheme: 'Token', verify } }] });
  await control.says({ boundary: 0, pins: { ada: 'service' } });
  const as = (secret: string) => ({ authorization: `Token ${signed('ada', secret)}` });
  expect(await ask('GET', as('a-secret-of-ours'))).toBe('service');
  expect(await ask('POST', as('a-forged-secret'))).toBe('400 user-unreadable');
  const body = 'x'.repeat(500_000);
  const answer = await fetch(`http://${open!.address}/api/orders`, {
    ...{ method: 'POST', body, headers: as('a-secret-of-ours') },
  });
  expect(answer.headers.get('x-strangler-side')).toBe('service');
  expect(service.requests.at(-1)!.body === body).toBe(true);
  const refused = new WebSocket(`ws://${open!.address}/api/orders/live`, { headers: as('a-forged-secret') });
  const [, reply] = (await once(
    refused.on('error', () => {}),
    'unexpected-response',
  )) as [unknown, { statusCode: number }];
  expect(reply.statusCode).toBe(400);
});

test('while the keys of an issuer cannot be had, nothing is sent to the wrong side: 503, and the rest goes on', async () => {
  const verify = { jwks: 'http://127.0.0.1:1/' };
  const { control } = await house({ user: [{ jwt: { claim: 'sub', verify } }, { header: 'x-user' }] });
  const headers = { authorization: `Bearer ${signed('ada', 'any')}` };
  await control.says(NOBODY_MOVED);
  expect(await ask('POST', headers)).toBe('monolith');
  await control.says(SPLIT);
  expect([await ask('POST', headers), await ask('GET', headers)]).toEqual(['503 user-unknown', '503 user-unknown']);
  expect(await ask('GET', {}, '/elsewhere')).toBe('monolith');
});
