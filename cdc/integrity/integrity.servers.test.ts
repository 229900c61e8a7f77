import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { lastVerify } from '@strangler/ledger';
import { servers } from '@strangler/servers';
import type { Cdc } from '../cdc.ts';
import { doctor } from '../doctor/doctor.ts';
import { list } from '../quarantine/view.ts';
import { makeWorld, stream, until, untilRunning, type World } from '../testing/world.ts';
import { verify } from '../verify.ts';

const BLOG = {
  monolith: [
    'CREATE TABLE Posts (id BIGINT PRIMARY KEY, userId INT NOT NULL, slug VARCHAR(80) NOT NULL)',
    `CREATE TABLE Replies (id BIGINT PRIMARY KEY, userId INT NOT NULL, postId BIGINT,
       CONSTRAINT reply FOREIGN KEY (postId) REFERENCES Posts (id))`,
    'CREATE TABLE Tags (id BIGINT PRIMARY KEY, userId INT NOT NULL, name VARCHAR(40) NOT NULL, UNIQUE KEY name (name))',
  ],
  service: [
    'CREATE TABLE "Posts" (id BIGINT PRIMARY KEY, "userId" INT NOT NULL, slug VARCHAR(80) NOT NULL)',
    'CREATE TABLE "Replies" (id BIGINT PRIMARY KEY, "userId" INT NOT NULL, "postId" BIGINT)',
    'CREATE TABLE "Tags" (id BIGINT PRIMARY KEY, "userId" INT NOT NULL, name VARCHAR(40) NOT NULL UNIQUE)',
  ],
  plan: {
    Posts: { user: 'userId', distinct: [['slug']] },
    Replies: { user: 'userId' },
    Tags: { user: 'userId', distinct: [['name']] },
  },
  alone: 'integer' as const,
};

let world: World;
let cdc: Cdc;

const resultOf = async (table: string) =>
  (await verify(world.plan, 'orders')).tables.find((result) => result.table === table)!;
const onBoth = async (sql: string) => {
  for (const on of ['monolith', 'service'] as const) {
    const quoted = on === 'monolith' ? sql : sql.replaceAll('`', '"');
    await world.secretly(on, quoted);
  }
};

beforeAll(async () => {
  world = await makeWorld(await servers(), BLOG);
  await world.monolith.query("INSERT INTO Posts VALUES (1, 1, 'first')");
  await world.monolith.query("INSERT INTO Tags VALUES (1, 1, 'Same')");
  cdc = world.start();
  await untilRunning(cdc);
  await world.moveToService(1);
});
afterAll(() => world?.destroy());

describe('a tag that only its case tells from another user’s (faults 87)', () => {
  test('is kept with its row, and the stream goes on', async () => {
    await world.service.query(`INSERT INTO "Tags" VALUES (2, 2, 'same')`);
    await world.service.query(`INSERT INTO "Tags" VALUES (4, 3, 'another')`);
    await until('the next tag', async () => {
      const { rows } = await world.monolith.query('SELECT id FROM Tags WHERE id = 4');
      return rows.length;
    });
    expect(await list(world.plan, { capabilities: [], status: 'open', user: '2', cause: undefined })).toMatchObject([
      { cause: 'inapplicable', table: 'Tags' },
    ]);
    expect(cdc.streams.map((one) => one.status().state)).toEqual(['running', 'running']);
  });

  test('is named by status, doctor and verify', async () => {
    await until('the count', () => cdc.quarantined(stream('reverse')) === 1);
    const said = (await doctor(world.plan)).map(({ what }) => what);
    expect(said).toContainEqual(
      expect.stringMatching(/^1 row waits in quarantine, inapplicable: Duplicate entry 'same'/),
    );
    expect(said).toContainEqual(expect.stringMatching(/^name is part of a unique key, and its collation takes texts/));
    expect(await resultOf('Tags')).toMatchObject({
      mismatches: 1,
      examples: [{ kind: 'missing in monolith: {"id":"1"} has its place in name (name)', key: '{"id":"2"}' }],
    });
  });
});

describe('verify', () => {
  test('counts rows of which both sides have the same and which are wrong on both: no parent, or a value that is there twice', async () => {
    expect((await verify(world.plan, 'orders')).violations).toBe(0);
    await onBoth("INSERT INTO `Posts` VALUES (7, 2, 'FIRST'), (9, 3, 'twice'), (11, 4, 'twice')");
    await world.monolith.query('SET foreign_key_checks = 0');
    await world.monolith.query('INSERT INTO Replies VALUES (1, 1, 1), (3, 1, NULL), (5, 3, 404)');
    await until('the replies', async () => (await world.service.query('SELECT id FROM "Replies"')).rows.length === 3);
    const result = await verify(world.plan, 'orders');
    expect(result.tables.find(({ table }) => table === 'Replies')).toMatchObject({
      ...{ mismatches: 0, orphans: { monolith: 1, service: 1 } },
      examples: ['monolith', 'service'].map((side) => ({
        kind: `an orphan in the ${side}: Replies (postId) → Posts (id)`,
        key: '{"id":"5"}',
      })),
    });
    // 'first' and 'FIRST' are one to MySQL, and what both say is there twice on either side.
    expect(result.tables.find(({ table }) => table === 'Posts')).toMatchObject({
      ...{ mismatches: 0, doubles: { monolith: 4, service: 2 } },
    });
    expect(result.violations).toBe(8);
  });

  test('says so to control, whose gate closes', async () => {
    const kept = await lastVerify(world.monolith, 'orders');
    expect(kept?.mismatches).toBe(9);
    expect(kept?.detail).toContain('there twice in the service: Posts (slug)');
  });
});
