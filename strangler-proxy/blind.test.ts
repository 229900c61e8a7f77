import { afterEach, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { stage, startControl } from './testing/stage.ts';

/* A proxy that has lost control and lives on. */
let open: Awaited<ReturnType<typeof stage>> | undefined;
afterEach(async () => {
  await open?.stop();
  open = undefined;
});

/** A proxy on a snapshot that has everybody on the service, cut off from a control that does not come back. */
async function cutOff(proxy: Record<string, unknown> = {}) {
  open = await stage({ proxy: { blindAfter: '200ms', ...proxy } });
  await open.control.says({ boundary: 10_000, pins: {} });
  await open.control.stop();
  const health = async () =>
    (await fetch(`http://${open!.metricsAddress}/health`)).json() as Promise<{ ready: boolean }>;
  const metric = async (name: string) => {
    const text = await (await fetch(`http://${open!.metricsAddress}/metrics`)).text();
    return Number(new RegExp(`^strangler_proxy_${name} (.*)$`, 'm').exec(text)![1]);
  };
  const blind = async () => {
    while ((await metric('blind_seconds')) < 0.2) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  const ask = (method: string) =>
    fetch(`http://${open!.address}/api/orders`, {
      method,
      headers: { 'x-user': 'ada' },
      ...(method === 'POST' && { body: 'x' }),
    });
  return { ...open, health, metric, blind, ask };
}
const warnings = () => open!.logged.filter(({ msg }) => msg === 'a write was sent without a link to control');

describe('faults 79: a proxy without a link', () => {
  test('goes on with its last snapshot, and says so in health, metrics and the log of each write', async () => {
    const { ask, blind, health, metric } = await cutOff();
    await blind();
    const write = await ask('POST');
    expect([write.status, write.headers.get('x-strangler-side')]).toEqual([200, 'service']);
    await ask('GET');
    const [warning, ...more] = warnings();
    expect(warning).toMatchObject({ capability: 'orders', side: 'service', correlationId: expect.any(String) });
    expect(warning!.blindMs).toBeGreaterThanOrEqual(200);
    expect(more).toEqual([]);
    expect(await metric('link_up')).toBe(0);
    expect(await health()).toEqual({ ready: true, blindForSeconds: expect.any(Number) });
  });

  test('blind: refuse answers its writes 503 after blindAfter; reads and what is no capability go on', async () => {
    const { ask, blind, address, service } = await cutOff({ blind: 'refuse' });
    await blind();
    const write = await ask('POST');
    expect(write.status).toBe(503);
    expect(write.headers.get('retry-after')).toBe('1');
    expect(((await write.json()) as { error: { code: string } }).error.code).toBe('blind');
    expect(service.requests).toEqual([]);
    expect((await ask('GET')).status).toBe(200);
    expect((await fetch(`http://${address}/elsewhere`, { method: 'POST' })).status).toBe(200);
    const socket = new WebSocket(`ws://${address}/api/orders/live`, { headers: { 'x-user': 'ada' } });
    const status = await new Promise((resolve) => {
      socket.on('unexpected-response', (_, response) => resolve(response.statusCode));
      socket.on('error', () => {});
    });
    expect(status).toBe(503);
  });

  test('it sees again when control is back, and nothing was forgotten meanwhile', async () => {
    open = await stage({ proxy: { blindAfter: '1ms', blind: 'refuse' } });
    await open.control.says({ boundary: 0, pins: {} });
    const links = () => open!.control.received.filter(({ type }) => type === 'ack').length;
    const before = links();
    open.control.breakLink();
    await open.control.hears(() => links() > before);
    const answer = await fetch(`http://${open.address}/api/orders`, {
      method: 'POST',
      headers: { 'x-user': 'ada' },
      body: 'x',
    });
    expect(answer.headers.get('x-strangler-side')).toBe('monolith');
    expect(warnings()).toEqual([]);
  });
});

test('what a side did long before the link came back is not told as if it were now; whose writes it took is', async () => {
  let broken = false;
  open = await stage({
    serviceDoes: (_, response) => (broken ? response.destroy() : response.end('taken')),
  });
  const { address, control } = open;
  await control.says({ boundary: 10_000, pins: {} });
  await control.stop();
  const write = (user: string) =>
    fetch(`http://${address}/api/orders`, { method: 'POST', body: 'x', headers: { 'x-user': user } });
  expect((await write('ada')).status).toBe(200);
  broken = true;
  for (let nth = 0; nth < 10; nth++) expect((await write('bob')).status).toBe(502);
  await new Promise((resolve) => setTimeout(resolve, 10_200));
  const next = await startControl(control.port);
  try {
    const { counts } = await next.hears((all) => all.find((one) => one.type === 'counts'));
    expect(counts).toMatchObject([{ side: 'service', requests: 0, hard: 0, errors: 0, writers: ['ada'] }]);
  } finally {
    await open.proxy.stop();
    await next.stop();
  }
});

test('a proxy whose name another one has taken splits nobody any more: control does not wait for it', async () => {
  open = await stage();
  await open.control.says({ boundary: 10_000, pins: {} });
  open.control.closeLink(4_009, 'another proxy is linked as p1');
  const ask = () => fetch(`http://${open!.address}/api/orders`, { headers: { 'x-user': 'ada' } });
  for (;;) {
    const { status } = await ask();
    if (status === 503) break;
    expect(status).toBe(200);
  }
  expect(open.logged.some(({ reason }) => reason === 'another proxy is linked as p1')).toBe(true);
});

test('faults 79 a proxy whose name another one has taken still follows no control that was overtaken', async () => {
  open = await stage();
  const { address, control } = open;
  await control.says({ boundary: 0, pins: {} }, 5);
  const links = () => control.received.filter(({ type }) => type === 'hello').length;
  const says = async (term: number, version: number, boundary: number) => {
    const [before, acks] = [links(), control.received.filter(({ type }) => type === 'ack').length];
    const capabilities = { orders: { boundary, pins: {} } };
    control.send(JSON.stringify({ type: 'snapshot', snapshot: { term, version, capabilities } }));
    return control.hears((all) => {
      if (all.filter(({ type }) => type === 'ack').length > acks) return 'followed';
      return links() > before && 'left';
    });
  };
  control.closeLink(4_009, 'another proxy is linked as p1');
  await control.hears(() => links() === 2);
  expect(await says(4, 9, 10_000)).toBe('left');
  expect(await says(5, 0, 10_000)).toBe('left');
  const as = { headers: { 'x-user': 'ada' } };
  expect((await fetch(`http://${address}/api/orders`, as)).status).toBe(503);
  // The same snapshot again is no older one.
  expect(await says(5, 1, 0)).toBe('followed');
  expect((await fetch(`http://${address}/api/orders`, as)).headers.get('x-strangler-side')).toBe('monolith');
});
