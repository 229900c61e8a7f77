import { createHmac } from 'node:crypto';
import type { Redaction } from './redaction.ts';
import { MAY_HOLD_SECRETS, SECRETS } from './secrets.ts';

/** Knows secrets by their looks, and what stands for them. */
export type Marks = {
  /** What stands for a secret of this sort. */
  readonly mark: (what: string, secret: string) => string;
  /** A text without what looks like a secret. */
  readonly text: (given: string) => string;
};

/** Marks for what always looks like a secret, for patterns of one’s own, and for secrets one knows. */
export function marksOf({ key, patterns = [], known = new Map() }: Redaction): Marks {
  const own = patterns.map((pattern) => ({ name: 'secret', pattern: global(pattern), isOne: undefined }));
  const all = [...SECRETS, ...own];
  const anyKnown = anyOf([...known.keys()]);
  const mark = (what: string, secret: string) => {
    const name = known.get(secret);
    if (name !== undefined) return `[known ${name}]`;
    if (!key) return `[${what}]`;
    return `[${what} ${createHmac('sha256', key).update(secret).digest('hex').slice(0, 12)}]`;
  };
  const text = (given: string) => {
    const left = known.size === 0 ? given : given.replace(anyKnown, (secret) => mark('known', secret));
    if (own.length === 0 && !MAY_HOLD_SECRETS.test(left)) return left;
    return all.reduce(
      (before, { name, pattern, isOne }) =>
        before.replace(pattern, (found, ...more) => {
          const { kept = '' } = (typeof more.at(-1) === 'object' ? more.at(-1) : {}) as { readonly kept?: string };
          return !isOne || isOne(found) ? kept + mark(name, found.slice(kept.length)) : found;
        }),
      left,
    );
  };
  return { mark, text };
}

/** Finds any of these in one pass, longest first: a secret may be part of another one, or of its name. */
function anyOf(secrets: readonly string[]): RegExp {
  const longestFirst = secrets.toSorted((one, other) => other.length - one.length);
  const source = longestFirst.map((secret) => secret.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|');
  return new RegExp(source || '(?!)', 'g');
}

const global = (pattern: RegExp) =>
  new RegExp(pattern.source, pattern.flags.includes('g') ? pattern.flags : `${pattern.flags}g`);
