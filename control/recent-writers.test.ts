import { expect, test } from '@jest/globals';
import { RecentWriters } from './recent-writers.ts';

test('whoever wrote last is named first; who has arrived is forgotten, unless they wrote again', () => {
  const writers = new RecentWriters();
  writers.add(['ada', 'bob', 'eve'], 100);
  writers.add(['ada'], 200);
  expect(writers.among(() => true)).toEqual({ atRisk: ['ada', 'eve', 'bob'], more: 0 });
  writers.forget(150);
  expect(writers.among(() => true)).toEqual({ atRisk: ['ada'], more: 0 });
  expect(writers.among((user) => user !== 'ada')).toEqual({ atRisk: [], more: 0 });
});

test('not more than a thousand are named, and the memory has an end', () => {
  const writers = new RecentWriters();
  const users = Array.from({ length: 100_010 }, (_, at) => `user-${at}`);
  writers.add(users, 1);
  const { atRisk, more } = writers.among(() => true);
  expect(atRisk).toHaveLength(1_000);
  expect(more).toBe(99_000);
  expect(writers.among((user) => user === 'user-9')).toEqual({ atRisk: [], more: 0 });
});
