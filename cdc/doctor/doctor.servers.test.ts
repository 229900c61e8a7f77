import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { servers } from '@strangler/servers';
import { init } from '../setup/init.ts';
import { makeWorld, type World } from '../testing/world.ts';
import { doctor } from './doctor.ts';
import type { Finding } from './finding.ts';

/** A blog as people write them, in mixed case, with every trap that catalogs show. */
const BLOG = {
  monolith: [
    'CREATE TABLE `People` (`Id` INT PRIMARY KEY)',
    `CREATE TABLE \`Articles\` (\`Id\` INT UNSIGNED AUTO_INCREMENT PRIMARY KEY, \`authorId\` INT DEFAULT NULL COMMENT 'who''s NULL',
       \`slug\` VARCHAR(80) NOT NULL, \`title\` VARCHAR(200) CHARACTER SET latin1 NOT NULL DEFAULT '', \`body\` TEXT,
       \`price\` DECIMAL(10,2), \`createdAt\` DATETIME NOT NULL, UNIQUE KEY \`the slug\` (\`slug\`),
       CONSTRAINT \`Articles_author\` FOREIGN KEY (\`authorId\`) REFERENCES \`People\` (\`Id\`) ON DELETE SET NULL)`,
    `CREATE TABLE \`Comments\` (\`Id\` BIGINT AUTO_INCREMENT PRIMARY KEY, \`userId\` INT NOT NULL, \`articleId\` INT UNSIGNED NOT NULL,
       \`body\` VARCHAR(300), CONSTRAINT \`Comments_article\` FOREIGN KEY (\`articleId\`) REFERENCES \`Articles\` (\`Id\`) ON DELETE CASCADE)`,
    `CREATE TABLE \`Labels\` (\`Id\` BIGINT AUTO_INCREMENT PRIMARY KEY, \`userId\` INT NOT NULL, \`name\` VARCHAR(40) NOT NULL,
       UNIQUE KEY \`mine\` (\`userId\`, \`name\`))`,
    `CREATE TABLE \`Audits\` (\`Id\` BIGINT PRIMARY KEY, \`articleId\` INT UNSIGNED,
       CONSTRAINT \`Audits_article\` FOREIGN KEY (\`articleId\`) REFERENCES \`Articles\` (\`Id\`) ON DELETE SET NULL)`,
  ],
  service: [
    'CREATE TABLE "People" ("Id" integer PRIMARY KEY)',
    'CREATE TABLE "Outbox" ("id" bigint PRIMARY KEY)',
    `CREATE TABLE "Articles" ("Id" serial PRIMARY KEY, "authorId" integer REFERENCES "People", "slug" text NOT NULL, "title" varchar(100)
       NOT NULL, "body" text, "price" numeric, "createdAt" timestamptz NOT NULL)`,
    'CREATE UNIQUE INDEX "Articles_slug" ON "Articles" (lower("slug"))',
    `CREATE TABLE "Comments" ("Id" bigserial PRIMARY KEY, "userId" integer NOT NULL,
       "articleId" bigint NOT NULL CONSTRAINT "Comments_article" REFERENCES "Articles" ON DELETE CASCADE, "body" text)`,
    'CREATE TABLE "Labels" ("Id" bigserial PRIMARY KEY, "userId" integer NOT NULL, "name" varchar(40) NOT NULL)',
  ],
  plan: { Articles: { user: 'authorId' }, Comments: { user: 'userId' }, Labels: { user: 'userId' } },
  alone: 'integer' as const,
  unprepared: true as const,
};

/** What doctor must name, and on which side its statement belongs. */
const NAMED: [string, RegExp][] = [
  ['a user column that may be NULL', /Articles: column authorId, .* may be NULL in the monolith and in the service/],
  [
    'a DATETIME of whole seconds (faults 88)',
    /Articles: column createdAt is datetime\(0\) .* timestamp\(6\) with time zone/,
  ],
  ['a numeric without a scale (faults 88)', /Articles: column price is decimal\(10,2\) .* numeric .* rounds/],
  ['an integer too small (faults 88)', /column Id is int unsigned in the monolith and integer in the service/],
  ['a varchar too short (faults 88)', /column title is varchar\(200\) .* character varying\(100\)/],
  [
    'texts that the monolith has no room for',
    /takes what the monolith has no room for: .*body more than the 65535 bytes of text/,
  ],
  ['a character set that lacks characters', /title has the character set latin1/],
  ['a unique key across users (faults 87)', /unique key the slug \(slug\) of the monolith spans users/],
  ['one of an expression (faults 87)', /unique key Articles_slug \(lower\(slug\)\) of the service spans users/],
  [
    'a key under two ideas of equal (faults 87)',
    /unique key mine \(userId, name\) .* only the monolith takes texts for equal/,
  ],
  [
    'a key that only one side has',
    /unique key mine \(userId, name\) of the monolith has no counterpart in the service/,
  ],
  [
    'a foreign key out of the Plan',
    /Articles_author of the monolith leads from Articles \(authorId\) to People, ON DELETE SET NULL/,
  ],
  [
    'one that leads into it',
    /Audits_article of the monolith leads from Audits \(articleId\) to Articles, ON DELETE SET NULL/,
  ],
  [
    'one that crosses users, in the monolith',
    /Comments_article of the monolith .* ON DELETE CASCADE: it crosses users/,
  ],
  ['and in the service', /Comments_article of the service .* ON DELETE CASCADE: it crosses users/],
  ['a copy that nothing syncs', /^People is there on both sides, and not in the Plan/],
  ['a table of the service alone', /tables of the service that are not in the Plan: Outbox/],
  ['an application that may write our tables, in MySQL', /'cdc\w+_app'@'%' may write the strangler_ tables/],
  ['and in Postgres', /"cdc\w+_app" may write public\.strangler_applier/],
  ['a sequence that mints odd ids', /sequence public\."Comments_Id_seq" gives 1 next, in steps of 1/],
];

let world: World;
const said: Finding[] = [];

const prepare = () => init(world.plan, { apply: true, createUsers: true, say: () => {} });
const application = () => `${world.plan.name}_app`;

/** Carries a finding’s statements out where its quotes say they belong; what follows a “--” is for people. */
async function carryOut({ fix }: Finding): Promise<void> {
  if (fix === 'strangler init') return prepare().catch(() => {}); // which refuses until the rest is right
  for (const statement of fix
    .replace(/ -- .*$/s, '')
    .split(/;(?: |$)/)
    .filter(Boolean)) {
    const isMysql = statement.includes('`');
    await world[isMysql ? 'monolith' : 'service'].query(statement);
  }
}

beforeAll(async () => {
  world = await makeWorld(await servers(), BLOG);
  await world.monolith.query(`CREATE USER '${application()}'@'%' IDENTIFIED BY 'secret'`);
  await world.monolith.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ${world.plan.name}.* TO '${application()}'@'%'`);
  await world.service.query(`CREATE ROLE ${application()} LOGIN PASSWORD 'secret'`);
  await world.service.query(
    `ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${application()}`,
  );
});
afterAll(async () => {
  await world?.monolith.query(`DROP USER '${application()}'@'%'`);
  await world?.service.query(`DROP OWNED BY ${application()}`);
  await world?.service.query(`DROP ROLE ${application()}`);
  await world?.destroy();
});

describe('a stranger’s tables', () => {
  test('are refused by init, everything that is wrong with them at once and by name', async () => {
    const refused = await prepare().catch((error: Error) => error.message);
    for (const named of ['authorId', 'createdAt', 'price', 'unique key mine']) expect(refused).toContain(named);
    expect(refused).toContain('ALTER TABLE "Articles" ALTER COLUMN "createdAt" TYPE timestamptz(0);');
  });

  test('satisfy doctor after its own statements have been carried out, however many rounds that takes', async () => {
    for (let round = 1; round <= 5; round++) {
      const findings = await doctor(world.plan);
      said.push(...findings);
      if (!findings.length) break;
      for (const finding of findings) await carryOut(finding);
    }
    expect(await doctor(world.plan)).toEqual([]);
    await prepare();
  });

  test.each(NAMED)('%s is named', (_, what) => {
    expect(said.map((finding) => finding.what)).toContainEqual(expect.stringMatching(what));
  });

  test('keep what their columns said beside what was changed', async () => {
    const { rows } = await world.monolith.query<Record<string, string>>('SHOW CREATE TABLE `Articles`');
    expect(rows[0]!['Create Table']).toContain("`authorId` int NOT NULL COMMENT 'who''s NULL'");
    expect(rows[0]!['Create Table']).toMatch(/`title` varchar\(200\)[^,]* NOT NULL DEFAULT ''/);
  });
});
