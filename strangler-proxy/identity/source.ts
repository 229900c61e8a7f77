/** What of a request may say whose it is. */
export type Identifiable = {
  readonly method: string;
  /** It may write: whose it is is asked again, whatever is remembered of it. */
  readonly isWrite: boolean;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  /** As the client sent it. */
  readonly target: string;
  /** Of the route it takes; undefined if its path can be read in two ways that differ in them. */
  readonly parameters: ReadonlyMap<string, string> | undefined;
};

/**
 * What one source says: a user, as it is spelt there; that there is something nobody can read, or nobody just now; or
 * nothing.
 */
export type SourceAnswer =
  | { readonly user: string }
  | { readonly unreadable: string }
  | { readonly unknown: string }
  | undefined;

/** One place of a request that may say whose it is. Never rejects. */
export type IdentitySource = (asked: Identifiable) => SourceAnswer | Promise<SourceAnswer>;

/** Longest token or cookie we look into, in characters. */
export const LONGEST = 8_192;

/** Every value of a header, in the order they came; `name` is lower case. */
export function valuesOf(headers: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let at = 0; at < headers.length; at += 2) {
    const one = headers[at]!;
    if (one.length === name.length && one.toLowerCase() === name) values.push(headers[at + 1]!);
  }
  return values;
}

/** The one value of a header; unreadable if it is there twice, or too long. */
export function headerSays(headers: readonly string[], name: string): SourceAnswer {
  const values = valuesOf(headers, name);
  const [value] = values;
  if (value === undefined) return undefined;
  if (values.length > 1) return { unreadable: `there are ${values.length} headers ${name}` };
  return value.length > LONGEST ? { unreadable: `the header ${name} is too long` } : { user: value.trim() };
}
