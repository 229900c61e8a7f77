import { afterEach, describe, expect, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import { doctor } from '../doctor/doctor.ts';
import { TAGGED } from '../testing/tagged.ts';
import { makeWorld, type World } from '../testing/world.ts';
import { init } from './init.ts';

let world: World;
afterEach(() => world?.destroy());

const [TAGS, ...REST] = TAGGED.monolith;
const [SERVICES_TAGS, ...SERVICES_REST] = TAGGED.service;

/** The same tables, but tags as these statements make them. */
const made = async (monolith: string, service: string, plan: Readonly<Record<string, unknown>> = TAGGED.plan) => {
  const tables = { monolith: [monolith, ...REST], service: [service, ...SERVICES_REST], plan };
  world = await makeWorld(await servers(), { ...tables, alone: 'integer', unprepared: true });
};
const prepare = () => init(world.plan, { apply: true, createUsers: true, say: () => {} });
const refusal = async () =>
  prepare().then(
    () => '',
    ({ message }: Error) => message,
  );
const findings = async () => (await doctor(world.plan)).filter(({ where }) => where.startsWith('orders'));

describe('init refuses by name what cannot be shared by key, and is satisfied by its own statements', () => {
  test.each([
    [
      'a key that may be NULL, in which the monolith’s collation sees no case, and that is unique nowhere',
      TAGS.replace('COLLATE utf8mb4_0900_bin NOT NULL UNIQUE', ''),
      SERVICES_TAGS.replace('NOT NULL UNIQUE', ''),
      4,
    ],
    ['a collation that takes texts for equal', TAGS.replace('COLLATE utf8mb4_0900_bin ', ''), SERVICES_TAGS, 1],
    [
      'an id that a side does not give out',
      TAGS.replace('AUTO_INCREMENT', ''),
      SERVICES_TAGS.replace('BIGSERIAL', 'BIGINT'),
      2,
    ],
    [
      'a key that is only part of a unique one',
      TAGS.replace('NOT NULL UNIQUE', 'NOT NULL, UNIQUE (name, color)'),
      SERVICES_TAGS,
      1,
    ],
  ])('%s', async (_, monolith, service, reasons) => {
    await made(monolith, service);
    const said = (await refusal()).split('\n').filter((line) => line.startsWith('  Tags: '));
    expect(said).toHaveLength(reasons);
    for (const line of said) {
      const statements = line.match(/(?:ALTER TABLE|CREATE UNIQUE INDEX) [^;]*;/g)!;
      for (const one of statements) await world[one.includes('`') ? 'monolith' : 'service'].query(one);
    }
    expect(await refusal()).not.toContain('\n  Tags: ');
  });

  test.each([
    ['char(36)', 'UUID'],
    ['char(36)', 'TEXT'],
    ['varchar(40)', 'VARCHAR(40)'],
  ])('ids that the application has filled so far, %s and %s', async (mysql, postgres) => {
    const own = `${mysql} CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'the application''s'`;
    const tags = TAGS.replace('BIGINT NOT NULL AUTO_INCREMENT', own);
    const ids = (sql: string, name: string, type: string) => sql.replace(RegExp(`(${name}"?) BIGINT`), `$1 ${type}`);
    const there = SERVICES_TAGS.replace('BIGSERIAL', postgres);
    const monolith = [tags, ids(REST[0], 'mainTag', own.replace('NOT NULL ', '')), ids(REST[1], 'tagId', own)];
    const service = [there, ids(SERVICES_REST[0], 'mainTag', postgres), ids(SERVICES_REST[1], 'tagId', postgres)];
    world = await makeWorld(await servers(), {
      ...{ monolith, service, plan: TAGGED.plan, alone: 'integer', unprepared: true },
    });
    const said = (await refusal()).split('\n').filter((line) => line.startsWith('  Tags: '));
    expect(said).toHaveLength(2);
    for (const line of said)
      for (const one of line.match(/ALTER TABLE [^;]*;/g)!)
        await world[one.includes('`') ? 'monolith' : 'service'].query(one);
    expect(await refusal()).not.toContain('\n  Tags: ');
    const { rows } = await world.monolith.query<Record<string, string>>('SHOW CREATE TABLE Tags');
    expect(rows[0]!['Create Table']).toContain(
      `\`id\` ${mysql} CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT (uuid()) COMMENT 'the application''s'`,
    );
    await world.monolith.query("INSERT INTO Tags (name) VALUES ('sea')");
    await world.service.query(`INSERT INTO "Tags" (name) VALUES ('sea')`);
    for (const side of ['monolith', 'service'] as const) {
      const { rows } = await world[side].query<{ id: string }>(
        side === 'monolith' ? 'SELECT id FROM Tags' : 'SELECT id FROM "Tags"',
      );
      expect(rows[0]!.id).toMatch(/^[0-9a-f-]{36}$/);
    }
    const keys = await world.monolith.query(
      "SELECT 1 FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = DATABASE() AND CONSTRAINT_NAME = 'ArticleTags_ibfk_1'",
    );
    expect(keys.rows).toHaveLength(1);
  });

  test('a tree of them: its ids cannot be carried, and no line of the Plan would help', async () => {
    await made(TAGS, SERVICES_TAGS);
    await world.monolith.query(
      'ALTER TABLE Tags ADD parent_id BIGINT, ADD CONSTRAINT tree FOREIGN KEY (parent_id) REFERENCES Tags (id)',
    );
    await world.service.query('ALTER TABLE "Tags" ADD parent_id BIGINT');
    expect(await refusal()).toContain(
      "Tags: foreign key tree of the monolith leads from parent_id to Tags, whose ids are each side's own, and a table that is shared by key cannot carry such ids: shared: monolith for Tags, or keep what parent_id says in another table",
    );
    await world.monolith.query('ALTER TABLE Tags DROP FOREIGN KEY tree');
    expect(await refusal()).toBe('');
    expect(await findings()).toContainEqual(
      expect.objectContaining({
        what: 'column parent_id may hold ids of Tags, which are each side’s own',
        fix: expect.stringMatching(/^shared: monolith for Tags, or keep what parent_id says in another table/),
      }),
    );
  });

  test('a foreign key of which the Plan says nothing, or that it refers to something else', async () => {
    const { ArticleTags, ...others } = TAGGED.plan;
    const { refers: _, ...unsaid } = ArticleTags;
    await made(TAGS, SERVICES_TAGS, { ...others, ArticleTags: unsaid });
    expect(await refusal()).toContain(
      "ArticleTags: foreign key ArticleTags_ibfk_1 of the monolith leads from tagId to Tags, whose ids are each side's own: refers: { tagId: Tags } under tables.ArticleTags of the Plan",
    );
    await world.monolith.query('ALTER TABLE ArticleTags DROP FOREIGN KEY ArticleTags_ibfk_1');
    expect(await refusal()).toBe('');
    expect(await findings()).toContainEqual(
      expect.objectContaining({
        what: 'column tagId may hold ids of Tags, which are each side’s own',
        fix: expect.stringMatching(/^refers: { tagId: Tags } under tables.ArticleTags of the Plan/),
      }),
    );
  });
});

test('init refuses ids that lead nowhere, and is satisfied by its statements', async () => {
  await made(TAGS, SERVICES_TAGS);
  await world.monolith.query('SET foreign_key_checks = 0');
  await world.monolith.query('INSERT INTO ArticleTags VALUES (1, 99, 1), (1, 97, 2)');
  await world.monolith.query("INSERT INTO articles VALUES (1, 8, 'one', 99), (2, 8, 'two', NULL)");
  const said = (await refusal()).split('\n').slice(1);
  expect(said.map((line) => line.split(': ')[1])).toEqual([
    'mainTag of 1 rows refers to Tags that are not there',
    'tagId of 2 rows refers to Tags that are not there',
  ]);
  for (const line of said) await world.monolith.query(line.split('not there: ')[1]!);
  expect(await refusal()).toBe('');
  const { rows } = await world.monolith.query('SELECT COUNT(*) AS n FROM articles');
  expect(rows).toEqual([{ n: 2 }]);
});

describe('doctor', () => {
  test('has nothing to say of tables that can be shared by key; says which sequence is behind, and who else has their ids', async () => {
    await made(TAGS, SERVICES_TAGS);
    await prepare();
    expect((await findings()).filter(({ level }) => level === 'error')).toEqual([]);
    await world.service.query(`INSERT INTO "Tags" (id, name) VALUES (7, 'by hand')`);
    const [found, ...more] = (await findings()).filter(({ level }) => level === 'error');
    expect([found?.what, more]).toEqual(['sequence public."Tags_id_seq" gives 1 next, and there is 7', []]);
    await world.service.query(found!.fix);
    const applier = world.plan.capabilities
      .orders!.service.database!.applier.replace(/^.*\/\/(.*):.*$/, '$1')
      .split(':')[0];
    await world.service.query(`REVOKE USAGE ON SEQUENCE "Tags_id_seq" FROM ${applier}`);
    const [right, ...none] = (await findings()).filter(({ level }) => level === 'error');
    expect([right?.what, none]).toEqual([`applier user ${applier}: no USAGE on sequence public."Tags_id_seq"`, []]);
    await world.service.query(right!.fix);
    expect((await findings()).filter(({ level }) => level === 'error')).toEqual([]);
    await world.monolith.query(
      'CREATE TABLE pins (id INT PRIMARY KEY, tag BIGINT, FOREIGN KEY (tag) REFERENCES Tags (id))',
    );
    expect(await findings()).toContainEqual(
      expect.objectContaining({
        why: expect.stringContaining('ids of Tags are the monolith’s own: whatever carries pins'),
      }),
    );
  });
});
