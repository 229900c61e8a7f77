import { afterEach, describe, expect, test } from '@jest/globals';
import { bucketOf } from '@strangler/plan';
import { stage } from './testing/stage.ts';

type Stage = Awaited<ReturnType<typeof stage>>;
let open: Stage | undefined;
afterEach(async () => {
  await open?.stop();
  open = undefined;
});
const set = async (...args: Parameters<typeof stage>): Promise<Stage> => {
  open = await stage(...args);
  return open;
};

/** A user whose bucket in `shop` lies in a range. */
function userIn(lo: number, hi: number, nth = 0): string {
  for (let number = 0; ; number++) {
    const bucket = bucketOf('shop', `u${number}`);
    if (bucket >= lo && bucket < hi && nth-- === 0) return `u${number}`;
  }
}
const as = (user: string, more: RequestInit = {}): RequestInit => ({ ...more, headers: { 'x-user': user } });
const sideOf = (response: Response) => response.headers.get('x-strangler-side');

describe('splitting', () => {
  test('a user below the boundary goes to the service, one above it to the monolith, what is no capability to the monolith', async () => {
    const { address, control } = await set();
    await control.says({ boundary: 2_500, pins: {} });
    const low = await fetch(`http://${address}/api/orders/1`, as(userIn(0, 2_500)));
    expect(sideOf(low)).toBe('service');
    expect(low.headers.get('x-strangler-capability')).toBe('orders');
    expect(await low.json()).toMatchObject({ name: 'service', url: '/api/orders/1' });
    expect(sideOf(await fetch(`http://${address}/api/orders`, as(userIn(2_500, 10_000))))).toBe('monolith');
    const other = await fetch(`http://${address}/api/products`, as(userIn(0, 2_500)));
    expect(sideOf(other)).toBeNull();
    expect(await other.json()).toMatchObject({ name: 'monolith' });
  });

  test('nobody’s request of a capability goes to the monolith, and a pinned user where the pin says', async () => {
    const { address, control } = await set();
    const pinned = userIn(9_000, 10_000);
    await control.says({ boundary: 5_000, pins: { [pinned]: 'service' } });
    expect(sideOf(await fetch(`http://${address}/api/orders`))).toBe('monolith');
    expect(sideOf(await fetch(`http://${address}/api/orders`, as(pinned)))).toBe('service');
  });

  test('faults 43 before the first snapshot a capability is answered 503 and everything else goes on', async () => {
    const { address } = await set();
    const answer = await fetch(`http://${address}/api/orders`, as('u1'));
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
    const { error } = (await answer.json()) as { error: { code: string; correlationId: string } };
    expect(error.code).toBe('owner-unknown');
    expect(error.correlationId).toBe(answer.headers.get('x-correlation-id'));
    expect((await fetch(`http://${address}/products`)).status).toBe(200);
  });

  test('counts of both sides reach control', async () => {
    const { address, control } = await set({ serviceDoes: (_, response) => response.writeHead(500).end() });
    await control.says({ boundary: 5_000, pins: {} });
    await fetch(`http://${address}/api/orders`, as(userIn(0, 5_000)));
    const counts = await control.hears((all) => all.find((one) => one.type === 'counts'));
    expect(counts).toMatchObject({
      counts: [{ capability: 'orders', side: 'service', requests: 1, errors: 1, hard: 0, clientErrors: 0 }],
    });
  });
});

describe('holding', () => {
  const moving = (epoch: number) => ({ epoch, subject: { lo: 0, hi: 100 }, from: 'monolith', to: 'service' }) as const;

  test('a moving user’s write waits, the read goes on, and both go where the next snapshot says', async () => {
    const { address, control, monolith, service } = await set();
    const user = userIn(0, 100);
    const ack = await control.says({ boundary: 0, pins: {}, moving: moving(1) });
    expect(ack.flights).toEqual([{ capability: 'orders', epoch: 1, inFlight: 0, unknownFor: 0 }]);
    const write = fetch(`http://${address}/api/orders`, as(user, { method: 'POST', body: 'one' }));
    expect(sideOf(await fetch(`http://${address}/api/orders`, as(user)))).toBe('monolith');
    expect(sideOf(await fetch(`http://${address}/api/orders`, as(userIn(100, 10_000), { method: 'POST' })))).toBe(
      'monolith',
    );
    expect(service.requests).toHaveLength(0);
    await control.says({ boundary: 100, pins: {} });
    const answer = await write;
    expect(sideOf(answer)).toBe('service');
    expect(await answer.json()).toMatchObject({ method: 'POST', body: 'one' });
    expect(monolith.requests.map(({ method }) => method)).toEqual(['GET', 'POST']);
  });
});
