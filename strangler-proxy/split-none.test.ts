import type { RequestListener } from 'node:http';
import { afterEach, expect, test } from '@jest/globals';
import { stage } from './testing/stage.ts';

type Stage = Awaited<ReturnType<typeof stage>>;
let open: Stage | undefined;
afterEach(async () => {
  await open?.stop();
  open = undefined;
});

const MONOLITHS = { boundary: 0, pins: {} };
const SERVICES = { boundary: 10_000, pins: {} };

const ask = async (method = 'GET', headers: Record<string, string> = {}, path = '/api/orders/7') => {
  const answer = await fetch(`http://${open!.address}${path}`, { method, headers });
  return ((await answer.json()) as { name?: string }).name;
};
const several = (method: string) =>
  Promise.all(['ada', 'bob', 'eve', ''].map((user) => ask(method, user ? { 'x-user': user } : {})));

test('split: none: all requests go to one side, whoever sends them, and none lacks its user', async () => {
  open = await stage({ split: 'none' });
  const { control } = open;
  await control.says(MONOLITHS);
  expect(new Set(await several('POST'))).toEqual(new Set(['monolith']));
  await control.says(SERVICES);
  expect(new Set([...(await several('GET')), ...(await several('POST'))])).toEqual(new Set(['service']));
  const identified = await control.hears((all) => {
    const told = all.flatMap((one) => (one.type === 'identified' ? one.identified : []));
    const sum = (what: 'requests' | 'absent') =>
      told.reduce((total, { reads, writes }) => total + reads[what] + writes[what], 0);
    return sum('requests') === 12 && { absent: sum('absent') };
  });
  expect(identified).toEqual({ absent: 0 });
});

test('split: none: its writes are held while it is handed over, many of one address, and its reads go on', async () => {
  open = await stage({ split: 'none', handoff: { hold: '30s', queue: 100 } });
  const { control } = open;
  await control.says(MONOLITHS);
  const subject = { lo: 0, hi: 10_000 };
  await control.says({ ...MONOLITHS, moving: { epoch: 1, subject, from: 'monolith', to: 'service' } });
  const writes = Promise.all(Array.from({ length: 25 }, () => ask('POST'))); // of one user ten would be held
  expect(await ask('GET')).toBe('monolith');
  const held = async () => /strangler_proxy_held_writes\S* (\d+)/.exec(await metrics())?.[1];
  const metrics = async () => (await fetch(`http://${open!.metricsAddress}/metrics`)).text();
  while ((await held()) !== '25') await new Promise((resolve) => setTimeout(resolve, 5));
  await control.says(SERVICES);
  expect(new Set(await writes)).toEqual(new Set(['service']));
});

test('split: none: what is compared are some of its requests, not all of them or none', async () => {
  const alike: RequestListener = (_, response) => void response.end('{}');
  const compare = { share: '50%', noise: '0%' };
  open = await stage({ split: 'none', compare, monolithDoes: alike, serviceDoes: alike });
  await open.control.says(MONOLITHS);
  for (let nth = 0; nth < 40; nth++) await ask();
  await open.control.hears((all) => all.some(({ type }) => type === 'compared'));
  const { length } = open.service.requests;
  expect(length).toBeGreaterThan(0);
  expect(length).toBeLessThan(40);
});
