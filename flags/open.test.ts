import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parsePlan } from '@strangler/plan';
import { openFlags } from './open.ts';

test('the Plan says where flags are, and whose hash each capability is split by', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flags-'));
  const service =
    'service: { url: "http://127.0.0.1:2" }, user: [{ jwt: { claim: sub, verify: none } }], anonymous: monolith';
  const plan = parsePlan(
    `version: 1
name: shop
monolith: { url: "http://127.0.0.1:1" }
flags: { file: "${folder}/deep/flags.json" }
control: { tokens: { admin: aaaaaaaa, proxy: pppppppp } }
capabilities:
  orders: { routes: ["ANY /orders"], ${service} }
  search: { group: own, routes: ["ANY /search"], ${service} }`,
    {},
  );
  const flags = await openFlags(plan);
  expect([flags.read('orders'), flags.read('search')]).toEqual([undefined, undefined]);
  for (const capability of ['orders', 'search']) await flags.create(capability, 0, 'a test');
  await flags.stop();
  const { features } = JSON.parse(await readFile(join(folder, 'deep', 'flags.json'), 'utf8'));
  const groups = features.map(
    (one: { strategies: { parameters: { groupId: string } }[] }) => one.strategies[0]?.parameters.groupId,
  );
  expect(groups).toEqual(['shop', 'own']);
  await rm(folder, { recursive: true });
});
