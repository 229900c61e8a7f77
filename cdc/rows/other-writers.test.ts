import { expect, test } from '@jest/globals';
import type { MappedTable } from '../mapping/mapping.ts';
import { declaredOn, isDeclared, keepingDeclared, ontoOwners } from './other-writers.ts';

const table = {
  columns: ['id', 'title', 'popularity', 'updated_at'].map((name) => ({ name })),
  touched: ['updated_at'],
  otherWriters: { columns: new Set(['popularity']), inserts: true, deletes: false },
} as unknown as MappedTable;
const row = (title: string, popularity: string, updated_at = '1') => ({ id: '1', title, popularity, updated_at });

test('what the Plan declares: columns that a job changes, rows that a webhook inserts', () => {
  const change = (before: ReturnType<typeof row> | null, after: ReturnType<typeof row> | null) =>
    isDeclared({ table, before, after });
  expect(change(row('a', '1'), row('a', '2', '2'))).toBe(true);
  expect(change(row('a', '1'), row('b', '2'))).toBe(false);
  expect(change(row('a', '1'), row('a', '1', '2'))).toBe(true); // the same value once more
  expect(change(null, row('a', '1'))).toBe(true);
  expect(change(row('a', '1'), null)).toBe(false);
});

test('each keeps its own columns: the job’s on the owner’s row, and the owner’s row around the job’s', () => {
  expect(ontoOwners(table, row('old', '1'), row('old', '2', '2'), row('new', '1', '1'))).toEqual(row('new', '2', '2'));
  expect(keepingDeclared(declaredOn({ side: 'monolith' }, table), row('new', '1'), row('old', '2'))).toEqual(
    row('new', '2'),
  );
  expect(keepingDeclared(declaredOn({ side: 'monolith' }, table), row('new', '1'), undefined)).toEqual(row('new', '1'));
});

test('a touched column that the owner has changed meanwhile stays the owner’s, as it will be in the monolith', () => {
  expect(ontoOwners(table, row('old', '1'), row('old', '2', '2'), row('new', '1', '3'))).toEqual(row('new', '2', '3'));
});
