import type { Redaction } from '../redact/redaction.ts';

/** What a list of names, and of JSON paths that begin with `$`, takes out of recordings. */
export const redactionOf = (places: readonly string[]): Redaction => {
  const names = places.filter((place) => !place.startsWith('$'));
  return { names, headers: names, paths: places.filter((place) => place.startsWith('$')) };
};
