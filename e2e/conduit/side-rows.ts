import { quoted, type Session } from '@strangler/ledger';

/** An article in a database. */
export type ArticleRow = {
  readonly id: number;
  readonly body: string;
  readonly description: string;
  readonly hidden: boolean;
  readonly author: string | null;
  readonly tags: readonly string[];
};

/** What one database says, by what it was written as. */
export type SideRows = {
  /** By the mark that the title begins with; one there is once. */
  readonly articles: ReadonlyMap<string, readonly ArticleRow[]>;
  /** How often each text is there. */
  readonly comments: ReadonlyMap<string, number>;
  /** `user article’s id` */
  readonly favorites: ReadonlySet<string>;
  readonly people: ReadonlySet<string>;
  readonly follows: ReadonlySet<string>;
  /** How often each event is there; the service knows of none. */
  readonly events: ReadonlyMap<string, number> | undefined;
};

type Article = {
  id: number;
  title: string;
  body: string;
  description: string;
  hidden: unknown;
  authorId: number | null;
};

/** Reads everything that people of ours may have written. */
export async function readSide(session: Session): Promise<SideRows> {
  /** Statements are written for Postgres; names are the same in MySQL, between other marks. */
  const ask = async <Row>(sql: string): Promise<readonly Row[]> => {
    const own = sql.replace(/"(\w+)"/g, (_, name: string) => quoted(session.dialect, name));
    return (await session.query<Row>(own)).rows;
  };
  const users = await ask<{ id: number; username: string }>('SELECT "id", "username" FROM "Users"');
  const nameOf = new Map(users.map(({ id, username }) => [Number(id), username]));
  const tags = Map.groupBy(
    await ask<{ articleId: number; name: string }>(
      'SELECT a."articleId", t."name" FROM "ArticleTags" a JOIN "Tags" t ON t."id" = a."tagId"',
    ),
    ({ articleId }) => Number(articleId),
  );
  const articles = await ask<Article>(
    'SELECT "id", "title", "body", "description", "hidden", "authorId" FROM "Articles"',
  );
  const comments = await ask<{ body: string }>('SELECT "body" FROM "Comments"');
  const favorites = await ask<{ userId: number; articleId: number }>('SELECT "userId", "articleId" FROM "Favorites"');
  const follows = await ask<{ a: number; b: number }>('SELECT "followerId" AS a, "followedId" AS b FROM "Follows"');
  const events =
    session.dialect === 'mysql' ? await ask<{ eventId: string }>('SELECT "eventId" FROM "Sponsorships"') : undefined;
  return {
    articles: Map.groupBy(
      articles.map(({ id, title, body, description, hidden, authorId }) => ({
        ...{ id: Number(id), mark: title.split(' on ')[0]!, body, description },
        hidden: hidden === true || Number(hidden) === 1,
        author: authorId === null ? null : (nameOf.get(Number(authorId)) ?? null),
        tags: (tags.get(Number(id)) ?? []).map(({ name }) => name),
      })),
      ({ mark }) => mark,
    ),
    comments: counted(comments.map(({ body }) => body)),
    favorites: new Set(favorites.map(({ userId, articleId }) => `${nameOf.get(Number(userId))} ${articleId}`)),
    people: new Set(nameOf.values()),
    follows: new Set(follows.map(({ a, b }) => `${nameOf.get(Number(a))} ${nameOf.get(Number(b))}`)),
    events: events && counted(events.map(({ eventId }) => eventId)),
  };
}

const counted = (all: readonly string[]): Map<string, number> =>
  new Map([...Map.groupBy(all, (one) => one)].map(([one, some]) => [one, some.length]));
