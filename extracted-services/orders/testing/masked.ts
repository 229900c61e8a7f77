import type { Reply } from '@example/monolith/testing';

const VOLATILE_TEXT: [RegExp, string][] = [
  [/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<uuid>'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '<time>'],
];

/**
 * What two answers must have in common: status, headers that mean something, and the body with minted ids, times and
 * request ids replaced by what they are. Ids are numbered as they appear, so that order and repetition still count.
 */
export const masker = () => {
  const ids = new Map<unknown, string>();
  const nameOf = (id: unknown) => {
    if (!ids.has(id)) ids.set(id, `<id ${ids.size + 1}>`);
    return ids.get(id)!;
  };
  const mask = (value: unknown, name?: string): unknown => {
    if (name === 'id') return typeof value === 'number' ? nameOf(value) : value;
    if (name === 'next' && typeof value === 'string')
      return value.replace(/^.*Z_(\d+)$/, (_, id) => `<time>_${nameOf(Number(id))}`);
    if (typeof value === 'string') return VOLATILE_TEXT.reduce((text, [from, to]) => text.replace(from, to), value);
    if (Array.isArray(value)) return value.map((element) => mask(element));
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, mask(inner, key)]));
    return value;
  };
  return ({ status, headers, body }: Reply) => ({
    status,
    contentType: headers.get('content-type'),
    cacheControl: headers.get('cache-control'),
    replayed: headers.get('idempotent-replayed'),
    retryAfter: headers.get('retry-after'),
    namesRequest: headers.get('x-request-id') !== null,
    headerNames: [...headers.keys()].toSorted(),
    body: mask(body),
  });
};
