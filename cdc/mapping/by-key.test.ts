import { describe, expect, test } from '@jest/globals';
import { tableOf } from '../../plan/testing/table.ts';
import { holdersOf, unsaidReferences } from './by-key.ts';
import { goneId, idGone, toRow } from './captured-row.ts';
import type { Column, TableShape } from './columns.ts';
import type { ForeignKey } from './foreign-keys.ts';
import { type MappedTable, mapTable } from './mapping.ts';

const column = (name: string, type: string): Column => ({ name, type, cast: type, digits: 6, nullable: false });
const shape = (table: string, columns: readonly Column[], primaryKey: readonly string[]): TableShape => ({
  ...{ table, columns, generated: [], primaryKey },
});
const FACTS = { allocates: true, uniqueKeys: [['name']], heldBy: [] };

function mapTags(reasons: string[], facts = { monolith: FACTS, service: FACTS }): MappedTable | undefined {
  const declared = tableOf({ shared: 'by-key', key: ['name'] });
  const [mysql, postgres] = [
    shape('Tags', [column('id', 'int'), column('name', 'varchar')], ['id']),
    shape('tag', [column('uid', 'int8'), column('name', 'text')], ['uid']),
  ];
  return mapTable('Tags', declared, 'integer', mysql, postgres, reasons, { mapping: new Map(), facts, heldBy: [] });
}

describe('a table that is shared by key', () => {
  test('has its key in the place of the id, whatever that is called on either side', () => {
    const reasons: string[] = [];
    const tags = mapTags(reasons)!;
    expect(reasons).toEqual([]);
    expect(tags).toMatchObject({ key: ['name'], ownId: { column: { name: 'id', service: { name: 'uid' } } } });
    expect(toRow(tags, 'monolith', { id: 5, name: 'sea' })).toEqual({ name: 'sea' });
    expect(toRow(tags, 'service', { uid: 8, name: 'sea' })).toEqual({ name: 'sea' });
  });

  test('what refers to it has the key; an id that nobody knows says so, and is no key', () => {
    const tags = mapTags([])!;
    const reasons: string[] = [];
    const declared = tableOf({ user: 'owner', refers: { tag: 'Tags' } });
    const columns = (id: string, tag: string) => [column('id', id), column('owner', id), column('tag', tag)];
    const stars = mapTable(
      'stars',
      declared,
      'integer',
      shape('stars', columns('int', 'int'), ['id']),
      shape('stars', columns('int4', 'int8'), ['id']),
      reasons,
      {
        ...{ mapping: new Map([['Tags', tags]]), heldBy: [] },
      },
    )!;
    expect(reasons).toEqual([]);
    const image = { id: 1, owner: 7, tag: 5 };
    expect(toRow(stars, 'monolith', image, (parent, id) => `${parent.name} ${id}`)).toMatchObject({ tag: 'Tags 5' });
    expect(toRow(stars, 'monolith', { ...image, tag: null }, () => 'never')).toMatchObject({ tag: null });
    const { tag } = toRow(stars, 'monolith', image);
    expect(tag).toBe(goneId('5', 'monolith'));
    expect(idGone(tag!)).toEqual({ id: '5', side: 'monolith' });
    expect(idGone('sea')).toBeUndefined();
  });

  test('must be unique by exactly its key, and get its ids, on both sides', () => {
    const reasons: string[] = [];
    expect(
      mapTags(reasons, {
        monolith: { ...FACTS, uniqueKeys: [['name', 'color']] },
        service: { ...FACTS, allocates: false },
      }),
    ).toBeUndefined();
    expect(reasons).toEqual([
      'Tags: is shared by its key (name), which is not unique in the monolith: CREATE UNIQUE INDEX `Tags_name_key` ON `Tags` (`name`);',
      expect.stringContaining(
        'Tags: the service does not give its rows an id by itself: ALTER TABLE "tag" ALTER COLUMN "uid" ADD GENERATED',
      ),
    ]);
  });
});

describe('who has such ids', () => {
  const tables = {
    Tags: tableOf({ shared: 'by-key', key: ['name'], to: 'tag' }),
    stars: tableOf({ user: 'owner', to: 'star', columns: { tag: 'tag_uid' }, refers: { tag: 'Tags' } }),
    notes: tableOf({ user: 'owner', columns: { tag: 'tag_uid' } }),
  };
  const ids = new Map([['Tags', { monolith: column('id', 'int'), service: column('uid', 'int8') }]]);
  const key = (side: ForeignKey['side'], child: string, from: string, to: string): ForeignKey => ({
    ...{
      side,
      name: 'a_key',
      child,
      parent: side === 'monolith' ? 'Tags' : 'tag',
      pairs: [[from, to]],
      onDelete: 'RESTRICT',
    },
  });

  test('is said in the Plan, by the names of both sides', () => {
    expect(holdersOf(tables, 'Tags')).toEqual([
      { monolith: { table: 'stars', column: 'tag' }, service: { table: 'star', column: 'tag_uid' } },
    ]);
  });

  test('a foreign key of either side that is not said there is named, with the line that says it', () => {
    const said = [key('monolith', 'stars', 'tag', 'id'), key('service', 'star', 'tag_uid', 'uid')];
    const ofOthers = [key('monolith', 'elsewhere', 'tag', 'id'), key('monolith', 'notes', 'name', 'name')];
    expect(unsaidReferences(tables, ids, [...said, ...ofOthers])).toEqual([]);
    for (const unsaid of [key('monolith', 'notes', 'tag', 'id'), key('service', 'notes', 'tag_uid', 'uid')]) {
      const [reason, ...more] = unsaidReferences(tables, ids, [unsaid]);
      expect(reason).toContain("whose ids are each side's own: refers: { tag: Tags } under tables.notes of the Plan");
      expect(more).toEqual([]);
    }
    const tree = { Tags: tables.Tags };
    const ofTree: ForeignKey = { ...key('monolith', 'Tags', 'parent_id', 'id') };
    expect(unsaidReferences(tree, ids, [ofTree])).toEqual([
      expect.stringMatching(
        /a table that is shared by key cannot carry such ids: shared: monolith for Tags, or keep what parent_id says/,
      ),
    ]);
    const other = { ...tables, notes: tableOf({ user: 'owner', refers: { tag: 'Kinds' } }) };
    expect(unsaidReferences(other, ids, [key('monolith', 'notes', 'tag', 'id')])[0]).toContain(
      'and the Plan says that it refers to Kinds: refers: { tag: Tags }',
    );
  });
});
