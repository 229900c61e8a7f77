import { expect, test } from '@jest/globals';
import type { MappedTable } from '../mapping/mapping.ts';
import { isAnId, isCalledLike } from './by-key.ts';

const table = (name: string, id = 'id') => ({ name, ownId: { column: { name: id } } }) as MappedTable;

test.each([
  ['Tags', 'id', 'tagId'],
  ['Tags', 'id', 'TagId'],
  ['tags', 'id', 'tag_id'],
  ['Tags', 'Id', 'TagsId'],
  ['tags', 'tag_id', 'tag_id'],
  ['Categories', 'id', 'categoryId'],
  ['boxes', 'id', 'box_id'],
  ['news', 'id', 'newsId'],
])('an id of %s (%s) may be in a column %s', (name, id, column) => {
  expect(isCalledLike(table(name, id), column)).toBe(true);
});

test.each(['id', 'stagId', 'tag', 'userId', 'tagIds'])('but not in %s', (column) => {
  expect(isCalledLike(table('Tags'), column)).toBe(false);
});

test.each([
  ['parent', 'integer', true],
  ['parent_id', 'integer', true],
  ['rootId', 'integer', true],
  ['parent_id', 'text', false],
  ['paid', 'integer', false],
  ['grid', 'integer', false],
] as const)('a column %s of the table itself, of kind %s, may hold its ids: %s', (column, name, isOne) => {
  const tags = { ownId: { column: { kind: { name: 'integer' } } } } as MappedTable;
  expect(isAnId(tags, column, { name })).toBe(isOne);
});
