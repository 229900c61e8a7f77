import { readCauses } from '@strangler/ledger';
import type { Cdc } from '../cdc.ts';
import { verify } from '../verify.ts';
import { type MoreTables, stream, until, untilRunning, type World } from './world.ts';

type On = 'monolith' | 'service';

/**
 * Tags that both sides make, each with ids of its own, and articles that have them. Only the monolith has foreign keys. Its
 * ids are 1, 3, 5…, the service’s 1, 2, 3…: an id that is carried as it is means another tag, or none.
 */
export const TAGGED = {
  monolith: [
    `CREATE TABLE Tags (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40) COLLATE utf8mb4_0900_bin NOT NULL UNIQUE,
       color VARCHAR(20), createdAt DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3))`,
    'CREATE TABLE articles (id INT NOT NULL PRIMARY KEY, author_id INT NOT NULL, title VARCHAR(80) NOT NULL, mainTag BIGINT)',
    `CREATE TABLE ArticleTags (articleId INT NOT NULL, tagId BIGINT NOT NULL, place INT, PRIMARY KEY (articleId, tagId),
       FOREIGN KEY (tagId) REFERENCES Tags (id))`,
  ],
  service: [
    `CREATE TABLE "Tags" (id BIGSERIAL PRIMARY KEY, name VARCHAR(40) NOT NULL UNIQUE CHECK (length(name) < 12),
       color VARCHAR(20), "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT now())`,
    'CREATE TABLE articles (id INT PRIMARY KEY, author_id INT NOT NULL, title VARCHAR(80) NOT NULL, "mainTag" BIGINT)',
    'CREATE TABLE "ArticleTags" ("articleId" INT, "tagId" BIGINT, place INT, PRIMARY KEY ("articleId", "tagId"))',
  ],
  plan: {
    articles: { user: 'author_id', refers: { mainTag: 'Tags' } },
    ArticleTags: { user: { through: 'articleId', of: 'articles' }, refers: { tagId: 'Tags' } },
    Tags: { shared: 'by-key', key: ['name'], touched: ['createdAt'] },
  },
  alone: 'integer',
} as const satisfies MoreTables;

/** Starts streams again that have forgotten everything they remembered. */
export async function startAgain(world: World, cdc: Cdc): Promise<Cdc> {
  await cdc.stop();
  const started = world.start();
  await untilRunning(started);
  return started;
}

/** A row of strangler_quarantine, as far as a test looks at it. */
type Kept = Readonly<Record<'status' | 'cause' | 'table_name' | 'row_key' | 'detail', string>> & {
  readonly id: number;
};

/** What the application of either side does in such a world, and what became of it. */
export function taggedOn(world: World) {
  /** The same statement for both: MySQL has quotes of its own for names. */
  const query = <Row>(on: On, sql: string, values: readonly (string | number | null)[] = []) =>
    world[on].query<Row>(on === 'monolith' ? sql.replaceAll('"', '`') : sql, values);
  const idOf = async (on: On, name: string) =>
    (await query<{ id: number }>(on, 'SELECT id FROM "Tags" WHERE name = ?', [name])).rows[0]?.id ?? null;
  const kept = async (on: On) => (await world[on].query<Kept>('SELECT * FROM strangler_quarantine ORDER BY id')).rows;
  /** The names of an article’s tags, as that side’s own ids say them. */
  const tagsOf = async (on: On, id: number) => {
    const sql =
      'SELECT t.name FROM "ArticleTags" a JOIN "Tags" t ON t.id = a."tagId" WHERE a."articleId" = ? ORDER BY t.name';
    return (await query<{ name: string }>(on, sql, [id])).rows.map(({ name }) => name);
  };
  return {
    query,
    idOf,
    kept,
    tagsOf,
    tag: (on: On, name: string, color: string | null = null) =>
      query(on, 'INSERT INTO "Tags" (name, color) VALUES (?, ?)', [name, color]),
    article: (on: On, id: number, author: number) =>
      query(on, 'INSERT INTO articles (id, author_id, title) VALUES (?, ?, ?)', [id, author, `article ${id}`]),
    put: async (on: On, id: number, name: string) =>
      query(on, 'INSERT INTO "ArticleTags" ("articleId", "tagId", place) VALUES (?, ?, 1)', [id, await idOf(on, name)]),
    take: async (on: On, id: number, name: string) =>
      query(on, 'DELETE FROM "ArticleTags" WHERE "articleId" = ? AND "tagId" = ?', [id, await idOf(on, name)]),
    color: async (on: On, name: string) =>
      (await query<{ color: string }>(on, 'SELECT color FROM "Tags" WHERE name = ?', [name])).rows[0]?.color,
    bothHave: (id: number, ...names: string[]) =>
      until(`article ${id} with ${names.join(', ') || 'no tag'} on both sides`, async () => {
        const both = [await tagsOf('monolith', id), await tagsOf('service', id)];
        return both.every((one) => JSON.stringify(one) === JSON.stringify(names));
      }),
    bothEqual: () =>
      until('both sides equal', async () => {
        const { mismatches, violations } = await verify(world.plan, 'orders');
        return mismatches + violations === 0;
      }),
    /** Everything kept or counted on either side. */
    keptAtAll: async () => [
      ...(await kept('monolith')),
      ...(await kept('service')),
      ...(await readCauses(world.service, stream('forward'))),
      ...(await readCauses(world.monolith, stream('reverse'))),
    ],
    /** Does something while neither stream can write. */
    holdingBoth: (task: () => Promise<void>) => world.hold('service', () => world.hold('monolith', task)),
  };
}
