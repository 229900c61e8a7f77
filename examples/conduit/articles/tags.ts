import type { Queries } from './database.ts';

/** Sees to it that tags of these names are there, before an article is given them. */
export type MakeTags = (db: Queries, names: readonly string[]) => Promise<void>;

/** Where a name gets its id. */
export interface TagsOffice {
  /** The monolith, past everything that is in front of it. */
  monolithUrl: string;
  internalToken: string;
}

/** The monolith did not say which id a tag has. */
export class NoTagsError extends Error {}

const ASK_WITHIN_MS = 5_000;

/** The service gives names their ids itself. */
export const makeNone: MakeTags = async () => {};

/**
 * Asks the monolith for the tags that are not here: a name has one id, whichever side meets it first. They would come by
 * themselves, but later than the article that is about to use them. Throws NoTagsError.
 */
export const askMonolith =
  ({ monolithUrl, internalToken }: TagsOffice): MakeTags =>
  async (db, names) => {
    if (names.length === 0) return;
    const { rows } = await db.query<{ name: string }>(
      `SELECT wanted.name FROM unnest($1::text[]) AS wanted(name)
       WHERE NOT EXISTS (SELECT 1 FROM "Tags" t WHERE t."name" = wanted.name)`,
      [names],
    );
    if (rows.length === 0) return;
    const tags = await ask(`${monolithUrl}/internal/tags`, internalToken, [...new Set(rows.map(({ name }) => name))]);
    await db.query(
      `INSERT INTO "Tags" ("id", "name") SELECT * FROM unnest($1::integer[], $2::text[]) ON CONFLICT DO NOTHING`,
      [tags.map(({ id }) => id), tags.map(({ name }) => name)],
    );
  };

const ask = async (url: string, token: string, names: readonly string[]): Promise<{ id: number; name: string }[]> => {
  try {
    const answer = await fetch(url, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', 'x-internal-token': token },
      body: JSON.stringify({ names }),
      signal: AbortSignal.timeout(ASK_WITHIN_MS),
    });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    return ((await answer.json()) as { tags: { id: number; name: string }[] }).tags;
  } catch (cause) {
    throw new NoTagsError('the monolith did not say which ids tags have', { cause });
  }
};
