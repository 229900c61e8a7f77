import { randomBytes } from 'node:crypto';
import slugify from 'slugify';
import { type Errors, unprocessable } from './http/http-error.ts';

const MAX_CHARACTERS = 255;
/** What the monolith's TEXT columns hold. */
const MAX_BYTES = 65_535;

/** What an article is made of. */
export interface Draft {
  title: string;
  description: string;
  body: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** `{"article": {…}}` and the like: the inner object, or an empty one. */
const fieldsOf = (body: unknown, name: string): Fields => {
  const fields = (body as Fields | undefined)?.[name];
  return fields !== null && typeof fields === 'object' && !Array.isArray(fields) ? (fields as Fields) : {};
};

const mistakesIn = (value: unknown, tooLong: (text: string) => string | undefined): string[] => {
  if (typeof value !== 'string' || value.trim() === '') return ["can't be blank"];
  const mistake = tooLong(value);
  return mistake === undefined ? [] : [mistake];
};

const aLine = (text: string) =>
  [...text].length > MAX_CHARACTERS ? `is too long (maximum is ${MAX_CHARACTERS} characters)` : undefined;

const aText = (text: string) => (Buffer.byteLength(text) > MAX_BYTES ? 'is too long' : undefined);

const draftChecks: Readonly<Record<keyof Draft, (text: string) => string | undefined>> = {
  title: aLine,
  description: aLine,
  body: aText,
};

const isTag = (tag: unknown) => typeof tag === 'string' && tag.trim() !== '' && [...tag].length <= MAX_CHARACTERS;

const isTagList = (value: unknown): value is string[] => Array.isArray(value) && value.every(isTag);

/** Throws 422 with whatever has a mistake. */
const refuse = (errors: Errors): void => {
  const wrong = Object.entries(errors).filter(([, mistakes]) => mistakes.length > 0);
  if (wrong.length > 0) throw unprocessable(Object.fromEntries(wrong));
};

/** Makes a slug of a title. Throws 422 if nothing is left of it. */
export type SlugOf = (title: string) => string;

/** A new article and its tags. Throws 422. */
export const newArticle = (body: unknown, slugOf: SlugOf): Draft & { slug: string; tagList: readonly string[] } => {
  const fields = fieldsOf(body, 'article');
  const tagList = fields.tagList ?? [];
  const errors: Record<string, readonly string[]> = {};
  for (const [name, check] of Object.entries(draftChecks)) errors[name] = mistakesIn(fields[name], check);
  errors.tagList = isTagList(tagList) ? [] : ['must be a list of words'];
  refuse(errors);
  const { title, description, body: text } = fields as unknown as Draft;
  return { slug: slugOf(title), title, description, body: text, tagList: tagList as string[] };
};

/** The changes to an article: only what is given, and the slug with the title. Throws 422. */
export const changedArticle = (body: unknown, slugOf: SlugOf): Partial<Draft & { slug: string }> => {
  const fields = fieldsOf(body, 'article');
  const given = Object.entries(draftChecks).filter(([name]) => fields[name] !== undefined);
  refuse(Object.fromEntries(given.map(([name, check]) => [name, mistakesIn(fields[name], check)])));
  const changes = Object.fromEntries(given.map(([name]) => [name, fields[name]])) as Partial<Draft>;
  return changes.title === undefined ? changes : { ...changes, slug: slugOf(changes.title) };
};

/** What staff make of an article. Throws 422. */
export const editedArticle = (body: unknown): Draft => {
  const fields = (body ?? {}) as Fields;
  refuse(
    Object.fromEntries(Object.entries(draftChecks).map(([name, check]) => [name, mistakesIn(fields[name], check)])),
  );
  const { title, description, body: text } = fields as unknown as Draft;
  return { title, description, body: text };
};

/** The text of a new comment. Throws 422. */
export const newComment = (body: unknown): string => {
  const text = fieldsOf(body, 'comment').body;
  refuse({ body: mistakesIn(text, aText) });
  return text as string;
};

/** The monolith's slug of a title: nothing else is in it. */
export const plainSlug: SlugOf = (title) => {
  const slug = slugify.default(title, { lower: true, strict: true }).slice(0, MAX_CHARACTERS);
  if (slug === '') throw unprocessable({ title: ['must contain a letter or a digit'] });
  return slug;
};

/** The same, ending in eight hex digits of chance, so that neither side ever gives one away that the other has given. */
export const randomSlug: SlugOf = (title) =>
  `${plainSlug(title).slice(0, MAX_CHARACTERS - 9)}-${randomBytes(4).toString('hex')}`;

/** A text of the query string, or undefined for anything else (`?tag[]=x`). */
export const textIn = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** Which part of a list is asked for. */
export const pageIn = (query: Fields): { limit: number; offset: number } => ({
  limit: Math.min(Math.max(Number.parseInt(String(query.limit), 10) || 20, 1), 100),
  offset: Math.min(Math.max(Number.parseInt(String(query.offset), 10) || 0, 0), 1_000_000),
});

/** An id in a path; 0, which nothing has, for anything else. */
export const idIn = (text: unknown): number => {
  const id = typeof text === 'string' && /^[1-9]\d{0,9}$/.test(text) ? Number(text) : 0;
  return id <= 2_147_483_647 ? id : 0;
};
