import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parsePlan } from '@strangler/plan';
import { servers } from '@strangler/servers';
import { doctor } from '../cdc/doctor/doctor.ts';
import type { Finding } from '../cdc/doctor/finding.ts';
import { init } from '../cdc/setup/init.ts';
import { remove } from '../cdc/setup/remove.ts';
import { type Monolith, type Side, startMonolith, startService } from '../examples/conduit/tests/sides.ts';

// A stranger's monolith as it is: sequelize.sync() makes its tables, the service migrates its own. Nothing was prepared.

/** What has a user; Tags and Sponsorships have none. */
const TABLES = {
  Users: { user: 'id' },
  Follows: { user: 'followerId' },
  Articles: { user: 'authorId' },
  Comments: { user: 'authorId' },
  Favorites: { user: 'userId' },
  ArticleTags: { user: { through: 'articleId', of: 'Articles' } },
};

/** The traps that catalogs show. */
const TRAPS: [string, RegExp][] = [
  [
    'an author who comes later, and may be NULL for ever',
    /Articles: column authorId, .* may be NULL in the monolith and in the service/,
  ],
  ['whose article is deleted', /leads from Articles \(authorId\) to Users, ON DELETE SET NULL/],
  ['an author of a comment', /Comments: column authorId, .* may be NULL/],
  [
    'DATETIME(0) beside timestamptz',
    /Articles: column createdAt is datetime\(0\) in the monolith and timestamp\(6\) with time zone in the service: the monolith rounds/,
  ],
  ['and so for every time', /Favorites: column updatedAt is datetime\(0\)/],
  ['a slug that two users can take', /unique key slug \(slug\) of the monolith spans users/],
  ['and on the other side', /unique key Articles_slug_key \(slug\) of the service spans users/],
  ['names and addresses that two users can take', /unique key email \(email\) of the monolith spans users/],
  [
    'comments that go with another user’s article, in the monolith',
    /of the monolith leads from Comments \(articleId\) to Articles, ON DELETE CASCADE: it crosses users/,
  ],
  [
    'and in the service',
    /Comments_articleId_fkey of the service leads from Comments \(articleId\) to Articles, ON DELETE CASCADE: it crosses users/,
  ],
  [
    'favourites that go with another user’s article',
    /leads from Favorites \(articleId\) to Articles, ON DELETE CASCADE: it crosses users/,
  ],
  [
    'tags that are everybody’s',
    /leads from ArticleTags \(tagId\) to Tags, ON DELETE CASCADE: Tags is not in this capability’s tables/,
  ],
  ['and which nothing syncs', /^Tags is there on both sides, and not in the Plan/],
  [
    'somebody’s money',
    /leads from Sponsorships \(articleId\) to Articles, ON DELETE SET NULL: Sponsorships is not in this capability’s tables/,
  ],
  [
    'texts that the monolith has no room for',
    /takes what the monolith has no room for: body more than the 65535 bytes of text/,
  ],
];

let monolith: Monolith;
let service: Side;
let plan: ReturnType<typeof parsePlan>;
let refused = '';
const said: Finding[] = [];

beforeAll(async () => {
  [monolith, service] = await Promise.all([startMonolith(), startService()]);
  const { mysql, postgres, kafka, connect } = await servers();
  const at = (scheme: string, { user, password, host, port }: typeof mysql, database: string) =>
    `${scheme}://${user}:${password}@${host}:${port}/${database}`;
  plan = parsePlan(
    `{ version: 1, name: ${monolith.database.replace('_', '-')}, monolith: { database: '${at('mysql', mysql, monolith.database)}' },
       kafka: { brokers: ${JSON.stringify(kafka.brokers)}, connect: ${connect.url} },
       control: { tokens: { admin: not-a-secret, proxy: not-one-either } },
       capabilities: { articles: { service: { database: '${at('postgres', postgres, service.database)}' }, userType: integer,
         tables: ${JSON.stringify(TABLES)} } } }`,
    {},
  );
  refused = await init(plan, { apply: false, createUsers: false, say: () => {} }).then(
    () => '',
    (error: Error) => error.message,
  );
});
afterAll(async () => {
  if (plan) await remove(plan, () => {});
  await Promise.all([monolith?.stop(), service?.stop()]);
});

/** Carries a finding’s statements out where their quotes say they belong. */
async function carryOut({ fix }: Finding): Promise<void> {
  if (!/^[A-Z]+ /.test(fix)) return;
  for (const statement of fix
    .replace(/ -- .*$/s, '')
    .split(/;(?: |$)/)
    .filter(Boolean)) {
    await (statement.includes('`') ? monolith : service).sql(statement);
  }
}

describe('conduit, as it is', () => {
  test('is refused by init before anything moves', () => {
    for (const named of [
      /authorId, which says whose/,
      /createdAt is datetime\(0\)/,
      /ALTER TABLE `Articles` MODIFY `authorId` int NOT NULL;/,
    ])
      expect(refused).toMatch(named);
  });

  test('has its traps named by doctor, whose statements fit its mixed-case names and leave nothing to say', async () => {
    for (let round = 1; round <= 5; round++) {
      const found = (await doctor(plan)).filter(({ fix }) => fix !== 'strangler init');
      said.push(...found);
      if (!found.length) break;
      for (const finding of found) await carryOut(finding);
    }
    expect((await doctor(plan)).filter(({ fix }) => fix !== 'strangler init')).toEqual([]);
    await init(plan, { apply: false, createUsers: false, say: () => {} });
    expect(await doctor(plan)).toEqual([]);
  });

  test.each(TRAPS)('%s: named', (_, what) => {
    expect(said.map((finding) => finding.what)).toContainEqual(expect.stringMatching(what));
  });
});
