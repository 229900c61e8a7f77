import type { RequestListener } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { stage } from './testing/stage.ts';

type Stage = Awaited<ReturnType<typeof stage>>;
let open: Stage;
afterEach(() => open.stop());

const created: RequestListener = (_, response) => response.writeHead(201, { 'x-made': 'yes' }).end('made');
/** A proxy whose users are all on a service that confirms its writes. */
const set = async (serviceDoes: RequestListener, handoff: object = { hold: '10s' }) => {
  open = await stage({ confirmed: true, serviceDoes, handoff: handoff as Record<string, unknown> });
  await open.control.says({ boundary: 10_000, pins: {} });
  return open;
};
const send = (method = 'POST') => fetch(`http://${open.address}/api/orders`, { method, headers: { 'x-user': 'ada' } });
/** The questions control has heard so far, as soon as there are `count`. */
const asks = (count: number) =>
  open.control.hears((all) => {
    const found = all.filter((message) => message.type === 'confirm');
    return found.length >= count && found;
  });
const confirm = (id: number) => open.control.send(JSON.stringify({ type: 'confirmed', id }));
const codeOf = async (response: Response) => ((await response.json()) as { error: { code: string } }).error.code;

describe('confirmed writes', () => {
  test('the answer of the service reaches the client, whole, when control has seen the write arrive', async () => {
    await set(created);
    let heard = false;
    const answer = send().finally(() => {
      heard = true;
    });
    const [ask] = await asks(1);
    expect(ask).toMatchObject({ capability: 'orders', user: 'ada' });
    expect(heard).toBe(false);
    confirm(ask!.id);
    const response = await answer;
    expect([response.status, response.headers.get('x-made'), await response.text()]).toEqual([201, 'yes', 'made']);
  });

  test('an answer without a body waits too, and one larger than a buffer comes whole', async () => {
    await set((request, response) => {
      if (request.method === 'DELETE') response.writeHead(204).end();
      else response.end('x'.repeat(3_000_000));
    });
    const empty = send('DELETE');
    confirm((await asks(1))[0]!.id);
    expect((await empty).status).toBe(204);
    const large = send('PUT');
    confirm((await asks(2))[1]!.id);
    expect((await (await large).text()).length).toBe(3_000_000);
  });

  test('nothing waits that is no write, no success, or no service’s', async () => {
    await set((request, response) => response.writeHead(request.method === 'POST' ? 409 : 200).end());
    expect((await send('GET')).status).toBe(200);
    expect((await send()).status).toBe(409);
    await open.control.says({ boundary: 0, pins: {} });
    expect((await send()).status).toBe(200);
    expect(open.control.received.filter(({ type }) => type === 'confirm')).toEqual([]);
  });

  test('a rollback that overtakes the write, or one that never arrives: 503, never success', async () => {
    await set(created, { hold: '300ms' });
    const late = await send();
    expect([late.status, await codeOf(late), late.headers.get('retry-after')]).toEqual([503, 'unconfirmed', '1']);
    const overtaken = send();
    await asks(2);
    await open.control.says({ boundary: 0, pins: {} });
    expect(await codeOf(await overtaken)).toBe('unconfirmed');
  });

  test('a write that waits for its confirmation is under way, so an orderly handoff waits for it', async () => {
    await set(created);
    const answer = send();
    const [ask] = await asks(1);
    const subject = { lo: 0, hi: 10_000 };
    const moving = { epoch: 2, subject, from: 'service', to: 'monolith' } as const;
    const ack = await open.control.says({ boundary: 10_000, pins: {}, moving });
    expect(ack.flights).toMatchObject([{ inFlight: 1 }]);
    confirm(ask!.id);
    expect((await answer).status).toBe(201);
    const drained = await open.control.hears((all) => all.find(({ type }) => type === 'flight'));
    expect(drained).toMatchObject({ flight: { epoch: 2, inFlight: 0 } });
  });

  test('a new stream to control asks again', async () => {
    await set(created);
    const answer = send();
    const [first] = await asks(1);
    open.control.breakLink();
    const all = await asks(2);
    expect(all[1]).toEqual(first);
    confirm(first!.id);
    expect((await answer).status).toBe(201);
  });

  test('a client that leaves while it waits harms nobody', async () => {
    await set(created);
    const abort = new AbortController();
    const gone = fetch(`http://${open.address}/api/orders`, {
      method: 'POST',
      headers: { 'x-user': 'ada' },
      signal: abort.signal,
    }).catch((error: Error) => error.name);
    const [ask] = await asks(1);
    abort.abort();
    expect(await gone).toBe('AbortError');
    const next = send();
    confirm(ask!.id);
    confirm((await asks(2))[1]!.id);
    expect((await next).status).toBe(201);
  });
});
