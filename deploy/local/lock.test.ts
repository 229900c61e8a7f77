import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { lock, lockHolder, tryLock } from './lock.ts';

test('one holds the lock, the others learn who', async () => {
  const name = randomUUID();
  const held = await tryLock(name, '`up` (process 1)');
  expect(await tryLock(name, 'another')).toBeUndefined();
  expect(await lockHolder(name)).toBe('`up` (process 1)');
  await held?.release();
  expect(await lockHolder(name)).toBeUndefined();
});

test('who waits hears for whom, once, and gets the lock when it is released', async () => {
  const name = randomUUID();
  const first = await tryLock(name, 'first');
  const told: string[] = [];
  const second = lock(name, 'second', (holder) => {
    told.push(holder);
    void first?.release();
  });
  await (await second).release();
  expect(told).toEqual(['first']);
});

test('the lock of a process that was killed is free', async () => {
  const name = randomUUID();
  const script = `import { tryLock } from ${JSON.stringify(join(import.meta.dirname, 'lock.ts'))};
    await tryLock(${JSON.stringify(name)}, 'doomed'); console.log('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '--disable-warning=ExperimentalWarning' },
  });
  await once(child.stdout, 'data');
  expect(await lockHolder(name)).toBe('doomed');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const held = await lock(name, 'heir');
  expect(await lockHolder(name)).toBe('heir');
  await held.release();
});
