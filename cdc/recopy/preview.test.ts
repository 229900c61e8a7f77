import { expect, test } from '@jest/globals';
import type { MappedTable } from '../mapping/mapping.ts';
import { previewOf } from './preview.ts';

const table = {
  name: 'articles',
  key: ['id'],
  columns: ['id', 'title', 'popularity'].map((name) => ({ name })),
  otherWriters: { columns: new Set(['popularity']), inserts: false, deletes: false },
} as unknown as MappedTable;
const row = (title: string, popularity: string) => ({ id: '1', title, popularity });
const told = (monolith: ReturnType<typeof row> | null, service: ReturnType<typeof row> | null) =>
  previewOf({ table, key: { id: '1' }, monolith, service }, 'ada', 'service').map(({ owner, does, columns }) => [
    ...[owner, does],
    ...columns.map(({ column, from, to }) => `${column}: ${from} → ${to}`),
  ]);

test('what declared writers change is taken from the monolith, the rest from the row’s owner', () => {
  expect(told(row('old', '9'), row('new', '5'))).toEqual([
    ['service', 'update', 'title: old → new'],
    ['monolith', 'update', 'popularity: 5 → 9'],
  ]);
  expect(told(row('same', '9'), row('same', '5'))).toEqual([['monolith', 'update', 'popularity: 5 → 9']]);
  expect(told(null, row('new', '5'))).toEqual([
    ['service', 'insert', 'id: null → 1', 'title: null → new', 'popularity: null → 5'],
  ]);
  expect(told(row('gone', '9'), null)[0]!.slice(0, 2)).toEqual(['service', 'delete']);
});
