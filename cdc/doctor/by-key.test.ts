import { expect, test } from '@jest/globals';
import type { MappedTable } from '../mapping/mapping.ts';
import { isCalledLike } from './by-key.ts';

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
