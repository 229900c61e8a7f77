import { describe, expect, test } from '@jest/globals';
import type { KeptEntry } from '@strangler/ledger';
import { tableOf } from '../../plan/testing/table.ts';
import { type MappedTable, mapTable } from '../mapping/mapping.ts';
import { lostAndMade } from './undoing.ts';

const shape = (type: string) => ({
  ...{ table: 'orders', generated: [], primaryKey: ['id'] },
  columns: ['id', 'user_id', 'note'].map((name) => ({ name, type, cast: type, digits: 0, nullable: false })),
});
const orders = mapTable(
  'orders',
  tableOf({ user: 'user_id' }),
  'text',
  shape('varchar'),
  shape('text'),
  [],
) as MappedTable;
const mapping = new Map([['orders', orders]]);
const row = (note: string, id = '1') => ({ id, user_id: 'ada', note });
const entry = (given: Partial<Omit<KeptEntry, 'before' | 'after' | 'owner'>> & { after?: object; owner?: object }) =>
  ({
    ...{ id: 9, stream: 'shop:forward', status: 'kept', cause: 'overwritten', table: 'orders', key: '1', ...given },
    after: given.after ? JSON.stringify(given.after) : null,
    owner: given.owner ? JSON.stringify(given.owner) : null,
  }) as KeptEntry;

describe('what an entry took away, and what it put there', () => {
  test.each<[string, Parameters<typeof entry>[0], object | null, object | null]>([
    ['a row that was overwritten', { after: row('was'), owner: row('is') }, row('was'), row('is')],
    ['a row that was removed', { cause: 'corrected', after: row('was') }, row('was'), null],
    [
      'a late change that was applied',
      { cause: 'late-applied', after: row('late'), owner: row('own') },
      row('own'),
      row('late'),
    ],
    ['a late deletion that was applied', { cause: 'late-applied', owner: row('own') }, row('own'), null],
    ['a rogue row that was born', { cause: 'rogue-applied', after: row('new') }, null, row('new')],
    [
      'a purchase made twice',
      { cause: 'retried-purchase', status: 'superseded', after: row('loser'), owner: row('winner', '2') },
      row('loser'),
      null,
    ],
    [
      'late values the owner had',
      { cause: 'late-superseded', status: 'superseded', after: row('a'), owner: row('a') },
      row('a'),
      row('a'),
    ],
  ])('%s', (_, given, lost, made) => {
    expect(lostAndMade(mapping, entry(given))).toMatchObject({ lost, made });
  });

  test.each<[string, Parameters<typeof entry>[0], RegExp]>([
    ['an open entry', { status: 'open', cause: 'late-write', after: row('a') }, /is open, so nothing was done/],
    ['a deletion of what was gone', { status: 'superseded', cause: 'late-superseded' }, /took nothing away/],
    ['a row that did not fit', { status: 'resolved', cause: 'inapplicable', after: row('a') }, /overwrote nothing/],
    ['a table the Plan has no more', { table: 'gone', after: row('a') }, /no table gone any more/],
  ])('is refused of %s', (_, given, why) => {
    expect(() => lostAndMade(mapping, entry(given))).toThrow(why);
  });
});
