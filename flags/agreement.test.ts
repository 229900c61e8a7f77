import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { bucketOf } from '@strangler/plan';
import fc from 'fast-check';
import { Unleash } from 'unleash-client';
import { openFlagFile } from './file-store.ts';
import { WatchedFile } from './watched-file.ts';

/* The split is ours, the flag is Unleash's: whoever asks either of them about a user must hear the same. */
let folder: string;
let unleash: Unleash;
let setTo: (percentage: number) => Promise<void>;
const stops: (() => unknown)[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flags-'));
  const path = join(folder, 'flags.json');
  const flags = await openFlagFile(path, new Map([['orders', 'shop']]), console.warn);
  await flags.create('orders', 0, 'agree');
  const file = new WatchedFile(path);
  unleash = new Unleash({
    appName: 'somebody-else',
    url: 'http://file',
    repository: file as never,
    disableMetrics: true,
    disableAutoStart: true,
  });
  const ready = new Promise((resolve) => unleash.once('ready', resolve));
  await unleash.start();
  await ready;
  setTo = async (percentage) => {
    await flags.write('orders', percentage, 'agree');
    await file.change((same) => same); // reads it
  };
  stops.push(
    flags.stop,
    () => unleash.destroy(),
    () => rm(folder, { recursive: true }),
  );
});
afterAll(async () => {
  for (const stop of stops) await stop();
});

const ours = (user: string, percentage: number) => bucketOf('shop', user) < Math.round(percentage * 100);
const theirs = (user: string) => unleash.isEnabled('orders', { userId: user });

describe('our split and Unleash’s own', () => {
  test.each([[0], [1], [10], [25], [50], [75], [99], [100]])('agree on 5000 users at %d %%', async (percentage) => {
    await setTo(percentage);
    for (let user = 1; user <= 5_000; user++)
      expect([user, theirs(`${user}`)]).toEqual([user, ours(`${user}`, percentage)]);
  });

  test('faults 40: at every whole percent, for users of any printable name, and 0 and 100 are exact', async () => {
    for (let percentage = 0; percentage <= 100; percentage++) {
      await setTo(percentage);
      fc.assert(
        fc.property(fc.string({ minLength: 1, unit: 'grapheme-ascii' }), (user) => {
          expect(theirs(user)).toBe(ours(user, percentage));
          if (percentage % 100 === 0) expect(ours(user, percentage)).toBe(percentage === 100);
        }),
        { numRuns: 100 },
      );
    }
  });

  test('between whole percents Unleash takes the lower one, and nobody it takes is missing in ours', async () => {
    await setTo(12.5);
    for (let user = 1; user <= 2_000; user++) {
      expect(theirs(`${user}`)).toBe(ours(`${user}`, 12));
      if (theirs(`${user}`)) expect(ours(`${user}`, 12.5)).toBe(true);
    }
  });
});
