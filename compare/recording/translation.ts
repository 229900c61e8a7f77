import { createHash } from 'node:crypto';
import { redactor } from '../redact/redact.ts';
import { parseJson, stringifyJson } from '../reply/json.ts';
import type { Reply } from '../reply/reply.ts';
import { decoded } from '../reply/url-text.ts';
import { IdMap } from '../rules/id-map.ts';
import { fieldsWithIds, type IdNames, idPairs, pathPairs, pathWithIds, withIds } from './ids.ts';
import type { Played } from './played.ts';
import { hiddenFields, MARK, tokenKey, tokenPairs } from './tokens.ts';
import { cookiePair, cookiesOf, isSessionCookie } from './user.ts';
import { NOBODY } from './users.ts';

export interface TranslationOptions {
  /** Secrets that the recording calls by name. */
  readonly known: ReadonlyMap<string, string>;
  /** User, or `*` for everybody → headers that prove who it is. */
  readonly users: ReadonlyMap<string, Readonly<Record<string, string>>>;
  readonly idNames: IdNames;
  /** Makes the idempotency keys of this replay others than those of the recording. */
  readonly run: string;
}

const { isSecretName } = redactor();
const carriesCredentials = (name: string) =>
  /^(?:cookie|authorization)$/.test(name) || isSecretName(name.replace(/^x-/, ''));

/**
 * What one side calls that which the recording calls otherwise: tokens and cookies it has handed out since, ids it has
 * given. Learned from its replies, beside the recorded ones.
 */
export class Translation {
  readonly #options: TranslationOptions;
  readonly #ids = new IdMap();
  readonly #tokens = new Map<string, string>();
  readonly #cookies = new Map<string, Map<string, string>>();

  constructor(options: TranslationOptions) {
    this.#options = options;
  }

  /**
   * The request as this side has to be asked, or what is missing to ask it. One that was answered with `was` 401 had no
   * credentials that were any good, and needs none.
   */
  request(played: Played, user: string, was: number): Played | { readonly missing: string } {
    const { users } = this.#options;
    const given = was === 401 ? undefined : (users.get(user) ?? users.get('*'));
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(played.headers)) {
      if (given && name in given) continue;
      const header = name === 'cookie' ? this.#cookie(value, user) : this.#header(name, value);
      if (isMarked(header) && carriesCredentials(name)) {
        if (given) continue;
        const whose = user === NOBODY ? 'its sender' : `user ${user}`;
        if (was !== 401) return { missing: `the recording does not hold the ${name} of ${whose}` };
      }
      if (header !== '') headers[name] = header;
    }
    const path = pathWithIds(this.#path(played.path), this.#ids);
    const body = this.#body(played);
    const unknown = [path, body]
      .map((text) => typeof text === 'string' && /\[known ([\w-]+)\]/.exec(text)?.[1])
      .find(Boolean);
    if (unknown) return { missing: `the secret ${unknown} is not among those given` };
    return { method: played.method, path, headers: { ...headers, ...given }, body };
  }

  /** Takes from this side's reply what it now calls what the recorded reply calls otherwise. */
  learn(
    recorded: Reply,
    live: Reply,
    asked: { readonly user: string; readonly path: string; readonly isRead: boolean },
  ): void {
    this.#learnCookies(recorded, live, asked.user);
    const [etag] = recorded.headers.etag ?? [];
    if (etag && live.headers.etag) this.#tokens.set(etag, live.headers.etag[0]!);
    if (recorded.status >= 400 || live.status >= 400) return;
    const [was, is] = [recorded.headers.location?.[0], live.headers.location?.[0]];
    if (was && is) for (const pair of pathPairs(was, is)) this.#ids.corresponds(...pair);
    const [before, now] = [recorded.body, live.body];
    if (before.kind === 'json' && now.kind === 'json') {
      for (const [token, became] of tokenPairs(before.value, now.value)) this.#tokens.set(tokenKey(token), became);
      const how = { path: asked.path, names: this.#options.idNames, trustOrder: !asked.isRead };
      for (const pair of idPairs(before.value, now.value, how)) this.#ids.corresponds(...pair);
    } else if (before.kind === 'text' && now.kind === 'text') {
      const fields = hiddenFields(now.text);
      for (const [name, value] of hiddenFields(before.text)) {
        if (fields.has(name)) this.#tokens.set(tokenKey(value), fields.get(name)!);
      }
    }
  }

  #learnCookies(recorded: Reply, live: Reply, user: string): void {
    const was = new Map((recorded.headers['set-cookie'] ?? []).map(cookiePair));
    const jar = this.#cookies.get(user) ?? new Map<string, string>();
    for (const cookie of live.headers['set-cookie'] ?? []) {
      const [name, value] = cookiePair(cookie);
      const before = was.get(name);
      if (before) this.#tokens.set(tokenKey(before), value);
      jar.set(name, value);
    }
    if (user !== NOBODY && jar.size > 0) this.#cookies.set(user, jar);
  }

  #header(name: string, value: string): string {
    if (name === 'idempotency-key') return uuidOf(`${this.#options.run} ${value}`);
    const [, scheme = '', credential = ''] = name.endsWith('authorization') ? /^([\w-]+\s+)?(.*)$/s.exec(value)! : [];
    return name.endsWith('authorization') ? scheme + this.#text(credential) : this.#text(value);
  }

  /** What this side has set goes before what was recorded; what nobody can know is left away, but for a session. */
  #cookie(value: string, user: string): string {
    const jar = this.#cookies.get(user);
    return cookiesOf({ cookie: [value] })
      .map(([name, recorded]) => [name, jar?.get(name) ?? this.#text(recorded)] as const)
      .filter(([name, is]) => isSessionCookie(name) || !isMarked(is))
      .map(([name, is]) => `${name}=${is}`)
      .join('; ');
  }

  #path(path: string): string {
    if (!path.includes('%') && this.#tokens.size === 0) return path;
    return path.replace(/[^/?&=]+/g, (part) => this.#encoded(part));
  }

  #body({ body, headers, path }: Played): Played['body'] {
    if (typeof body !== 'string') return body;
    const media = headers['content-type'] ?? '';
    if (/^\s*[{[]/.test(body)) {
      try {
        const how = { path, ids: this.#ids, names: this.#options.idNames, text: (text: string) => this.#text(text) };
        const value = parseJson(body);
        const json = stringifyJson(withIds(value, how));
        return json === stringifyJson(value) ? body : json; // as it came, if there is no reason to write it again
      } catch {
        return this.#text(body); // no JSON after all
      }
    }
    if (!media.startsWith('application/x-www-form-urlencoded')) return this.#text(body);
    const fields = body.replace(/[^&=]+/g, (part) => this.#encoded(part));
    return fieldsWithIds(fields, path, this.#ids);
  }

  /** The same of a part of a path, query or form; as it came if nothing in it stands for anything else. */
  #encoded(part: string): string {
    const plain = decoded(part);
    const text = this.#text(plain);
    return text === plain ? part : encodeURIComponent(text);
  }

  /** A text in which every mark and token stands for what it stands for on this side. */
  #text(text: string): string {
    const became = this.#tokens.get(tokenKey(text));
    if (became !== undefined) return became;
    return text.replace(MARK, (mark, known, name: string, label, hex: string) => {
      if (known) return this.#options.known.get(name) ?? mark;
      return this.#tokens.get(hex) ?? (label === 'e-mail' ? `${hex}@redacted.invalid` : mark);
    });
  }
}

const isMarked = (text: string) => text.search(MARK) >= 0;

function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
