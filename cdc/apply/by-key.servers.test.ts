import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import { TAGGED, taggedOn } from '../testing/tagged.ts';
import { makeWorld, until, untilRunning, type World } from '../testing/world.ts';

/** 7 lives on the service, 8 on the monolith. */
const [SERVICES, MONOLITHS] = [7, 8];
const AUTHORS = { monolith: MONOLITHS, service: SERVICES } as const;

let world: World;
let on: ReturnType<typeof taggedOn>;

beforeAll(async () => {
  world = await makeWorld(await servers(), TAGGED);
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
    await on.query('monolith', 'UPDATE "Tags" SET color = ? WHERE name = ?', ['blue', 'sea']);
    await until('the color on the service', async () => (await on.color('service', 'sea')) === 'blue');
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
