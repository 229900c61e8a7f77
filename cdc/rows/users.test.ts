import { describe, expect, test } from '@jest/globals';
import { withoutStanding } from '../apply/corrections.ts';
import type { MappedTable, Row } from '../mapping/mapping.ts';
import type { Rows } from './aggregates.ts';
import { goesElsewhere, leadsOf, usersFrom } from './users.ts';

/* Pages, each of which is its own (`split: none`), named by its slug. */
const pages = {
  ...{
    name: 'pages',
    key: ['slug'],
    user: { each: 'pages', key: ['slug'] },
    touched: [],
    columns: [{ name: 'slug' }, { name: 'words' }],
  },
} as unknown as MappedTable;
const row = (slug: string): Row => ({ slug, words: 'some' });

describe('a row that is its own user', () => {
  test('changes hands when its key changes: it is of both, the former first', () => {
    const moved = { table: pages, before: row('a'), after: row('b') };
    expect(goesElsewhere(moved)).toBe(true);
    expect(goesElsewhere({ ...moved, after: { slug: 'a', words: 'others' } })).toBe(false);
    const roots = leadsOf(moved).map(({ table, after }) => ({ table, key: after!, row: after! }));
    expect(usersFrom([moved], roots)).toEqual([['pages a', 'pages b']]);
  });

  test('is decided again under its new key when it comes late: it is nobody else’s who would say what becomes of it', async () => {
    const late = { table: pages, before: row('a'), after: row('b'), user: 'pages b', epoch: 3 };
    const here = { slug: 'b', words: 'the owner’s' };
    const rows = { store: () => ({ read: async () => [here] }) } as unknown as Rows;
    expect(await withoutStanding(rows, [late])).toEqual([late]);
  });
});
