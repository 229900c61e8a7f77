import type { Marks } from './marks.ts';
import type { Redaction } from './redaction.ts';
import { SECRET_ENDINGS, SECRET_NAMES } from './secrets.ts';

/** Knows secrets by what they are called. */
export type NamedSecrets = {
  readonly isSecretName: (name: string) => boolean;
  /** What stands for a secret that is one by its name; by its looks it may be more than that. */
  readonly ofName: (secret: string) => string;
  /** A name, which may hold a secret itself. */
  readonly nameText: (name: string) => string;
  /** A text that may hold names and values in any notation. */
  readonly looseText: (given: string) => string;
};

/** Names that always call a secret, and names of one’s own. */
export function namedSecrets(redaction: Redaction, { mark, text }: Marks): NamedSecrets {
  const names = new Set([...SECRET_NAMES, ...(redaction.names ?? [])].map(plainName));
  const isSecretName = remembered((name: string) => {
    const plain = plainName(name);
    return names.has(plain) || SECRET_ENDINGS.test(plain);
  });
  const ofName = (secret: string) => {
    const marked = text(secret);
    return ONE_MARK.test(marked) ? marked : mark('secret', secret);
  };
  const hide = (found: string, name: string, value: string) => {
    if (!isSecretName(name) || value === '' || value.startsWith('[')) return found;
    const at = found.lastIndexOf(value);
    return found.slice(0, at) + mark('secret', value) + found.slice(at + value.length);
  };
  const looseText = (given: string) => {
    const left = text(given);
    return NOTATION.test(left) ? NAMED.reduce((before, pattern) => before.replace(pattern, hide), left) : left;
  };
  return { isSecretName, ofName, nameText: remembered(text), looseText };
}

/** What `mark` gives, and nothing else. */
const ONE_MARK = /^\[[\w-]+(?: [\w-]+)?\]$/;

/** Most names recur from element to element; so many are remembered. */
const MOST_NAMES = 1_000;

function remembered<T>(work: (name: string) => T): (name: string) => T {
  const memory = new Map<string, T>();
  return (name) => {
    const known = memory.get(name);
    if (known !== undefined) return known;
    const found = work(name);
    if (memory.size < MOST_NAMES) memory.set(name, found);
    return found;
  };
}

/** Without one of these a text holds no name with a value; a moment has colons, too. */
const NOTATION = /^(?!\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z|[+-]\d\d:?\d\d)?$).*[:=<]/s;

/** A name and its value as texts have them: `name=value`, `"name": "value"`, `<name>value<`, and fields of HTML forms. */
const NAMED: readonly RegExp[] = [
  /(?<![\w.-])([a-z][\w.-]{2,40})["']?\s{0,9}[:=]\s{0,9}"([^"]+)"/gi,
  /(?<![\w.-])([a-z][\w.-]{2,40})["']?\s{0,9}[:=]\s{0,9}["']?((?:(?:Bearer|Basic|Token)\s)?[^\s"'&,;<>]+)/gi,
  /<([\w:.-]{1,60})(?:\s[^<>]{0,300})?>([^<]+)</g,
  /\bname=["']?([\w.[\]-]{1,60})["']?\s[^<>]{0,300}?\bvalue=["']([^"']*)/gi,
];

const plainName = (name: string) => name.toLowerCase().replace(/[_\-\s.]/g, '');
