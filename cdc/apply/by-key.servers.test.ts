import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import { TAGGED, taggedOn } from '../testing/tagged.ts';
import { makeWorld, until, untilRunning, type World } from '../testing/world.ts';

/** 7 lives on the service, 8 on the monolith. */
const [SERVICES, MONOLITHS] = [7, 8];
const AUTHORS = { monolith: MONOLITHS, service: SERVICES } as const;

/** Ids that are texts, a key of several columns, and a primary key that begins with such an id. */
const LABELS = {
  monolith: [
    `CREATE TABLE labels (id CHAR(36) NOT NULL DEFAULT (UUID()) PRIMARY KEY, no INT NOT NULL,
       name VARCHAR(40) COLLATE utf8mb4_0900_bin NOT NULL, UNIQUE (name, no))`,
    'CREATE TABLE labelled (label CHAR(36) NOT NULL, article INT NOT NULL, PRIMARY KEY (label, article))',
  ],
  service: [
    `CREATE TABLE label (uid UUID NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY, no INT NOT NULL, called VARCHAR(40) NOT NULL,
       UNIQUE (no, called))`,
    'CREATE TABLE labelled (label UUID NOT NULL, article INT NOT NULL, PRIMARY KEY (label, article))',
  ],
  plan: {
    labels: { to: 'label', shared: 'by-key', key: ['no', 'name'], columns: { name: 'called' } },
    labelled: { user: { through: 'article', of: 'articles' }, refers: { label: 'labels' } },
  },
} as const;
const TABLES = {
  monolith: [...TAGGED.monolith, ...LABELS.monolith],
  service: [...TAGGED.service, ...LABELS.service],
  plan: { ...LABELS.plan, ...TAGGED.plan },
  alone: 'integer',
} as const;

let world: World;
let on: ReturnType<typeof taggedOn>;

beforeAll(async () => {
  world = await makeWorld(await servers(), TABLES);
  on = taggedOn(world);
  for (const name of ['sea', 'hill', 'lake']) await on.tag('monolith', name);
  await on.tag('service', 'hill'); // as a copy made by hand would have it
  await on.article('monolith', 1, MONOLITHS);
  await on.put('monolith', 1, 'lake');
  await on.put('monolith', 1, 'hill');
  await on.query('monolith', 'UPDATE articles SET "mainTag" = ? WHERE id = 1', [await on.idOf('monolith', 'sea')]);
  await untilRunning(world.start());
  await world.handoff('monolith', 1, 'barrier', String(SERVICES));
  await world.handoff('service', 1, 'grant', String(SERVICES));
});
afterAll(() => world?.destroy());

describe('tables shared by key', () => {
  test('rows that are there are copied with ids of the service’s own; what refers to them follows', async () => {
    await on.bothHave(1, 'hill', 'lake');
    expect([await on.idOf('monolith', 'hill'), await on.idOf('service', 'hill')]).toEqual([3, 1]);
    const { rows } = await on.query(
      'service',
      'SELECT t.name FROM articles a JOIN "Tags" t ON t.id = a."mainTag" WHERE a.id = 1',
    );
    expect(rows).toEqual([{ name: 'sea' }]);
    await on.bothEqual();
    expect(await on.keptAtAll()).toEqual([]);
  });

  test('a tag of either side, and one that is there, on an article of either side', async () => {
    for (const [side, id, name] of [
      ['monolith', 11, 'moor'],
      ['service', 12, 'dune'],
    ] as const) {
      await on.tag(side, name);
      await on.article(side, id, AUTHORS[side]);
      await on.put(side, id, name);
      await on.put(side, id, 'sea');
    }
    await on.bothHave(11, 'moor', 'sea');
    await on.bothHave(12, 'dune', 'sea');
    await on.put('monolith', 11, 'hill');
    await on.take('service', 12, 'sea');
    await on.query('service', 'UPDATE "ArticleTags" SET place = 5 WHERE "articleId" = 12');
    await on.query('service', 'UPDATE articles SET "mainTag" = ? WHERE id = 12', [await on.idOf('service', 'dune')]);
    await on.bothHave(11, 'hill', 'moor', 'sea');
    await on.bothHave(12, 'dune');
    await on.bothEqual();
    expect(await on.keptAtAll()).toEqual([]);
  });

  test('the same tag is made on both sides at once: each side has it once, and what refers to it there', async () => {
    await on.holdingBoth(async () => {
      for (const [side, id] of [
        ['monolith', 21],
        ['service', 22],
      ] as const) {
        await on.tag(side, 'same');
        await on.article(side, id, AUTHORS[side]);
        await on.put(side, id, 'same');
      }
    });
    await on.bothHave(21, 'same');
    await on.bothHave(22, 'same');
    await on.bothEqual();
    expect(await on.keptAtAll()).toEqual([]);
  });

  test('again and again, under load', async () => {
    const rounds = Array.from({ length: 30 }, (_, at) => at);
    await on.article('monolith', 31, AUTHORS.monolith);
    await on.article('service', 32, AUTHORS.service);
    await Promise.all(
      (
        [
          ['monolith', 31],
          ['service', 32],
        ] as const
      ).map(async ([side, id]) => {
        for (const round of rounds) {
          const insert =
            side === 'monolith'
              ? 'INSERT INTO Tags (name) VALUES (?) ON DUPLICATE KEY UPDATE name = name'
              : 'INSERT INTO "Tags" (name) VALUES (?) ON CONFLICT (name) DO NOTHING';
          await on.query(side, insert, [`n${round % 15}`]);
          if (round < 15) await on.put(side, id, `n${round}`);
        }
      }),
    );
    const names = rounds.slice(0, 15).map((round) => `n${round}`);
    await on.bothHave(31, ...names.toSorted());
    await on.bothHave(32, ...names.toSorted());
    await on.bothEqual();
    expect(await on.keptAtAll()).toEqual([]);
  });

  test('whatever the ids are, and of however many columns the key', async () => {
    await on.article('monolith', 35, AUTHORS.monolith);
    await on.article('service', 36, AUTHORS.service);
    const keys = [9, 10].flatMap((no) =>
      ['b', 'B', 'a,"é', '(5: gone from the service)'].map((name) => ({ no, name })),
    );
    await on.holdingBoth(async () => {
      for (const { no, name } of keys) {
        await world.monolith.query('INSERT INTO labels (no, name) VALUES (?, ?)', [no, name]);
        await world.service.query('INSERT INTO label (no, called) VALUES (?, ?)', [no, name]);
      }
      await world.monolith.query('INSERT INTO labelled SELECT id, 35 FROM labels WHERE no = 9');
      await world.service.query('INSERT INTO labelled SELECT uid, 36 FROM label WHERE no = 10');
    });
    const labelsOf = async (side: 'monolith' | 'service') => {
      const sql =
        side === 'monolith'
          ? 'SELECT article, no, name FROM labelled JOIN labels ON id = label ORDER BY no, name'
          : 'SELECT article, no, called AS name FROM labelled JOIN label ON uid = label ORDER BY no, called COLLATE "C"';
      return (await world[side].query<{ article: number; no: number; name: string }>(sql)).rows;
    };
    const wanted = keys
      .map(({ no, name }) => ({ article: no === 9 ? 35 : 36, no, name }))
      .toSorted((a, b) => a.no - b.no || (a.name < b.name ? -1 : 1));
    for (const side of ['monolith', 'service'] as const)
      await until(`all of them on the ${side}`, async () => (await labelsOf(side)).length === keys.length);
    expect(await labelsOf('monolith')).toEqual(wanted);
    expect(await labelsOf('service')).toEqual(wanted);
    await world.service.query('DELETE FROM labelled WHERE article = 36');
    await until('the service’s gone', async () => (await labelsOf('monolith')).length === keys.length / 2);
    await on.bothEqual();
    expect(await on.keptAtAll()).toEqual([]);
  });

  test('where the other columns differ, the monolith’s stand on both sides, and the service’s are kept', async () => {
    await on.holdingBoth(async () => {
      await on.tag('monolith', 'colored', 'green');
      await on.tag('service', 'colored', 'red');
    });
    await until('the monolith’s color on the service', async () => (await on.color('service', 'colored')) === 'green');
    await on.bothEqual();
    expect(await on.color('monolith', 'colored')).toBe('green');
    expect(await on.kept('monolith')).toEqual([]);
    expect(await on.kept('service')).toMatchObject([{ cause: 'overwritten', table_name: 'Tags', row_key: 'colored' }]);
  });

  test('the monolith changes other columns of it; the service’s change of them is a rogue one, as of any shared table', async () => {
    const given = async () => (await world.service.query('SELECT last_value FROM "Tags_id_seq"')).rows;
    const before = await given();
    for (const color of ['red', 'green', 'blue'])
      await on.query('monolith', 'UPDATE "Tags" SET color = ? WHERE name = ?', [color, 'sea']);
    await until('the color on the service', async () => (await on.color('service', 'sea')) === 'blue');
    expect(await given()).toEqual(before); // a change takes no id
    await on.query('service', 'UPDATE "Tags" SET color = ? WHERE name = ?', ['grey', 'sea']);
    await until('the color on the monolith', async () => (await on.color('monolith', 'sea')) === 'grey');
    expect(await on.kept('monolith')).toMatchObject([{ cause: 'rogue-applied', table_name: 'Tags', row_key: 'sea' }]);
    await on.bothEqual();
  });

  test('one goes where nothing refers to it; else its end is kept, and nobody is held up', async () => {
    await on.tag('monolith', 'brief');
    await until('it on the service', async () => (await on.idOf('service', 'brief')) !== null);
    await on.query('monolith', 'DELETE FROM "Tags" WHERE name = ?', ['brief']);
    await until('it gone from the service', async () => (await on.idOf('service', 'brief')) === null);
    await on.tag('monolith', 'held');
    await until('it on the service', async () => (await on.idOf('service', 'held')) !== null);
    await on.holdingBoth(async () => {
      await on.article('service', 42, AUTHORS.service);
      await on.put('service', 42, 'held');
      await on.query('monolith', 'DELETE FROM "Tags" WHERE name = ?', ['held']);
    });
    const open = await until('its end kept', async () =>
      (await on.kept('service')).find(({ status }) => status === 'open'),
    );
    expect(open).toMatchObject({
      cause: 'inapplicable',
      row_key: 'held',
      detail: expect.stringContaining('refers to it on the service'),
    });
    await on.article('monolith', 43, AUTHORS.monolith);
    await on.put('monolith', 43, 'sea');
    await on.bothHave(43, 'sea');
  });
});

describe('tables that are shared, and carry their ids', () => {
  test('the same tag is made on both sides at once: the other one’s waits for a person', async () => {
    const { refers: _, ...articles } = TAGGED.plan.articles;
    const { refers: __, ...tagged } = TAGGED.plan.ArticleTags;
    const Tags = { shared: 'insert-only', distinct: [['name']] };
    const other = await makeWorld(await servers(), { ...TAGGED, plan: { articles, ArticleTags: tagged, Tags } });
    try {
      const there = taggedOn(other);
      await other.service.query('ALTER SEQUENCE "Tags_id_seq" INCREMENT BY 2 RESTART WITH 2');
      await untilRunning(other.start());
      await other.moveToService(1, String(SERVICES));
      await there.holdingBoth(async () => {
        for (const side of ['monolith', 'service'] as const) await there.tag(side, 'same');
      });
      for (const side of ['monolith', 'service'] as const) {
        const [entry] = (await until(`kept on the ${side}`, async () => {
          const all = await there.kept(side);
          return all.length ? all : undefined;
        }))!;
        expect(entry).toMatchObject({ status: 'open', cause: 'inapplicable', table_name: 'Tags' });
      }
    } finally {
      await other.destroy();
    }
  });
});
