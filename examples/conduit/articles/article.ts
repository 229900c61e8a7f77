import type { Queries } from './database.ts';
import type { Draft } from './fields.ts';
import type { User } from './identity.ts';

/** How the API shows a user. */
export interface Profile {
  username: string;
  bio: string | null;
  image: string | null;
  following: boolean;
}

/** How the API shows an article; lists leave the body out. */
export interface Article {
  slug: string;
  title: string;
  description: string;
  body?: string;
  tagList: readonly string[];
  createdAt: Date;
  updatedAt: Date;
  favorited: boolean;
  favoritesCount: number;
  author: Profile | null;
}

/** An article as it was found: how it is shown, and whose it is. */
export interface Found {
  id: number;
  authorId: number | null;
  article: Article;
}

export interface Filter {
  tag?: string | undefined;
  author?: string | undefined;
  favorited?: string | undefined;
  /** Only articles of authors whom this user follows. */
  feedOf?: number;
}

interface Row {
  id: number;
  slug: string;
  title: string;
  description: string;
  body: string;
  createdAt: Date;
  updatedAt: Date;
  authorId: number | null;
  username: string | null;
  bio: string | null;
  image: string | null;
  following: boolean;
  tagList: string[];
  favorited: boolean;
  favoritesCount: number;
}

/** $1 is the viewer's id; 0 is nobody. */
const SELECT = `
  SELECT a."id", a."slug", a."title", a."description", a."body", a."createdAt", a."updatedAt", a."authorId",
    u."username", u."bio", u."image",
    EXISTS (SELECT 1 FROM "Follows" f WHERE f."followerId" = $1 AND f."followedId" = a."authorId") AS "following",
    ARRAY(
      SELECT t."name" FROM "ArticleTags" at JOIN "Tags" t ON t."id" = at."tagId"
      WHERE at."articleId" = a."id" ORDER BY t."name"
    ) AS "tagList",
    EXISTS (SELECT 1 FROM "Favorites" f WHERE f."userId" = $1 AND f."articleId" = a."id") AS "favorited",
    (SELECT count(*)::int FROM "Favorites" f WHERE f."articleId" = a."id") AS "favoritesCount"
  FROM "Articles" a LEFT JOIN "Users" u ON u."id" = a."authorId"`;

const toFound = (row: Row): Found => ({
  id: row.id,
  authorId: row.authorId,
  article: {
    slug: row.slug,
    title: row.title,
    description: row.description,
    body: row.body,
    tagList: row.tagList,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    favorited: row.favorited,
    favoritesCount: row.favoritesCount,
    author: authorOf(row),
  },
});

/** The profile in a row that was joined with its author, who may be missing. */
export const authorOf = (row: Omit<Profile, 'username'> & { username: string | null }): Profile | null =>
  row.username === null ? null : { username: row.username, bio: row.bio, image: row.image, following: row.following };

/** The article of that slug as the viewer sees it, unless staff has hidden it. */
export const findArticle = async (db: Queries, viewer: User | undefined, slug: string): Promise<Found | undefined> => {
  const { rows } = await db.query<Row>({
    name: 'article',
    text: `${SELECT} WHERE a."slug" = $2 AND NOT a."hidden"`,
    values: [viewer?.id ?? 0, slug],
  });
  return rows[0] && toFound(rows[0]);
};

/** A page of the articles that the filter lets pass, newest first, and how many there are in all. */
export const listArticles = async (
  db: Queries,
  viewer: User | undefined,
  filter: Filter,
  page: { limit: number; offset: number },
): Promise<{ articles: Article[]; articlesCount: number }> => {
  const values: unknown[] = [];
  const conditions = ['NOT a."hidden"'];
  const when = (value: unknown, condition: (place: string) => string) => {
    if (value === undefined) return;
    values.push(value);
    conditions.push(condition(`$${values.length + 1}`));
  };
  when(
    filter.tag,
    (tag) => `a."id" IN (
      SELECT at."articleId" FROM "ArticleTags" at JOIN "Tags" t ON t."id" = at."tagId" WHERE t."name" = ${tag})`,
  );
  when(
    filter.favorited,
    (fan) => `a."id" IN (
      SELECT f."articleId" FROM "Favorites" f JOIN "Users" v ON v."id" = f."userId" WHERE v."username" = ${fan})`,
  );
  when(filter.author, (author) => `a."authorId" = (SELECT v."id" FROM "Users" v WHERE v."username" = ${author})`);
  when(
    filter.feedOf,
    (reader) => `a."authorId" IN (SELECT f."followedId" FROM "Follows" f WHERE f."followerId" = ${reader})`,
  );
  const where = `WHERE ${conditions.join(' AND ')}`;
  const { rows } = await db.query<Row>(
    `${SELECT} ${where} ORDER BY a."createdAt" DESC, a."id" DESC LIMIT ${page.limit} OFFSET ${page.offset}`,
    [viewer?.id ?? 0, ...values],
  );
  const { rows: counted } = await db.query<{ count: number }>(
    // $1 has no place in the conditions, but every value must have one.
    `SELECT count(*)::int AS "count" FROM "Articles" a ${where} AND $1::int IS NOT NULL`,
    [viewer?.id ?? 0, ...values],
  );
  const articles = rows.map((row) => {
    const { body: _, ...shown } = toFound(row).article;
    return shown;
  });
  return { articles, articlesCount: counted[0]!.count };
};

/** Adds an article with its author and its tags. Fails with a unique violation if the slug is taken. */
export const addArticle = async (
  db: Queries,
  author: User,
  draft: Draft & { slug: string; tagList: readonly string[] },
): Promise<Article> => {
  const now = new Date();
  const { slug, title, description, body, tagList } = draft;
  const { rows } = await db.query<{ id: number }>(
    `INSERT INTO "Articles" ("slug", "title", "description", "body", "authorId", "createdAt", "updatedAt")
     VALUES ($1, $2, $3, $4, $5, $6, $6) RETURNING "id"`,
    [slug, title, description, body, author.id, now],
  );
  await addTags(db, rows[0]!.id, tagList);
  const profile = { username: author.username, bio: author.bio, image: author.image, following: false };
  return {
    slug,
    title,
    description,
    body,
    tagList,
    createdAt: now,
    updatedAt: now,
    favorited: false,
    favoritesCount: 0,
    author: profile,
  };
};

/** Finds or creates the tags, always in one order, so that two writers wait for each other instead of both dying. */
const addTags = async (db: Queries, articleId: number, names: readonly string[]): Promise<void> => {
  if (names.length === 0) return;
  const sorted = [...new Set(names)].sort();
  const insert = 'INSERT INTO "Tags" ("name") SELECT unnest($1::text[]) ON CONFLICT ("name") DO NOTHING';
  await db.query(insert, [sorted]);
  await db.query(
    `INSERT INTO "ArticleTags" ("articleId", "tagId")
     SELECT $1, t."id" FROM "Tags" t WHERE t."name" = ANY($2::text[]) ON CONFLICT DO NOTHING`,
    [articleId, sorted],
  );
};

/** Changes an article; what is not given stays, and one that is the same afterwards was not updated. */
export const changeArticle = async (
  db: Queries,
  id: number,
  { slug, title, description, body }: Partial<Draft & { slug: string }>,
): Promise<void> => {
  await db.query(
    `UPDATE "Articles" SET "slug" = coalesce($2, "slug"), "title" = coalesce($3, "title"),
       "description" = coalesce($4, "description"), "body" = coalesce($5, "body"), "updatedAt" = $6
     WHERE "id" = $1 AND ("slug" COLLATE "C", "title", "description", "body") IS DISTINCT FROM
       (coalesce($2, "slug"), coalesce($3, "title"), coalesce($4, "description"), coalesce($5, "body"))`,
    [id, slug, title, description, body, new Date()],
  );
};

/** Changes what an article says, hidden or not, and not its slug; answers that, or undefined if there is no such article. */
export const editArticle = async (
  db: Queries,
  id: number,
  { title, description, body }: Draft,
): Promise<string | undefined> => {
  const { rows } = await db.query<{ slug: string }>(
    `UPDATE "Articles" SET "title" = $2, "description" = $3, "body" = $4, "updatedAt" = $5 WHERE "id" = $1
     RETURNING "slug"`,
    [id, title, description, body, new Date()],
  );
  return rows[0]?.slug;
};

/** Deletes an article and, by its foreign keys, its comments, favourites and tags. */
export const deleteArticle = async (db: Queries, id: number): Promise<void> => {
  await db.query('DELETE FROM "Articles" WHERE "id" = $1', [id]);
};

/** Makes an article somebody's favourite, or no longer. */
export const setFavorite = async (db: Queries, user: User, articleId: number, favorite: boolean): Promise<void> => {
  if (!favorite) {
    await db.query('DELETE FROM "Favorites" WHERE "userId" = $1 AND "articleId" = $2', [user.id, articleId]);
    return;
  }
  await db.query(
    `INSERT INTO "Favorites" ("userId", "articleId", "createdAt", "updatedAt") VALUES ($1, $2, $3, $3)
     ON CONFLICT DO NOTHING`,
    [user.id, articleId, new Date()],
  );
};

/** The names of all tags there are. */
export const listTags = async (db: Queries): Promise<string[]> => {
  const { rows } = await db.query<{ name: string }>('SELECT "name" FROM "Tags" ORDER BY "name"');
  return rows.map(({ name }) => name);
};
