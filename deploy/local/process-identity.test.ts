import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { findMarked, identify, isAlive, markVariable, parseStat, signal, terminate } from './process-identity.ts';

const sleeper = (mark: string) =>
  spawn('sleep', ['600'], { stdio: 'ignore', env: { ...process.env, [markVariable]: mark } });

test('fields of /proc/PID/stat are counted from the last bracket, whatever the command is called', () => {
  const fields = ['S', '7', ...Array.from({ length: 17 }, (_, at) => String(at)), '4711', '0'];
  expect(parseStat(`42 (a ) S (b) ${fields.join(' ')}`)).toEqual({ state: 'S', parent: 7, ticks: '4711' });
});

test('a process id that is used again is not the process it was', () => {
  const now = identify(process.pid)!;
  expect(isAlive(now)).toBe(true);
  const before = { ...now, started: `${now.started}0` };
  expect(isAlive(before)).toBe(false);
  signal(before, 'SIGKILL'); // would end this very test
});

test('a process is found by its mark, and only by the whole of it', async () => {
  const mark = `mysql@/${randomUUID()}`;
  const child = sleeper(mark);
  await once(child, 'spawn');
  expect(findMarked(mark).map(({ pid }) => pid)).toEqual([child.pid]);
  expect(findMarked(mark.slice(0, -1))).toEqual([]);
  const ended = once(child, 'exit');
  await terminate(findMarked(mark)[0]!, 5000);
  expect(await ended).toEqual([null, 'SIGTERM']);
  expect(findMarked(mark)).toEqual([]);
});

test('what does not heed SIGTERM is killed', async () => {
  const mark = `stubborn@/${randomUUID()}`;
  const child = spawn('sh', ['-c', "trap '' TERM; echo ready; while :; do sleep 1; done"], {
    env: { ...process.env, [markVariable]: mark },
  });
  await once(child.stdout, 'data');
  const ended = once(child, 'exit');
  await terminate(findMarked(mark)[0]!, 100);
  expect(await ended).toEqual([null, 'SIGKILL']);
  for (const left of findMarked(mark)) signal(left, 'SIGKILL');
});
