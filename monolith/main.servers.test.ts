import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import { type Shop, send, startShop } from './testing/shop.ts';

let shop: Shop;
beforeAll(async () => {
  shop = await startShop((await servers()).mysql);
});
afterAll(() => shop.stop());

const complete = () => ({
  PORT: '0',
  DATABASE_URL: shop.databaseUrl,
  JWT_SECRET: shop.jwtSecret,
  INTERNAL_TOKEN: shop.internalToken,
});

const start = (env: Record<string, string>, ...args: string[]): ChildProcess =>
  spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });

const ended = async (child: ChildProcess) => {
  const [told, [code]] = await Promise.all([text(child.stderr!), once(child, 'exit')]);
  return { code, told };
};

const listening = async (child: ChildProcess): Promise<string> => {
  for await (const line of createInterface({ input: child.stdout! })) {
    const { msg, url } = JSON.parse(line);
    if (msg === 'listening') return url;
  }
  throw new Error('the monolith ended before it listened');
};

test('without configuration it names what is missing and exits 2', async () => {
  const { code, told } = await ended(start({}));
  expect(code).toBe(2);
  expect(told).toMatch(/DATABASE_URL is not set[\s\S]*JWT_SECRET is not set[\s\S]*INTERNAL_TOKEN is not set/);
});

test('it serves, is in the way of a second one on the same port, and stops cleanly when told', async () => {
  const monolith = start(complete());
  const url = await listening(monolith);
  expect((await send(url, 'GET', '/health')).status).toBe(200);
  const second = await ended(start({ ...complete(), PORT: new URL(url).port }));
  expect(second.code).toBe(2);
  expect(second.told).toContain('is in use: stop what listens there, or set PORT to another');
  monolith.kill('SIGTERM');
  expect(await once(monolith, 'exit')).toEqual([0, null]);
});

test('`migrate` migrates and ends', async () => {
  expect(await ended(start(complete(), 'migrate'))).toEqual({ code: 0, told: '' });
});

test('a database that does not exist is named with the next step', async () => {
  const { code, told } = await ended(start({ ...complete(), DATABASE_URL: `${shop.databaseUrl}_none` }));
  expect(code).toBe(1);
  expect(told).toMatch(/Unknown database 'shop_.*_none'[\s\S]*Check that the database of DATABASE_URL exists/);
});
