/** What JSON has where a claim should be: a text, or why there is none. */
export type ClaimFound = { readonly text: string } | { readonly lacks: 'claim' | 'text' | 'JSON' };

/** Follows names into JSON to a text, or to a whole number, of which every digit is kept. Null is no claim. */
export function claimIn(json: string, names: readonly string[]): ClaimFound {
  let value: unknown;
  try {
    value = parsed(json);
  } catch {
    return { lacks: 'JSON' };
  }
  for (const name of names) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, name)) return { lacks: 'claim' };
    value = (value as Record<string, unknown>)[name];
  }
  if (value === null) return { lacks: 'claim' };
  return typeof value === 'string' ? { text: value } : { lacks: 'text' };
}

type Parse = (text: string, revive: (key: string, value: unknown, at: { source: string }) => unknown) => unknown;
/** JSON in which whole numbers are their digits, and other numbers no text. */
const parsed = (text: string): unknown =>
  (JSON.parse as Parse)(text, (_, value, { source }) => {
    if (typeof value !== 'number') return value;
    return /^-?\d+$/.test(source) ? source : false;
  });
