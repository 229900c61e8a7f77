import { invalid, type Mistake, notFound } from './http-error.ts';

/** Collects every mistake of a request before refusing it. */
export interface Mistakes {
  add(path: string, message: string): void;
  /** Throws the 400 if anything was added. */
  refuse(): void;
}

export const mistakes = (): Mistakes => {
  const found: Mistake[] = [];
  return {
    add: (path, message) => void found.push({ path, message }),
    refuse: () => {
      if (found.length > 0) throw invalid(found);
    },
  };
};

/** The body as an object; 400 if it is anything else. */
export const bodyObject = (body: unknown): Record<string, unknown> => {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  throw invalid([{ path: 'body', message: 'must be a JSON object (Content-Type: application/json)' }]);
};

const LARGEST_ID = 2n ** 63n - 1n;

/** An id in a path as digits, fit for a BIGINT column; 404 for what cannot be one. */
export const idInPath = (text: string | string[] | undefined, what: string): string => {
  if (typeof text === 'string' && /^[1-9]\d{0,18}$/.test(text) && BigInt(text) <= LARGEST_ID) return text;
  throw notFound(what);
};

/** `?limit=`, 50 unless given, 1 to 200. */
export const limitOf = (query: Record<string, unknown>, found: Mistakes): number => {
  const text = query.limit ?? '50';
  const limit = typeof text === 'string' && /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > 200) found.add('limit', 'must be a whole number from 1 to 200');
  return limit;
};

/** Where a page of a newest-first list ends: the creation time and id of its last row. */
export interface Cursor {
  createdAt: Date;
  id: string;
}

/** `?before=`, as given in the `next` of the page before: `<ISO time>_<id>`. */
export const beforeOf = (query: Record<string, unknown>, found: Mistakes): Cursor | undefined => {
  const text = query.before;
  if (text === undefined) return undefined;
  const [, time, id] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)_(\d{1,18})$/.exec(String(text)) ?? [];
  const createdAt = new Date(time ?? '');
  if (id !== undefined && !Number.isNaN(createdAt.getTime())) return { createdAt, id };
  found.add('before', 'must be the `next` of the page before');
  return undefined;
};

/** One row more than the limit was read: answers the page and the cursor of the next one, null at the end. */
export const pageOf = <Row extends { created_at: Date; id: number | string }>(rows: Row[], limit: number) => {
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return { page, next: last ? `${last.created_at.toISOString()}_${last.id}` : null };
};
