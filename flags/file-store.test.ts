import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openFlagFile } from './file-store.ts';
import type { FlagStore } from './store.ts';

type Rollouts = { strategies: { parameters: { rollout: string } }[] };

const groups = new Map([
  ['orders', 'shop'],
  ['notifications', 'shop'],
]);
let folder: string;
let path: string;
let problems: string[];
let flags: FlagStore;

const open = () => openFlagFile(path, groups, (problem) => problems.push(problem));
const content = async () => JSON.parse(await readFile(path, 'utf8'));
const withRollout = async (rollout: string) => {
  const file = await content();
  file.features.find(({ name }: { name: string }) => name === 'orders').strategies[0].parameters.rollout = rollout;
  return JSON.stringify(file);
};

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await wait(5);
}
const untilRead = (percentage: number) => until(() => flags.read('orders')?.percentage === percentage);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flags-'));
  path = join(folder, 'flags.json');
  problems = [];
  flags = await open();
  await flags.create('orders', 0, 'a test');
  await flags.create('notifications', 0, 'a test');
});
afterEach(async () => {
  await flags.stop();
  await flags.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('flags in a watched file', () => {
  test('a file that is absent is made by the first flag, in the format of Unleash', async () => {
    expect(flags.read('orders')?.percentage).toBe(0);
    expect(flags.read('notifications')?.percentage).toBe(0);
    expect(flags.read('unknown')).toBeUndefined();
    const { version, features } = await content();
    expect(version).toBe(2);
    expect(features[0]).toMatchObject({
      name: 'orders',
      enabled: true,
      strategies: [
        {
          name: 'flexibleRollout',
          parameters: { rollout: '0', stickiness: 'userId', groupId: 'shop' },
          constraints: [],
        },
      ],
    });
    expect(problems).toEqual([]);
  });

  test('faults 43: opening creates nothing, so a file that is gone is no wish for 0 %', async () => {
    await flags.write('orders', 25, 'try');
    await flags.stop();
    await rm(path);
    flags = await open();
    expect(flags.read('orders')).toBeUndefined();
    expect(await readdir(folder)).toEqual([]);
  });

  test('a flag that exists is not made again, and one that is missing is', async () => {
    await flags.write('orders', 25, 'try');
    const file = await content();
    await flags.stop();
    await writeFile(path, JSON.stringify({ ...file, features: file.features.slice(0, 1) }));
    flags = await open();
    expect(flags.read('notifications')).toBeUndefined();
    await flags.create('orders', 0, 'not needed');
    await flags.create('notifications', 5, 'needed');
    expect(flags.read('orders')?.percentage).toBe(25);
    expect(flags.read('notifications')?.percentage).toBe(5);
  });

  test('faults 44: a file that cannot be parsed is not overwritten by a flag that is made', async () => {
    await writeFile(path, 'garbage');
    await expect(flags.create('orders', 0, 'no')).rejects.toThrow('cannot be changed');
    expect(await readFile(path, 'utf8')).toBe('garbage');
  });

  test('a person’s edit and an atomic rename are both seen, and listeners are called', async () => {
    let changes = 0;
    flags.onChange(() => changes++);
    await writeFile(path, await withRollout('25'));
    await untilRead(25);
    await writeFile(`${path}.new`, await withRollout('12.5'));
    await rename(`${path}.new`, path);
    await untilRead(12.5);
    expect(changes).toBe(2);
  });

  test('what is written can be read at once, by us and by everyone else, with its reason', async () => {
    await flags.write('orders', 37.5, 'a try on Tuesday');
    expect(flags.read('orders')?.percentage).toBe(37.5);
    const orders = (await content()).features[0];
    expect(orders.strategies[0].parameters.rollout).toBe('37.5');
    expect(orders.description).toMatch(/^37\.5 % on \d{4}-.*: a try on Tuesday$/);
    expect(await readdir(folder)).toEqual(['flags.json']);
  });

  test('two writes at a time are both kept', async () => {
    await Promise.all([flags.write('orders', 10, 'a'), flags.write('notifications', 20, 'b')]);
    expect((await content()).features.map(({ strategies }: Rollouts) => strategies[0]?.parameters.rollout)).toEqual([
      '10',
      '20',
    ]);
  });

  test('faults 44: broken JSON, nonsense and a file that is gone keep the last good value, and its age grows', async () => {
    await flags.write('orders', 25, 'try');
    const good = await withRollout('30');
    await writeFile(path, good.slice(0, 40));
    await until(() => problems.some((problem) => /is not valid JSON.*last good percentages are kept/.test(problem)));
    const age = flags.read('orders')!.age;
    await until(() => flags.read('orders')!.age > age + 1_200);
    expect(flags.read('orders')?.percentage).toBe(25);
    await expect(flags.write('orders', 0, 'back')).rejects.toThrow(/cannot be changed: is not valid JSON/);

    await writeFile(path, good.replace('"30"', '"abc"'));
    await until(() => problems.some((problem) => /flag orders has a rollout of "abc"/.test(problem)));
    expect(flags.read('orders')?.percentage).toBe(25);

    await rm(path);
    await until(() => problems.some((problem) => /is gone/.test(problem)));
    expect(flags.read('orders')?.percentage).toBe(25);
    await writeFile(path, good);
    await untilRead(30);
    expect(problems).toHaveLength(3);
  });

  test('faults 43: a file that cannot be read at start holds nobody up and is found when it is fixed', async () => {
    await flags.stop();
    await writeFile(path, 'not json');
    flags = await open();
    expect(flags.read('orders')).toBeUndefined();
    expect(problems).toEqual([expect.stringMatching(/not valid JSON/)]);
    await rm(path);
    await flags.write('orders', 5, 'fixed');
    expect(flags.read('orders')?.percentage).toBe(5);
  });

  test.each([
    [
      'depends on a parent',
      { dependencies: [{ feature: 'parent' }] },
      /flag orders depends on "parent".*, 60 %, is kept/,
    ],
    ['has variants', { variants: [{ name: 'blue', weight: 1_000 }] }, /flag orders has variants/],
  ])('F1: a flag that %s keeps its last good value, and a rollback switches it off', async (_, more, told) => {
    await flags.write('orders', 60, 'a step');
    const file = JSON.parse(await withRollout('100'));
    Object.assign(file.features[0], more);
    file.features.push({ name: 'parent', enabled: false, strategies: [] });
    await writeFile(path, JSON.stringify(file));
    await until(() => problems.some((problem) => told.test(problem)));
    expect(flags.read('orders')?.percentage).toBe(60);
    await expect(flags.write('orders', 75, 'a step')).rejects.toThrow(/cannot be changed: flag orders/);
    await flags.write('orders', 0, 'back');
    expect((await content()).features[0]).toMatchObject({ enabled: false, ...more });
    await flags.stop();
    flags = await open();
    expect(flags.read('orders')?.percentage).toBe(0);
  });

  test('F2: a flag that is there twice is refused by name, the other flags go on, and a rollback stays', async () => {
    await flags.write('orders', 60, 'a step');
    const file = await content();
    const twin = JSON.parse(JSON.stringify(file.features[0]).replace('"60"', '"20"'));
    await writeFile(path, JSON.stringify({ ...file, features: [...file.features, twin] }));
    await until(() => problems.some((problem) => /flag orders is in .*flags.json more than once/.test(problem)));
    expect(flags.read('orders')?.percentage).toBe(60);
    await flags.write('notifications', 30, 'goes on');
    expect(flags.read('notifications')?.percentage).toBe(30);
    await flags.write('orders', 0, 'back');
    const rollouts = (await content()).features.map(({ strategies }: Rollouts) => strategies[0]?.parameters.rollout);
    expect(rollouts).toEqual(['0', '30', '0']);
    await writeFile(path, JSON.stringify({ ...file, features: [twin, file.features[1]] }));
    await untilRead(20);
  });

  test('faults 45: a file that flips 10 times a second moves the flag down once and up when it has kept still', async () => {
    const seen: number[] = [];
    flags.onChange(() => seen.push(flags.read('orders')!.percentage));
    for (let at = 0; at < 20; at++) {
      await writeFile(path, await withRollout(at % 2 ? '10' : '50'));
      await wait(50);
    }
    await writeFile(path, await withRollout('60'));
    await untilRead(60);
    expect(seen).toEqual([50, 10, 60]);
  });

  test('a percentage that is none is refused before anything is written', async () => {
    const before = await readFile(path, 'utf8');
    await expect(flags.write('orders', 101, 'oops')).rejects.toThrow(/not a percentage/);
    await expect(flags.write('unknown', 10, 'oops')).rejects.toThrow(/no capability unknown/);
    expect(await readFile(path, 'utf8')).toBe(before);
  });
});
