import { describe, expect, test } from '@jest/globals';
import { crossReferencesOf } from './cross-references.ts';
import type { ForeignKey } from './foreign-keys.ts';
import type { MappedTable } from './mapping.ts';
import type { UserPath } from './user-column.ts';

/** `columns` with a ? may be NULL on both sides; the service calls them otherwise. */
const table = (name: string, user: UserPath, columns: readonly string[]) =>
  ({
    ...{ name, user, key: ['id'], tables: { monolith: name, service: name.toLowerCase() } },
    columns: columns.map((given) => {
      const [column, nullable] = [given.replace('?', ''), given.endsWith('?')];
      const kind = { name: column === 'slug' ? 'text' : 'integer' };
      const at = (called: string) => ({ name: called, nullable });
      return { name: column, kind, monolith: at(column), service: at(`its_${column}`) };
    }),
  }) as unknown as MappedTable;
const user: UserPath = { ways: [{ column: 'userId' }], type: 'integer' };
const TABLES = [
  table('Posts', user, ['id', 'userId', 'slug']),
  table('Replies', user, ['id', 'userId', 'postId', 'slug', 'aboutId?']),
  table('Parts', { ways: [{ through: ['postId'], of: 'Posts' }], type: 'integer' }, ['id', 'postId']),
];
const on = (child: string, from: string, onDelete = 'CASCADE', to = 'id'): ForeignKey[] => [
  { side: 'monolith', name: 'm', child, parent: 'Posts', pairs: [[from, to]], onDelete },
  {
    ...{ side: 'service', name: 's', child: child.toLowerCase(), parent: 'posts', onDelete },
    pairs: [[`its_${from}`, `its_${to}`]],
  },
];

describe('a reference that is a way to the user, among others', () => {
  const ways = [{ column: 'userId' }, { through: ['postId'], of: 'Posts' }];
  const having = (path: UserPath) => [TABLES[0]!, table('Replies', path, ['id', 'userId?', 'postId?'])];

  test('is followed, because another way before it may lead to another user', () => {
    const user = { ways, type: 'integer' } as const;
    expect(crossReferencesOf(having(user), on('Replies', 'postId'))).toMatchObject([{ loses: 'itself' }]);
  });

  test('is not, if it is the first one or never set beside one before it', () => {
    const first = { ways: ways.toReversed(), type: 'integer' } as const;
    const apart = { ways, apart: ways.slice(1), type: 'integer' } as const;
    for (const user of [first, apart]) expect(crossReferencesOf(having(user), on('Replies', 'postId'))).toEqual([]);
  });
});

describe('a reference that the sync sees to', () => {
  test('crosses users, and both sides have a foreign key for it, each by its own names', () => {
    const [reference, ...others] = crossReferencesOf(TABLES, on('Replies', 'postId'));
    expect(others).toEqual([]);
    expect(reference).toMatchObject({
      child: TABLES[1],
      parent: TABLES[0],
      pairs: [['postId', 'id']],
      loses: 'itself',
    });
  });

  test.each([
    ['one that only one side has', on('Replies', 'postId').slice(0, 1)],
    ['the way to a user', on('Parts', 'postId')],
    ['one to another key than the primary one', on('Replies', 'slug', 'CASCADE', 'slug')],
    ['one to a key of another kind', on('Replies', 'slug')],
    ['one between tables of which one is not mapped', on('Audits', 'postId')],
  ])('is not %s', (_, keys) => {
    expect(crossReferencesOf(TABLES, keys)).toEqual([]);
  });

  test.each([
    ['itself', on('Replies', 'postId', 'RESTRICT')],
    ['itself', on('Replies', 'postId', 'SET NULL')], // which the column does not take
    ['the reference', on('Replies', 'aboutId', 'SET NULL')],
    ['itself', [...on('Replies', 'aboutId', 'SET NULL').slice(0, 1), ...on('Replies', 'aboutId').slice(1)]],
  ] as const)('has a row without its parent lose %s', (loses, keys) => {
    expect(crossReferencesOf(TABLES, keys)).toMatchObject([{ loses }]);
  });
});
