import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import { init } from '../setup/init.ts';
import { makeWorld, type World } from '../testing/world.ts';
import { doctor } from './doctor.ts';

/** Rows with several ways to their user, as people have them: every column may be NULL, and nothing says that not all are. */
const TABLES = {
  monolith: [
    'CREATE TABLE `Lines` (orderId INT, lineNo INT, userId INT NOT NULL, PRIMARY KEY (orderId, lineNo))',
    'CREATE TABLE Returns (id INT PRIMARY KEY, userId INT NOT NULL)',
    `CREATE TABLE Parcels (id INT PRIMARY KEY, orderId INT, lineNo INT, returnId INT,
       CONSTRAINT ofLine FOREIGN KEY (orderId, lineNo) REFERENCES \`Lines\` (orderId, lineNo) ON UPDATE CASCADE,
       CONSTRAINT ofReturn FOREIGN KEY (returnId) REFERENCES Returns (id) ON DELETE CASCADE ON UPDATE CASCADE)`,
    'CREATE TABLE Pages (id INT PRIMARY KEY, authorId INT, editorId INT, CONSTRAINT known CHECK (authorId IS NOT NULL) NOT ENFORCED)',
    'CREATE TABLE Memos (id INT PRIMARY KEY, ownerId INT, pageId INT)',
    `CREATE TABLE Drafts (id INT PRIMARY KEY, authorId INT, editorId INT, slug VARCHAR(20) COLLATE utf8mb4_0900_bin,
       UNIQUE KEY mine (editorId, slug), CHECK ((authorId IS NULL) XOR (editorId IS NULL)))`,
  ],
  service: [
    'CREATE TABLE "Lines" ("orderId" INT, "lineNo" INT, "userId" INT NOT NULL, PRIMARY KEY ("orderId", "lineNo"))',
    'CREATE TABLE "Returns" (id INT PRIMARY KEY, "userId" INT NOT NULL)',
    `CREATE TABLE "Parcels" (id INT PRIMARY KEY, "orderId" INT, "lineNo" INT, ret INT CONSTRAINT of_return REFERENCES "Returns",
       CONSTRAINT of_line FOREIGN KEY ("orderId", "lineNo") REFERENCES "Lines")`,
    'CREATE TABLE "Pages" (id INT PRIMARY KEY, "authorId" INT, "editorId" INT NOT NULL)',
    'CREATE TABLE "Memos" (id INT PRIMARY KEY, "ownerId" INT, "pageId" INT)',
    `CREATE TABLE "Drafts" (id INT PRIMARY KEY, "authorId" INT, "editorId" INT, slug VARCHAR(20),
       CONSTRAINT mine UNIQUE ("editorId", slug), CHECK (num_nonnulls("authorId", "editorId") = 1))`,
  ],
  plan: {
    Lines: { user: 'userId', distinct: [['orderId', 'lineNo']] },
    Returns: { user: 'userId' },
    Parcels: {
      user: [
        { through: ['orderId', 'lineNo'], of: 'Lines' },
        { through: 'returnId', of: 'Returns' },
      ],
      columns: { returnId: 'ret' },
    },
    Pages: { user: ['authorId', 'editorId'] },
    Memos: { user: ['ownerId', { through: 'pageId', of: 'Pages' }], unowned: 'monolith' },
    Drafts: { user: ['authorId', 'editorId'] },
  },
  alone: 'integer' as const,
  unprepared: true as const,
};

let world: World;
const prepare = () => init(world.plan, { apply: true, createUsers: true, say: () => {} });

beforeAll(async () => {
  world = await makeWorld(await servers(), TABLES);
});
afterAll(() => world?.destroy());

describe('several ways to a user', () => {
  test('that may all be NULL are refused, with the statements that keep them from it on each side', async () => {
    const refused = await prepare().catch((error: Error) => error.message);
    expect(refused).toContain(
      'Parcels: its ways to a user ({ through: [orderId, lineNo], of: Lines }; { through: returnId, of: Returns }) may all be NULL in the monolith and in the service, and a row of nobody has no side to be on: ' +
        'ALTER TABLE `Parcels` ADD CONSTRAINT `Parcels_has_user` CHECK ((`orderId` IS NOT NULL AND `lineNo` IS NOT NULL) OR (`returnId` IS NOT NULL)); ' +
        'ALTER TABLE "Parcels" ADD CONSTRAINT "Parcels_has_user" CHECK (("orderId" IS NOT NULL AND "lineNo" IS NOT NULL) OR ("ret" IS NOT NULL)); ' +
        '-- or, if such rows are the monolith’s: unowned: monolith under this table of the Plan',
    );
    // A constraint that is not enforced assures nothing, and what only one side may leave NULL does not fit.
    expect(refused).toContain('Pages: its ways to a user (authorId; editorId) may all be NULL in the monolith, and');
    expect(refused).toContain('Pages: column editorId may be NULL in the monolith and not in the service');
    for (const fine of ['Memos', 'Drafts', 'Lines:', 'Returns:']) expect(refused).not.toContain(fine);
  });

  test('satisfy doctor once its statements are carried out as they stand, and those databases keep what they say', async () => {
    const said: string[] = [];
    for (let round = 1; round <= 4; round++) {
      for (const { what, fix } of await doctor(world.plan)) {
        said.push(what);
        if (fix === 'strangler init')
          await prepare().catch(() => {}); // which refuses until the rest is right
        else {
          const statements = fix.replace(/ -- .*$/s, '').split(/;(?: |$)/);
          for (const one of statements.filter(Boolean))
            await world[one.includes('`') ? 'monolith' : 'service'].query(one);
        }
      }
    }
    expect(await doctor(world.plan)).toEqual([]);
    const crossing = said.filter((one) => one.includes('crosses users'));
    expect(crossing).toHaveLength(1);
    expect(crossing[0]).toMatch(
      /ofReturn of the monolith leads from Parcels \(returnId\) to Returns, ON DELETE CASCADE: it crosses users where \{ through: \[orderId, lineNo\], of: Lines \} is set beside it$/,
    );
    for (const on of ['monolith', 'service'] as const) {
      const into = on === 'monolith' ? 'Parcels' : '"Parcels"';
      await expect(world[on].query(`INSERT INTO ${into} VALUES (1, 1, NULL, NULL)`)).rejects.toThrow(
        'Parcels_has_user',
      );
      await world[on].query(`INSERT INTO ${on === 'monolith' ? '`Lines`' : '"Lines"'} VALUES (1, 1, 7)`);
      await world[on].query(`INSERT INTO ${on === 'monolith' ? 'Returns' : '"Returns"'} VALUES (1, 7)`);
      await expect(world[on].query(`INSERT INTO ${into} VALUES (1, 1, 1, 1)`)).rejects.toThrow(/_alone/);
    }
    await prepare();
  });
});
