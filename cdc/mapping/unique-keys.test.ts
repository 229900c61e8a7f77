import { describe, expect, test } from '@jest/globals';
import type { MappedTable } from './mapping.ts';
import { problemsOf, type UniqueKey } from './unique-keys.ts';
import type { Kind } from './value-kinds.ts';

const column = (name: string, kind: Kind['name'], loose: Partial<Record<'monolith' | 'service', boolean>> = {}) => ({
  ...{ name, kind: { name: kind } },
  monolith: { name, type: 'varchar', declared: 'varchar(40)', charset: 'utf8mb4', loose: loose.monolith ?? false },
  service: { name: `${name}_there`, type: 'varchar', declared: 'character varying(40)', loose: loose.service ?? false },
});
const table = (more: Partial<MappedTable> = {}) =>
  ({
    ...{
      name: 'Notes',
      tables: { monolith: 'Notes', service: 'notes' },
      user: { ways: [{ column: 'owner' }], type: 'integer' },
    },
    ...{ sameWhen: [], distinct: [], touched: [], key: ['id'] },
    columns: [
      ...[column('id', 'integer'), column('owner', 'integer'), column('slug', 'text'), column('place', 'integer')],
      ...[column('name', 'text', { monolith: true }), column('both', 'text', { monolith: true, service: true })],
      ...[column('word', 'text', { service: true }), column('token', 'uuid')],
    ],
    ...more,
  }) as unknown as MappedTable;
const key = (columns: readonly string[], more: Partial<UniqueKey> = {}): UniqueKey => ({
  ...{ side: 'monolith', name: 'k', isPrimary: false, isConstraint: true, isComputed: false, where: '', columns },
  parts: columns.map((name) => (more.side === 'service' ? `${name}_there` : `\`${name}\``)),
  ...more,
});
const said = (one: UniqueKey, of = table()) => problemsOf(of, [one]).map(({ what }) => what);

describe('a unique key (faults 87)', () => {
  test('spans users unless it holds the user, or says what is one thing', () => {
    expect(said(key(['slug']))).toEqual(['unique key k (slug) of the monolith spans users']);
    expect(said(key(['owner', 'slug']))).toEqual([]);
    expect(said(key(['slug', 'place']), table({ sameWhen: ['slug'] }))).toEqual([]);
    expect(
      said(key(['owner', 'slug']), table({ user: { ways: [{ through: ['place'], of: 'Shelves' }], type: 'integer' } })),
    ).toHaveLength(1);
  });

  test('of several ways to the user, must hold one that tells the user wherever it is set', () => {
    const [shelf, owner] = [{ through: ['place', 'token'], of: 'Shelves' }, { column: 'owner' }];
    const user = { ways: [shelf, owner], type: 'integer' } as const;
    expect(said(key(['place', 'token', 'slug']), table({ user }))).toEqual([]);
    expect(said(key(['place', 'slug']), table({ user }))).toHaveLength(1);
    expect(said(key(['owner', 'slug']), table({ user }))).toHaveLength(1); // of whoever has the shelf
    expect(said(key(['owner', 'slug']), table({ user: { ...user, apart: [owner] } }))).toEqual([]);
    const [problem] = problemsOf(table({ user }), [key(['place', 'slug'], { side: 'service' })]);
    expect(problem?.fix).toMatch(
      /^ALTER TABLE "notes" DROP .* UNIQUE \("token_there", place_there, slug_there\); -- or,/,
    );
  });

  test('spans nobody where no users are split: there is one writer; texts must still mean the same', () => {
    const all = table({ user: { each: 'Notes', key: ['id'] } });
    expect(said(key(['slug']), all)).toEqual([]);
    expect(said(key(['name']), all)).toHaveLength(1);
  });

  test('spans users as the primary one, too, if somebody chooses its values', () => {
    const primary = (columns: readonly string[]) => said(key(columns, { isPrimary: true }));
    expect(primary(['id'])).toEqual([]);
    expect(primary(['token'])).toEqual([]);
    expect(primary(['owner', 'place'])).toEqual([]);
    expect(primary(['slug'])).toEqual(['primary key k (slug) of the monolith spans users']);
    expect(primary(['id', 'place'])).toHaveLength(1); // as a room and a seat
  });

  test('is no problem if the Plan says that both sides never give its values away alike: these columns, no others', () => {
    expect(said(key(['slug', 'place']), table({ distinct: [['place', 'slug']] }))).toEqual([]);
    expect(said(key(['slug', 'place']), table({ distinct: [['slug']] }))).toHaveLength(1);
    expect(said(key(['owner', 'name']), table({ distinct: [['owner', 'name']] }))).toEqual([]);
  });

  test('must mean the same by equal on both sides: alike is fine, one-sided is not, whichever side it is', () => {
    expect(said(key(['owner', 'both']))).toEqual([]);
    expect(said(key(['owner', 'name']))).toEqual([
      'unique key k (owner, name) of the monolith holds name, of which only the monolith takes texts for equal that differ in case, accents or spaces at the end',
    ]);
    const [problem] = problemsOf(table(), [key(['owner', 'word'], { side: 'service' })]);
    expect(problem?.fix).toMatch(
      /^ALTER TABLE "notes" ALTER COLUMN "word_there" TYPE character varying\(40\) COLLATE "default"; -- or,/,
    );
  });

  test('comes with the statement that makes the user part of it, as its own side writes it', () => {
    const fix = (more: Partial<UniqueKey>) => problemsOf(table(), [key(['slug'], more)])[0]!.fix.replace(/ -- .*/, '');
    expect(fix({})).toBe('ALTER TABLE `Notes` DROP INDEX `k`, ADD UNIQUE INDEX `k` (`owner`, `slug`);');
    expect(fix({ isPrimary: true })).toBe('ALTER TABLE `Notes` DROP PRIMARY KEY, ADD PRIMARY KEY (`owner`, `slug`);');
    const there = { side: 'service', parts: ['lower(slug_there)'] } as const;
    expect(fix(there)).toBe(
      'ALTER TABLE "notes" DROP CONSTRAINT "k", ADD CONSTRAINT "k" UNIQUE ("owner_there", lower(slug_there));',
    );
    expect(fix({ ...there, isConstraint: false, where: ' WHERE (slug_there IS NOT NULL)' })).toBe(
      'DROP INDEX "k"; CREATE UNIQUE INDEX "k" ON "notes" ("owner_there", lower(slug_there)) WHERE (slug_there IS NOT NULL);',
    );
  });
});
