import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from '@jest/globals';
import { wholeFolder } from './whole-folder.ts';

const place = mkdtempSync(join(tmpdir(), 'whole-folder-'));
const folder = join(place, 'mysql');
beforeEach(() => {
  for (const entry of readdirSync(place)) rmSync(join(place, entry), { recursive: true });
});
afterAll(() => rmSync(place, { recursive: true }));

test('a folder has its name only when it is complete', async () => {
  await wholeFolder(folder, async (half) => {
    expect(existsSync(folder)).toBe(false);
    writeFileSync(join(half, 'file'), 'whole');
  });
  expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('whole');
});

test('what fails half way is thrown away by the next, and so is what a killed one left', async () => {
  await expect(
    wholeFolder(folder, async (half) => {
      writeFileSync(join(half, 'file'), 'ha');
      throw new Error('disk full');
    }),
  ).rejects.toThrow('disk full');
  mkdirSync(join(place, 'mysql.half-1'));
  await wholeFolder(folder, async (half) => writeFileSync(join(half, 'file'), 'whole'));
  expect(readdirSync(place)).toEqual(['mysql']);
});

test('two at once take turns, and the second finds the work done', async () => {
  let filled = 0;
  const fill = async () => {
    filled++;
  };
  await Promise.all([wholeFolder(folder, fill), wholeFolder(folder, fill)]);
  expect(filled).toBe(1);
});
