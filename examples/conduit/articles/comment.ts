import { authorOf, type Profile } from './article.ts';
import type { Queries } from './database.ts';
import type { User } from './identity.ts';

/** How the API shows a comment. */
export interface Comment {
  id: number;
  createdAt: Date;
  updatedAt: Date;
  body: string;
  author: Profile | null;
}

interface Row {
  id: number;
  createdAt: Date;
  updatedAt: Date;
  body: string;
  username: string | null;
  bio: string | null;
  image: string | null;
  following: boolean;
}

/** $1 is the viewer's id; 0 is nobody. */
const SELECT = `
  SELECT c."id", c."createdAt", c."updatedAt", c."body", u."username", u."bio", u."image",
    EXISTS (SELECT 1 FROM "Follows" f WHERE f."followerId" = $1 AND f."followedId" = c."authorId") AS "following"
  FROM "Comments" c LEFT JOIN "Users" u ON u."id" = c."authorId"`;

const toComment = (row: Row): Comment => ({
  id: row.id,
  createdAt: row.createdAt,
  updatedAt: row.updatedAt,
  body: row.body,
  author: authorOf(row),
});

/** The comments on an article as the viewer sees them, oldest first. */
export const listComments = async (db: Queries, viewer: User | undefined, articleId: number): Promise<Comment[]> => {
  const { rows } = await db.query<Row>({
    name: 'comments',
    text: `${SELECT} WHERE c."articleId" = $2 ORDER BY c."createdAt", c."id"`,
    values: [viewer?.id ?? 0, articleId],
  });
  return rows.map(toComment);
};

/** Adds a comment. Fails with a foreign key violation if the article has gone meanwhile. */
export const addComment = async (db: Queries, author: User, articleId: number, body: string): Promise<Comment> => {
  const { rows } = await db.query<{ id: number }>(
    `INSERT INTO "Comments" ("body", "articleId", "authorId", "createdAt", "updatedAt")
     VALUES ($1, $2, $3, $4, $4) RETURNING "id"`,
    [body, articleId, author.id, new Date()],
  );
  const { rows: added } = await db.query<Row>(`${SELECT} WHERE c."id" = $2`, [author.id, rows[0]!.id]);
  return toComment(added[0]!);
};

/** Whose comment it is; undefined if the article has none of that id. */
export const commentOwner = async (
  db: Queries,
  articleId: number,
  id: number,
): Promise<{ authorId: number | null } | undefined> => {
  const { rows } = await db.query<{ authorId: number | null }>(
    'SELECT "authorId" FROM "Comments" WHERE "id" = $1 AND "articleId" = $2',
    [id, articleId],
  );
  return rows[0];
};

export const deleteComment = async (db: Queries, id: number): Promise<void> => {
  await db.query('DELETE FROM "Comments" WHERE "id" = $1', [id]);
};
