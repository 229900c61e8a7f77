import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { barrierArrived } from '@strangler/ledger';
import { servers } from '@strangler/servers';
import type { Cdc } from '../cdc.ts';
import { resolve } from '../quarantine/resolve.ts';
import { retry } from '../quarantine/retry.ts';
import { undo } from '../quarantine/undo.ts';
import { show } from '../quarantine/view.ts';
import { repair } from '../recopy/recopy.ts';
import { startAgain, TAGGED, taggedOn } from '../testing/tagged.ts';
import { makeWorld, stream, until, untilRunning, type World } from '../testing/world.ts';
import { verify } from '../verify.ts';

/** 7 lives on the service, 8 and 9 on the monolith; 5 moves there and back. */
const [SERVICES, MONOLITHS, ANOTHER, MOVES] = [7, 8, 9, 5];
const HOW = { by: 'ada', reason: 'a test', progress: () => {} };

let world: World;
let cdc: Cdc;
let on: ReturnType<typeof taggedOn>;

const openOn = async (side: 'monolith' | 'service') => (await on.kept(side)).filter(({ status }) => status === 'open');

beforeAll(async () => {
  world = await makeWorld(await servers(), TAGGED);
  on = taggedOn(world);
  await on.tag('monolith', 'sea', 'blue');
  await on.tag('monolith', 'hill', 'green');
  await on.tag('service', 'hill', 'red');
  await on.article('monolith', 1, MONOLITHS);
  await on.put('monolith', 1, 'hill');
  cdc = world.start();
  await untilRunning(cdc);
  await world.moveToService(1, String(SERVICES));
});
afterAll(() => world?.destroy());

describe('what becomes of rows that refer to one that is shared by key', () => {
  test('the copy of existing rows keeps what it overwrites, and that can be put back', async () => {
    await on.bothHave(1, 'hill');
    const [entry] = await on.kept('service');
    expect(entry).toMatchObject({ cause: 'copied', table_name: 'Tags', row_key: 'hill' });
    expect(await on.color('service', 'hill')).toBe('green');
    const { results } = await undo(world.plan, `${stream('forward')}:${entry!.id}`, { ...HOW, seen: undefined });
    expect(results).toMatchObject([{ undone: true, arrived: true }]);
    expect([await on.color('monolith', 'hill'), await on.color('service', 'hill')]).toEqual(['red', 'red']);
    await on.bothEqual();
  });

  test('their user moves to the service and back, and goes on with them', async () => {
    await on.article('monolith', 10, MOVES);
    await on.put('monolith', 10, 'sea');
    await world.moveToService(2, String(MOVES));
    await on.take('service', 10, 'sea');
    await on.tag('service', 'marsh');
    await on.put('service', 10, 'marsh');
    await on.put('service', 10, 'hill');
    await world.handoff('service', 3, 'barrier', String(MOVES));
    await until('arrival', () => barrierArrived(world.monolith, stream('reverse'), 3));
    await world.handoff('monolith', 3, 'grant', String(MOVES));
    expect(await on.tagsOf('monolith', 10)).toEqual(['hill', 'marsh']);
    await on.take('monolith', 10, 'hill');
    await on.bothHave(10, 'marsh');
    await on.bothEqual();
  });

  test('one that is written late, past its owner, is decided by what it says, whatever the ids', async () => {
    await on.article('service', 11, SERVICES);
    await on.put('service', 11, 'sea');
    await on.bothHave(11, 'sea');
    await on.tag('monolith', 'late');
    await on.put('monolith', 11, 'late');
    await on.bothHave(11, 'late', 'sea');
    await world.hold('service', async () => {
      await on.take('service', 11, 'sea');
      await on.query('monolith', 'UPDATE "ArticleTags" SET place = 9 WHERE "articleId" = 11');
    });
    await on.bothHave(11, 'late');
    const open = await until('what contradicts the owner', async () => (await openOn('service'))[0]);
    expect(open).toMatchObject({ cause: 'late-write', table_name: 'ArticleTags', row_key: '["11","sea"]' });
    const name = `${stream('forward')}:${open!.id}`;
    const { seen } = await show(world.plan, name);
    await resolve(world.plan, name, { keep: 'late', reason: 'a test', by: 'ada', seen });
    await on.bothHave(11, 'late', 'sea');
    expect(await openOn('service')).toEqual([]);
    await on.bothEqual();
  });

  test('a tag of which the log has not told is there before what refers to it, also after a restart', async () => {
    await world.secretly('monolith', "INSERT INTO Tags (name, color) VALUES ('untold', 'grey')");
    cdc = await startAgain(world, cdc);
    await on.put('monolith', 1, 'untold');
    await on.bothHave(1, 'hill', 'untold');
    expect(await on.color('service', 'untold')).toBe('grey');
    await on.bothEqual();
  });

  test('the target refuses a tag: what refers to it is kept, other users go on, and another try brings both', async () => {
    const name = 'too long for the service';
    await on.tag('monolith', name);
    await on.article('monolith', 12, ANOTHER);
    await on.put('monolith', 12, name);
    await on.article('monolith', 13, MONOLITHS);
    await on.put('monolith', 13, 'sea');
    await on.bothHave(13, 'sea');
    const open = await until('both kept', async () => {
      const all = await openOn('service');
      return all.length === 2 ? all : undefined;
    });
    expect(open![0]).toMatchObject({ cause: 'inapplicable', table_name: 'Tags', row_key: name });
    expect(open![1]).toMatchObject({ table_name: 'ArticleTags', row_key: JSON.stringify(['12', name]) });
    expect(open![1]!.detail).toContain(`tagId of ArticleTags refers to Tags ${name}, which the service does not have`);
    await world.service.query('ALTER TABLE "Tags" DROP CONSTRAINT "Tags_name_check"');
    const results = await retry(world.plan, { capabilities: ['orders'] }, 'ada', 'a test');
    expect(results.map(({ settled }) => settled)).toEqual([true, true]);
    await on.bothHave(12, name);
    await on.bothEqual();
  });

  test('a tag that is gone when the log is read: its user’s row is kept, and the stream goes on', async () => {
    await world.secretly('monolith', "INSERT INTO Tags (name) VALUES ('ghost')");
    cdc = await startAgain(world, cdc);
    await on.article('monolith', 14, ANOTHER);
    await world.monolith.query('ALTER TABLE ArticleTags DROP FOREIGN KEY ArticleTags_ibfk_1');
    await cdc.stop();
    await on.put('monolith', 14, 'ghost');
    await world.secretly('monolith', "DELETE FROM Tags WHERE name = 'ghost'");
    cdc = world.start();
    await on.article('monolith', 15, MONOLITHS);
    await on.put('monolith', 15, 'sea');
    await on.bothHave(15, 'sea');
    await on.query('monolith', 'DELETE FROM "ArticleTags" WHERE "articleId" = 14');
    await until('both kept', async () => (await openOn('service')).length === 2);
    const [first, second] = await openOn('service');
    expect(first!.detail).toMatch(
      /refers to Tags (ghost|\(\d+: gone from the monolith\)), which the service does not have/,
    );
    expect(second).toMatchObject({ cause: 'behind-inapplicable' });
    const results = await retry(world.plan, { capabilities: ['orders'] }, 'ada', 'a test');
    expect(results.map(({ settled }) => settled)).toEqual([true, true]);
    await on.bothEqual();
  });

  test('what is missing or other on one side is repaired from its owner', async () => {
    await on.article('service', 16, SERVICES);
    await on.article('monolith', 17, MONOLITHS);
    await on.put('monolith', 17, 'sea');
    await on.bothHave(17, 'sea');
    await until(
      'article 16',
      async () => (await on.query('monolith', 'SELECT 1 FROM articles WHERE id = 16')).rows.length,
    );
    await world.secretly('service', `INSERT INTO "Tags" (name) VALUES ('lone')`);
    await world.secretly('monolith', `INSERT INTO Tags (name) VALUES ('mine')`);
    const [lone, mine, sea] = [
      await on.idOf('service', 'lone'),
      await on.idOf('monolith', 'mine'),
      await on.idOf('service', 'sea'),
    ];
    await world.secretly('service', `INSERT INTO "ArticleTags" VALUES (16, ${lone}, 1)`);
    await world.secretly('monolith', `INSERT INTO ArticleTags VALUES (17, ${mine}, 1)`);
    await world.secretly('service', `UPDATE "ArticleTags" SET place = 77 WHERE "articleId" = 17 AND "tagId" = ${sea}`);
    expect(await repair(world.plan, 'orders', HOW)).toMatchObject({ mismatches: 0 });
    await on.bothHave(16, 'lone');
    await on.bothHave(17, 'mine', 'sea');
    await on.bothEqual();
  });

  test('one that leads nowhere is an orphan to verify, and repaired', async () => {
    await on.tag('monolith', 'fleeting');
    await on.put('monolith', 17, 'fleeting');
    await on.bothHave(17, 'fleeting', 'mine', 'sea');
    await world.secretly('service', `DELETE FROM "Tags" WHERE name = 'fleeting'`);
    const { tables } = await verify(world.plan, 'orders');
    expect(tables.find(({ table }) => table === 'ArticleTags')).toMatchObject({
      mismatches: 1,
      orphans: { monolith: 0, service: 1 },
    });
    expect(tables.find(({ table }) => table === 'Tags')).toMatchObject({ mismatches: 1 });
    expect(await repair(world.plan, 'orders', HOW)).toMatchObject({ mismatches: 0 });
    await on.bothHave(17, 'fleeting', 'mine', 'sea');
    await on.bothEqual();
  });

  test('a transaction that does not fit into memory brings tags and what refers to them', async () => {
    await world.monolith.transaction(async () => {
      const names = Array.from({ length: 3_000 }, (_, at) => `bulk ${at}`);
      await on.article('monolith', 18, MONOLITHS);
      await world.monolith.query(`INSERT INTO Tags (name) VALUES ${names.map(() => '(?)').join(', ')}`, names);
      await world.monolith.query("INSERT INTO ArticleTags SELECT 18, id, 2 FROM Tags WHERE name LIKE 'bulk %'");
    });
    await until('all of it', async () => (await on.tagsOf('service', 18)).length === 3_000);
    await on.bothEqual();
    expect([...(await openOn('monolith')), ...(await openOn('service'))]).toEqual([]);
  });
});
