import { createHmac } from 'node:crypto';
import { ExactNumber, isContainer, type Json, type JsonObject, parseJson, stringifyJson } from '../reply/json.ts';
import { isJsonMedia } from '../reply/json-media.ts';
import { decoded } from '../reply/url-text.ts';
import { parsePath } from '../rules/path.ts';
import { type RuleState, rootState } from '../rules/rule-state.ts';
import { MAY_HOLD_SECRETS, SECRET_ENDINGS, SECRET_HEADERS, SECRET_NAMES, SECRETS } from './secrets.ts';

/** What must not be kept, beside what is always taken out. */
export interface Redaction {
  /** Header names. */
  readonly headers?: readonly string[];
  /** Paths in JSON and form bodies: `$.user.iban`, `$..phone`. */
  readonly paths?: readonly string[];
  /** Names of members, query parameters and form fields, at any depth; case, `_` and `-` do not matter. */
  readonly names?: readonly string[];
  /** What to take out of any text. */
  readonly patterns?: readonly RegExp[];
  /** With a key, equal secrets become equal marks, so that one still sees what belongs together. */
  readonly key?: string;
  /** Secrets one knows, and what each is called: `[known NAME]` stands where it stood, whatever is around it. */
  readonly known?: ReadonlyMap<string, string>;
}

/** Takes secrets out of what is to be stored or shown. Nothing given to it is changed. */
export interface Redactor {
  text(text: string): string;
  /** What stands for this secret. */
  secret(secret: string): string;
  /** True if what has this name is a secret. */
  isSecretName(name: string): boolean;
  json(value: Json): Json;
  headers(headers: Readonly<Record<string, readonly string[]>>): Record<string, readonly string[]>;
  /** A path with its query. */
  url(url: string): string;
  /** The sample of a difference at this path: a line of JSON, perhaps cut. */
  sample(path: string, sample: string): string;
  /** A body as it came, read by its media type; what is neither text, JSON nor form is left out altogether. */
  body(text: string, media: string): string;
}

/** A redactor for these and for what always is a secret: credentials, tokens, keys, card numbers, e-mail addresses. */
export function redactor(redaction: Redaction = {}): Redactor {
  const names = new Set([...SECRET_NAMES, ...(redaction.names ?? [])].map(plainName));
  const secretHeaders = new Set([...SECRET_HEADERS, ...(redaction.headers ?? [])].map((name) => name.toLowerCase()));
  for (const path of redaction.paths ?? []) parsePath(path);
  const named = (redaction.paths ?? []).map((path) => ({ id: path, reason: 'secret', path, kind: 'ignore' }) as const);
  const paths = rootState(named, '$');
  const own = (redaction.patterns ?? []).map((pattern) => ({
    name: 'secret',
    pattern: global(pattern),
    isOne: undefined,
  }));
  const known = redaction.known ?? new Map<string, string>();
  // One pass, longest first: a secret may be part of another one, or of its name.
  const anyKnown = new RegExp(
    [...known.keys()]
      .sort((one, other) => other.length - one.length)
      .map((secret) => secret.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
      .join('|') || '(?!)',
    'g',
  );
  const mark = (what: string, secret: string) => {
    const name = known.get(secret);
    if (name !== undefined) return `[known ${name}]`;
    if (!redaction.key) return `[${what}]`;
    return `[${what} ${createHmac('sha256', redaction.key).update(secret).digest('hex').slice(0, 12)}]`;
  };

  const all = [...SECRETS, ...own];
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
  const isSecretName = remembered((name: string) => {
    const plain = plainName(name);
    return names.has(plain) || SECRET_ENDINGS.test(plain);
  });
  const nameText = remembered(text);
  /** What stands for a secret that is one by its name; by its looks it may be more than that. */
  const ofName = (secret: string) => {
    const marked = text(secret);
    return ONE_MARK.test(marked) ? marked : mark('secret', secret);
  };
  /** A text in which names and values may stand in any notation. */
  const looseText = (given: string) => {
    const hide = (found: string, name: string, value: string) =>
      isSecretName(name) && value !== '' && !value.startsWith('[')
        ? found.slice(0, found.lastIndexOf(value)) +
          mark('secret', value) +
          found.slice(found.lastIndexOf(value) + value.length)
        : found;
    const left = text(given);
    return NOTATION.test(left) ? NAMED.reduce((before, pattern) => before.replace(pattern, hide), left) : left;
  };

  const json = (value: Json): Json => {
    const root: Json[] = [value];
    const open: { readonly to: Json[] | Record<string, Json>; readonly state: RuleState; readonly within: boolean }[] =
      [{ to: root, state: { ...paths, into: () => paths } as RuleState, within: false }];
    for (let level = open.pop(); level; level = open.pop()) {
      for (const key of Object.keys(level.to)) {
        const members = level.to as Record<string, Json>;
        const inside = members[key]!;
        const state = level.state.into(Array.isArray(level.to) ? Number(key) : key);
        const secret =
          level.within || state.rules.ignore !== undefined || (!Array.isArray(level.to) && isSecretName(key));
        if (isContainer(inside)) {
          const copy = Array.isArray(inside) ? [...inside] : renamed(inside as JsonObject, nameText);
          put(members, key, copy);
          open.push({ to: copy, state, within: secret });
        } else if (secret) put(members, key, hidden(inside, ofName));
        else if (typeof inside === 'string') put(members, key, looseText(inside));
        else if (inside instanceof ExactNumber || typeof inside === 'number') {
          const digits = inside instanceof ExactNumber ? inside.text : String(inside);
          if (digits.length >= SHORTEST_CARD && text(digits) !== digits) put(members, key, text(digits));
        }
      }
    }
    return root[0]!;
  };

  const isNamed = (path: string) => {
    if (path.includes('…')) return false;
    const segments = path.startsWith('$') ? parsePath(path) : [];
    let state: RuleState = paths;
    return segments.some((segment) => {
      state = state.into('name' in segment ? segment.name : 0);
      return state.rules.ignore !== undefined || ('name' in segment && isSecretName(segment.name));
    });
  };
  const sample = (path: string, given: string) => {
    if (isNamed(path)) return mark('secret', given);
    try {
      return stringifyJson(json(parseJson(given)));
    } catch {
      const withoutNamed = given.replace(MEMBER, (member, name: string) =>
        isSecretName(name) ? `"${name}": "${mark('secret', member)}"` : member,
      );
      return text(withoutNamed);
    }
  };

  const query = (given: string) => {
    const parts = given.split('&').map((part) => {
      const [name = '', ...value] = part.split('=');
      const secret = isSecretName(decoded(name));
      const plain = decoded(value.join('='));
      if (secret) return `${name}=${encodeURIComponent(ofName(plain))}`;
      return text(plain) === plain ? part : `${name}=${encodeURIComponent(text(plain))}`;
    });
    return parts.join('&');
  };

  return {
    text,
    secret: ofName,
    isSecretName,
    json,
    sample,
    headers: (headers) => {
      const kept: Record<string, readonly string[]> = Object.create(null);
      for (const [name, values] of Object.entries(headers)) {
        const secret = secretHeaders.has(name.toLowerCase());
        kept[name] = values.map((value) => (secret ? mark('secret', value) : text(value)));
      }
      return kept;
    },
    url: (url) => {
      const [path = '', ...rest] = url.split('?');
      return rest.length === 0 ? text(path) : `${text(path)}?${query(rest.join('?'))}`;
    },
    body: (given, media) => {
      // Many senders of JSON do not say so, or call it a form.
      if (/^\s*[{["]/.test(given) || isJsonMedia(media.toLowerCase())) {
        try {
          return stringifyJson(json(parseJson(given)));
        } catch {
          if (isJsonMedia(media.toLowerCase())) return looseText(given); // says JSON and is not, or is too deep to be written again
        }
      }
      if (media === 'application/x-www-form-urlencoded') return query(given);
      return /^text\/|[/+](xml|javascript|x-ndjson)$/i.test(media)
        ? looseText(given)
        : `[${given.length} characters left out]`;
    },
  };
}

/** What `mark` gives, and nothing else. */
const ONE_MARK = /^\[[\w-]+(?: [\w-]+)?\]$/;

/** Digits of the shortest number that may be a card's. */
const SHORTEST_CARD = 13;
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

/** A member in a line that is no JSON because it was cut. A quote behind a backslash begins none, so no text is read twice. */
const MEMBER = /(?<!\\)"((?:[^"\\]|\\.)*)"\s*:\s*(?:"(?:[^"\\]|\\.)*"?|[^,}\]\s]+)/g;

/** A copy whose names hold no secrets either. */
function renamed(members: JsonObject, text: (name: string) => string): Record<string, Json> {
  const copy = {};
  for (const [name, value] of Object.entries(members)) put(copy, text(name), value);
  return copy;
}

/** Keeps the type of what it hides: a number becomes 0, a truth value stays what it is. */
function hidden(value: Json, mark: (secret: string) => string): Json {
  if (typeof value === 'string') return value === '' ? '' : mark(value);
  return typeof value === 'number' || value instanceof ExactNumber ? 0 : value;
}

function put(members: object, name: string, value: Json): void {
  // Defined, not assigned, which for this name alone makes a difference.
  if (name === '__proto__')
    Object.defineProperty(members, name, { value, enumerable: true, writable: true, configurable: true });
  else (members as Record<string, Json>)[name] = value;
}

const plainName = (name: string) => name.toLowerCase().replace(/[_\-\s.]/g, '');
const global = (pattern: RegExp) =>
  new RegExp(pattern.source, pattern.flags.includes('g') ? pattern.flags : `${pattern.flags}g`);
