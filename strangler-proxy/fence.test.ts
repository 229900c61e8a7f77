import type { RequestListener } from 'node:http';
import { afterEach, expect, test } from '@jest/globals';
import { bucketOf, type Moving } from '@strangler/plan';
import { stage } from './testing/stage.ts';

type Stage = Awaited<ReturnType<typeof stage>>;
let open: Stage | undefined;
afterEach(async () => {
  await open?.stop();
  open = undefined;
});

/** A side whose fence refuses every write: it has given the user away. */
const fenced: RequestListener = (request, response) => {
  if (request.method === 'GET') response.end('read');
  else response.writeHead(409, { 'strangler-fence': 'given-away' }).end('{"error":"given away"}');
};

async function set(more: Parameters<typeof stage>[0] = {}): Promise<Stage> {
  open = await stage({ monolithDoes: fenced, handoff: { hold: '5s' }, ...more });
  return open;
}

const mover = (() => {
  for (let number = 0; ; number++) if (bucketOf('shop', `u${number}`) < 100) return `u${number}`;
})();
const moving: Moving = { epoch: 1, subject: { lo: 0, hi: 100 }, from: 'monolith', to: 'service' };
const post = (body: RequestInit['body'] = 'one', more: object = {}) =>
  fetch(`http://${open!.address}/api/orders`, { method: 'POST', body, headers: { 'x-user': mover }, ...more });
const codeOf = async (response: Response) => ((await response.json()) as { error: { code: string } }).error.code;
const metrics = async () => (await fetch(`http://${open!.metricsAddress}/metrics`)).text();
const countsOf = (counts: { side: string }[]) => counts.map(({ side }) => side);

/** Waits until the proxy holds a write. */
async function held(): Promise<void> {
  while (!/^strangler_proxy_held_writes\{capability="orders"\} 1$/m.test(await metrics()));
}

test('a write that its side’s fence refuses waits for a newer snapshot and goes to the owner that one names', async () => {
  const { control, monolith, service } = await set();
  await control.says({ boundary: 0, pins: {} });
  const write = post();
  await held();
  await control.says({ boundary: 0, pins: {}, moving });
  await control.says({ boundary: 100, pins: {} });
  const answer = await write;
  expect(answer.status).toBe(200);
  expect(answer.headers.get('x-strangler-side')).toBe('service');
  expect(answer.headers.get('strangler-fence')).toBeNull();
  expect(service.requests).toMatchObject([{ method: 'POST', body: 'one' }]);
  expect(monolith.requests).toHaveLength(1);
  expect(await metrics()).toContain(
    'strangler_proxy_fenced_total{capability="orders",side="monolith",result="resent"} 1',
  );
  const counts = await control.hears((all) => all.find((one) => one.type === 'counts'));
  expect(countsOf([...counts.counts])).toEqual(['service']);
});

test('if the snapshot still says the same side when a write may be held no longer, it is a 503 of ours', async () => {
  const { control, monolith, service } = await set({ handoff: { hold: '50ms', writeFate: '1h' } });
  await control.says({ boundary: 0, pins: {} });
  const answer = await post();
  expect(answer.status).toBe(503);
  expect(answer.headers.get('retry-after')).toBe('1');
  const { error } = (await answer.json()) as { error: { code: string; message: string } };
  expect(error.code).toBe('given-away');
  expect(error.message).toBe(
    'the monolith’s log has given this user away, and this proxy does not know where to yet; nothing was written; try again',
  );
  expect([monolith.requests.length, service.requests.length]).toEqual([1, 0]);
  expect(await metrics()).toContain('fenced_total{capability="orders",side="monolith",result="refused"} 1');
  expect(await metrics()).not.toMatch(/requests_total\{capability="orders"/);
  // Its fate is known: it keeps nobody from moving beyond what the start of this process does.
  const before = (await control.says({ boundary: 0, pins: {}, moving })).flights[0]!;
  expect(before.inFlight).toBe(0);
});

test('a body that was passed on as it came cannot be sent again: 503', async () => {
  const { control, service } = await set();
  await control.says({ boundary: 0, pins: {} });
  const answer = await post('x'.repeat(100_000));
  const { error } = (await answer.json()) as { error: { code: string; message: string } };
  expect(error.code).toBe('given-away');
  expect(error.message).toContain('its body cannot be sent again from here');
  expect(service.requests).toHaveLength(0);
});

test('a write is decided again only once: if the other side refuses it too, it is a 503', async () => {
  const { control, monolith, service } = await set({ serviceDoes: fenced });
  await control.says({ boundary: 0, pins: {} });
  const write = post();
  await held();
  await control.says({ boundary: 100, pins: {} });
  expect(await codeOf(await write)).toBe('given-away');
  expect([monolith.requests.length, service.requests.length]).toEqual([1, 1]);
});

/** A side whose fence refuses so many writes: their transactions are too old. */
const staleFor = (times: number): RequestListener => {
  let left = times;
  return (_, response) => {
    if (left-- > 0) response.writeHead(409, { 'strangler-fence': 'stale' }).end('{"error":"stale"}');
    else response.end('written');
  };
};

test('a write whose transaction was too old for its side’s fence is sent once more, to the same side if that owns its user', async () => {
  const { control, monolith, service } = await set({ monolithDoes: staleFor(1) });
  await control.says({ boundary: 0, pins: {} });
  const answer = await post();
  expect([answer.status, answer.headers.get('x-strangler-side'), await answer.text()]).toEqual([
    ...[200, 'monolith', 'written'],
  ]);
  expect(answer.headers.get('strangler-fence')).toBeNull();
  expect(monolith.requests.map(({ body }) => body)).toEqual(['one', 'one']);
  expect(service.requests).toEqual([]);
  expect(await metrics()).toContain('fenced_total{capability="orders",side="monolith",result="resent"} 1');
});

test('if it is too old again, or its body is gone, that is a 503 of ours, never the side’s answer', async () => {
  const { control, monolith } = await set({ monolithDoes: staleFor(3), handoff: { writeFate: '1h' } });
  await control.says({ boundary: 0, pins: {} });
  for (const body of ['one', 'x'.repeat(100_000)]) {
    const answer = await post(body);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await codeOf(answer)).toBe('stale');
  }
  expect(monolith.requests).toHaveLength(3);
  expect(await metrics()).toContain('fenced_total{capability="orders",side="monolith",result="refused"} 2');
  expect((await control.says({ boundary: 0, pins: {}, moving })).flights[0]!.inFlight).toBe(0);
});

test('a write that was too old while its user is being handed over waits for that as any other', async () => {
  const { control, monolith, service } = await set({
    handoff: { hold: '200ms' },
    monolithDoes: async (_, response) => {
      await control.says({ boundary: 0, pins: {}, moving });
      response.writeHead(409, { 'strangler-fence': 'stale' }).end();
    },
  });
  await control.says({ boundary: 0, pins: {} });
  expect(await codeOf(await post())).toBe('hold-exhausted');
  expect([monolith.requests.length, service.requests.length]).toEqual([1, 0]);
  expect(await metrics()).toContain('fenced_total{capability="orders",side="monolith",result="refused"} 1');
});

test('a write that was too old and is then of a user its side has given away goes to the owner', async () => {
  let asked = 0;
  const { control, service } = await set({
    monolithDoes: (_, response) =>
      response.writeHead(409, { 'strangler-fence': asked++ === 0 ? 'stale' : 'given-away' }).end(),
  });
  await control.says({ boundary: 0, pins: {} });
  const write = post();
  await held();
  await control.says({ boundary: 100, pins: {} });
  expect([(await write).status, asked]).toEqual([200, 2]);
  expect(service.requests).toMatchObject([{ body: 'one' }]);
});

/** The one line there must be of a write that was refused in the end, whatever for. */
const REFUSED = 'fenced_total{capability="orders",side="monolith",result="refused"} 1';

test('a refused write counts as refused when another proxy has taken this one’s place meanwhile', async () => {
  const { control } = await set();
  await control.says({ boundary: 0, pins: {} });
  const write = post();
  await held();
  control.closeLink(4_009, 'another proxy is linked');
  expect(await codeOf(await write)).toBe('owner-unknown');
  expect(await metrics()).toContain(REFUSED);
});

test('a refused write counts as refused when the link to control is lost meanwhile', async () => {
  const { control } = await set({
    proxy: { blind: 'refuse', blindAfter: '1ms' },
    monolithDoes: async (_, response) => {
      await control.stop();
      while (!/^strangler_proxy_blind_seconds (?:[1-9]|0\.(?!000))/m.test(await metrics()));
      response.writeHead(409, { 'strangler-fence': 'stale' }).end();
    },
  });
  await control.says({ boundary: 0, pins: {} });
  expect(await codeOf(await post())).toBe('blind');
  expect(await metrics()).toContain(REFUSED);
});

test('a refused write counts as refused when its owner has left too many writes without an answer', async () => {
  const { address, control } = await set({
    ...{ proxy: { unfinishedPerAddress: 1, headersTimeout: '50ms' }, handoff: { hold: '5s', writeFate: '1h' } },
    serviceDoes: () => {},
  });
  await control.says({ boundary: 0, pins: { ada: 'service' } });
  const unanswered = { method: 'POST', body: 'x', headers: { 'x-user': 'ada' } };
  expect((await fetch(`http://${address}/api/orders`, unanswered)).status).toBe(504);
  const write = post();
  await held();
  await control.says({ boundary: 100, pins: {} });
  expect(await codeOf(await write)).toBe('too-many-unknown');
  expect(await metrics()).toContain(REFUSED);
});

test('a client that goes while its refused write waits is not served by anybody', async () => {
  const { control, service } = await set();
  await control.says({ boundary: 0, pins: {} });
  const gone = new AbortController();
  const write = post('one', { signal: gone.signal }).catch(() => 'gone');
  await held();
  gone.abort();
  expect(await write).toBe('gone');
  while (!(await metrics()).includes('result="client-gone"} 1'));
  await control.says({ boundary: 100, pins: {} });
  expect(service.requests).toHaveLength(0);
});

test('on anything but a write of a capability the answer passes, without the header', async () => {
  const { address, control } = await set({
    monolithDoes: (_, response) => response.writeHead(409, { 'strangler-fence': 'given-away' }).end('no'),
  });
  await control.says({ boundary: 0, pins: {} });
  const as = { headers: { 'x-user': mover } };
  for (const answer of [
    await fetch(`http://${address}/api/orders`, as),
    await fetch(`http://${address}/api/orders/search`, { ...as, method: 'POST' }),
    await fetch(`http://${address}/products`, { ...as, method: 'POST' }),
  ]) {
    expect(answer.status).toBe(409);
    expect(answer.headers.get('strangler-fence')).toBeNull();
    expect(await answer.text()).toBe('no');
  }
});

test('any other 409 of a write is the side’s answer', async () => {
  const { control } = await set({
    monolithDoes: (_, response) => response.writeHead(409, { 'strangler-fence': 'something' }).end('taken'),
  });
  await control.says({ boundary: 0, pins: {} });
  const answer = await post();
  expect([answer.status, await answer.text()]).toEqual([409, 'taken']);
  expect(answer.headers.get('strangler-fence')).toBeNull();
});
