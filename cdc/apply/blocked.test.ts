import { expect, test } from '@jest/globals';
import type { MappedTable } from '../mapping/mapping.ts';
import { tellBehind } from './blocked.ts';

const table = { name: 'things' } as MappedTable;
const one = (user: string | null, beside?: string) => ({
  change: { table, before: null, after: null, user, beside, owns: true, epoch: null },
});

test('what comes after for a blocked user waits, in order, and with it whoever gets a row of theirs; others do not', () => {
  const [early, moved, late, other, nobodys] = [one('bob'), one('bob', 'ada'), one('bob'), one('cy'), one(null)];
  const { behind, free, users } = tellBehind([early, moved, late, other, nobodys], new Set(['ada']));
  expect(behind).toEqual([moved, late]);
  expect(free).toEqual([early, other, nobodys]);
  expect(users).toEqual(['bob']);
});
