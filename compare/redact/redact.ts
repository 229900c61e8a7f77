import { type Json, parseJson, stringifyJson } from '../reply/json.ts';
import { isJsonMedia } from '../reply/json-media.ts';
import { decoded } from '../reply/url-text.ts';
import { parsePath } from '../rules/path.ts';
import { type RuleState, rootState } from '../rules/rule-state.ts';
import { jsonWithoutSecrets } from './json-secrets.ts';
import { type Marks, marksOf } from './marks.ts';
import { type NamedSecrets, namedSecrets } from './names.ts';
import type { Redaction, Redactor } from './redaction.ts';
import { SECRET_HEADERS } from './secrets.ts';

/** A redactor for these and for what always is a secret: credentials, tokens, keys, card numbers, e-mail addresses. */
export function redactor(redaction: Redaction = {}): Redactor {
  const marks = marksOf(redaction);
  const named = namedSecrets(redaction, marks);
  const paths = secretPaths(redaction.paths ?? []);
  const secretHeaders = new Set([...SECRET_HEADERS, ...(redaction.headers ?? [])].map((name) => name.toLowerCase()));
  const json = (value: Json) => jsonWithoutSecrets(value, paths, marks, named);
  const query = (given: string) => queryWithoutSecrets(given, marks, named);
  return {
    text: marks.text,
    secret: named.ofName,
    isSecretName: named.isSecretName,
    json,
    sample: (path, given) =>
      isSecretPath(path, paths, named) ? marks.mark('secret', given) : lineWithoutSecrets(given, json, marks, named),
    headers: (headers) => {
      const kept: Record<string, readonly string[]> = Object.create(null);
      for (const [name, values] of Object.entries(headers)) {
        const secret = secretHeaders.has(name.toLowerCase());
        kept[name] = values.map((value) => (secret ? marks.mark('secret', value) : marks.text(value)));
      }
      return kept;
    },
    url: (url) => {
      const [path = '', ...rest] = url.split('?');
      return rest.length === 0 ? marks.text(path) : `${marks.text(path)}?${query(rest.join('?'))}`;
    },
    body: (given, media) => {
      // Many senders of JSON do not say so, or call it a form.
      if (/^\s*[{["]/.test(given) || isJsonMedia(media.toLowerCase())) {
        try {
          return stringifyJson(json(parseJson(given)));
        } catch {
          if (isJsonMedia(media.toLowerCase())) return named.looseText(given); // says JSON and is not, or is too deep to be written again
        }
      }
      if (media === 'application/x-www-form-urlencoded') return query(given);
      return /^text\/|[/+](xml|javascript|x-ndjson)$/i.test(media)
        ? named.looseText(given)
        : `[${given.length} characters left out]`;
    },
  };
}

/** Where documents hold secrets, by paths of one’s own. Throws if one is no path. */
function secretPaths(paths: readonly string[]): RuleState {
  for (const path of paths) parsePath(path);
  const rules = paths.map((path) => ({ id: path, reason: 'secret', path, kind: 'ignore' }) as const);
  return rootState(rules, '$');
}

/** True if what is at this path of a difference is a secret, by its place or by the name of a member on the way. */
function isSecretPath(path: string, paths: RuleState, { isSecretName }: NamedSecrets): boolean {
  if (path.includes('…')) return false;
  const segments = path.startsWith('$') ? parsePath(path) : [];
  let state = paths;
  return segments.some((segment) => {
    state = state.into('name' in segment ? segment.name : 0);
    return state.rules.ignore !== undefined || ('name' in segment && isSecretName(segment.name));
  });
}

/** A member in a line that is no JSON because it was cut. A quote behind a backslash begins none, so no text is read twice. */
const MEMBER = /(?<!\\)"((?:[^"\\]|\\.)*)"\s*:\s*(?:"(?:[^"\\]|\\.)*"?|[^,}\]\s]+)/g;

/** A line of JSON, perhaps cut. */
function lineWithoutSecrets(
  line: string,
  json: (value: Json) => Json,
  { mark, text }: Marks,
  { isSecretName }: NamedSecrets,
): string {
  try {
    return stringifyJson(json(parseJson(line)));
  } catch {
    return text(
      line.replace(MEMBER, (member, name: string) =>
        isSecretName(name) ? `"${name}": "${mark('secret', member)}"` : member,
      ),
    );
  }
}

/** The query of a URL, or the body of a form. */
function queryWithoutSecrets(query: string, { text }: Marks, { isSecretName, ofName }: NamedSecrets): string {
  const parts = query.split('&').map((part) => {
    const [name = '', ...value] = part.split('=');
    const plain = decoded(value.join('='));
    if (isSecretName(decoded(name))) return `${name}=${encodeURIComponent(ofName(plain))}`;
    return text(plain) === plain ? part : `${name}=${encodeURIComponent(text(plain))}`;
  });
  return parts.join('&');
}
