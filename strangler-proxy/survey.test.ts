import { afterEach, expect, test } from '@jest/globals';
import type { FromProxy, SurveyedWrite } from '@strangler/plan';
import { stage } from './testing/stage.ts';

type Stage = Awaited<ReturnType<typeof stage>>;
let open: Stage;
afterEach(() => open.stop());

const send = (method: string, path: string, user?: string) =>
  fetch(`http://${open.address}${path}`, { method, ...(user !== undefined && { headers: { 'x-user': user } }) });
const survey = () => open.control.send(JSON.stringify({ type: 'survey', for: 60_000 }));
const toldIn = (all: readonly FromProxy[]): SurveyedWrite[] =>
  all.flatMap((message) => (message.type === 'surveyed' ? message.writes : []));
/** What control has been told, once this holds. */
const told = (holds: (writes: SurveyedWrite[]) => boolean) =>
  open.control.hears((all) => holds(toldIn(all)) && toldIn(all));

test('while a survey runs control is told of every request that may write, also of one on no route', async () => {
  open = await stage({ routes: ['ANY /api/orders', 'ANY /api/orders/:id/**'] });
  await open.control.says({ boundary: 0, pins: {} });
  await send('POST', '/api/orders', 'ada');
  survey();
  await open.control.hears((all) => all.some(({ type }) => type === 'surveyed'));
  await send('GET', '/api/orders', 'ada');
  await send('POST', '/api/orders/17/cancel?why=1', 'ada');
  await send('POST', '/admin/orders/17');
  await send('POST', '/api/orders-of/a-story');
  await send('POST', '/users/alice@example.test/reset/Zk3jR-tQw8sLmPz2vB');
  await send('POST', '/api/orders/search', 'ada');
  const writes = await told((all) => all.filter(({ ended }) => ended !== null).length === 5);
  const ended = writes.filter((write) => write.ended !== null);
  expect(ended).toMatchObject([
    {
      capability: 'orders',
      route: 'POST /api/orders/{id}/cancel',
      readOnly: false,
      users: { orders: { user: 'ada' } },
    },
    { capability: null, route: 'POST /admin/orders/{id}', users: { orders: { lack: 'absent' } }, status: 200 },
    { capability: null, route: 'POST /api/orders-of/a-story' },
    { capability: null, route: 'POST /users/{value}/reset/{value}' },
    { capability: 'orders', readOnly: true },
  ]);
  for (const { began, ended: end } of ended) expect(end).toBeGreaterThanOrEqual(began);
});

test('a write is told of while it is under way, and again when it has ended', async () => {
  const release = Promise.withResolvers<void>();
  open = await stage({
    monolithDoes: async (_, response) => {
      await release.promise;
      response.writeHead(204).end();
    },
  });
  await open.control.says({ boundary: 0, pins: {} });
  survey();
  await open.control.hears((all) => all.some(({ type }) => type === 'surveyed'));
  const answer = send('PUT', '/api/orders', 'ada');
  const [begun] = await told((all) => all.length === 1);
  expect(begun).toMatchObject({ ended: null, users: { orders: { user: 'ada' } } });
  release.resolve();
  await answer;
  const [, done] = await told((all) => all.length === 2);
  expect(done).toMatchObject({ id: begun!.id, began: begun!.began, status: 204, ended: expect.any(Number) });
});

test('a request on no route is named as the routes it begins like name theirs', async () => {
  open = await stage({ routes: ['ANY /api/orders/:number', 'ANY /api/orders/:number/items/:item'] });
  await open.control.says({ boundary: 0, pins: {} });
  survey();
  await open.control.hears((all) => all.some(({ type }) => type === 'surveyed'));
  await send('POST', '/api/orders/a-word/favorite', 'ada');
  const [write] = await told((all) => all.length > 0);
  expect(write).toMatchObject({ capability: null, route: 'POST /api/orders/{number}/favorite' });
});
