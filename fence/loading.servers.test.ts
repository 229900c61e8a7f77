import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import { GROUP, makeShop, type Shop } from './testing/shop.ts';

const MODULES = fileURLToPath(new URL('../node_modules', import.meta.url));
const shops: Partial<Record<'monolith' | 'service', Shop>> = {};
let folder: string | undefined;
beforeAll(async () => {
  for (const side of ['monolith', 'service'] as const)
    shops[side] = await makeShop(side, await servers(), `fence_${side}_l${process.pid}`);
  folder = await mkdtemp(join(tmpdir(), 'fence-'));
  await symlink(MODULES, join(folder!, 'node_modules'));
});
afterAll(async () => {
  for (const shop of Object.values(shops)) await shop.drop();
  if (folder) await rm(folder, { recursive: true });
});

/** A monolith as it is in many places: CommonJS, Sequelize, Express. */
const MONOLITH = `
const express = require('express');
const { Sequelize } = require('sequelize');
const { createFence, answerGivenAway } = require('@strangler/fence');
const sequelize = new Sequelize(process.argv[2], { dialect: 'mysql', logging: false });
const fence = createFence({ capability: 'notes', group: '${GROUP}', side: 'monolith', user: () => 7 });
fence.sequelize(sequelize);
const app = express();
app.post('/notes', fence.middleware, (request, response, next) => {
  sequelize.query("INSERT INTO notes (user_id, words) VALUES ('7', 'x')").then(() => response.json({}), next);
});
app.use(answerGivenAway);
const server = app.listen(0, '127.0.0.1', async () => {
  const answer = await fetch('http://127.0.0.1:' + server.address().port + '/notes', { method: 'POST' });
  console.log(answer.status, answer.headers.get('strangler-fence'), await answer.text());
  server.close();
  await sequelize.close();
});`;

/** A service: ESM, pg, and no Express at all. */
const SERVICE = `
import { createFence, GivenAwayError } from '@strangler/fence';
import pg from 'pg';
const pool = new pg.Pool({ connectionString: process.argv[2] });
const fence = createFence({ capability: 'notes', group: '${GROUP}', side: 'service', user: () => null });
const note = (client) => client.query("INSERT INTO notes (user_id, words) VALUES ('7', 'x')");
await fence.transaction(pool, note, 7n).then(() => console.log('written'), (error) => console.log(error instanceof GivenAwayError, error.code));
await pool.end();`;

const run = async (file: string, source: string, side: 'monolith' | 'service') => {
  await writeFile(join(folder!, file), source);
  return (await promisify(execFile)(process.execPath, [join(folder!, file), shops[side]!.url])).stdout.trim();
};

test('a plain CommonJS program requires it', async () => {
  expect(await run('monolith.cjs', MONOLITH, 'monolith')).toBe('200 null {}');
  await shops.monolith!.handoff('barrier', 1);
  expect(await run('monolith.cjs', MONOLITH, 'monolith')).toMatch(
    /^409 given-away \{"error":\{"code":"given-away","message":".+"\}\}$/,
  );
});

test('a plain ESM program imports it', async () => {
  expect(await run('service.mjs', SERVICE, 'service')).toBe('true given-away');
  await shops.service!.handoff('grant', 1);
  expect(await run('service.mjs', SERVICE, 'service')).toBe('written');
});
