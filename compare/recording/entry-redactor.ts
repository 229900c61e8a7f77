import { isUtf8 } from 'node:buffer';
import type { Redactor } from '../redact/redaction.ts';
import { decode } from '../reply/decode.ts';
import { stringifyJson } from '../reply/json.ts';
import { type Reply, toReply } from '../reply/reply.ts';
import type { HarContent, HarPostData, HarResponse } from './har.ts';
import { isHarmless, withoutSecrets } from './multipart.ts';
import type { TappedBody } from './tap.ts';
import { cookiePair, cookiesOf } from './user.ts';

export type Headers = Readonly<Record<string, readonly string[]>>;

/** A body as it may be stored: a text, bytes, or why it is not kept. */
export type StorableBody =
  | { readonly text: string; readonly base64?: true; readonly size: number }
  | { readonly why: string; readonly size: number };

/** What of one message may reach the disk. */
export class EntryRedactor {
  readonly #redactor: Redactor;
  readonly #cap: number;

  /** `cap`: bytes of a decoded body beyond which only its size and hash are kept. */
  constructor(redactor: Redactor, cap: number) {
    this.#redactor = redactor;
    this.#cap = cap;
  }

  url(path: string): string {
    return this.#redactor.url(path);
  }

  user(user: string | undefined, isSecret: boolean): string | undefined {
    return user === undefined ? undefined : isSecret ? this.#redactor.secret(user) : this.#redactor.text(user);
  }

  /** Of what carries credentials, scheme and names are kept, so that one sees what belongs together. */
  headers(headers: Headers): { name: string; value: string }[] {
    return Object.entries(headers).flatMap(([name, values]) =>
      values.map((value) => ({ name, value: this.#header(name, value) })),
    );
  }

  #header(name: string, value: string): string {
    const secret = (text: string) => (text === '' ? '' : this.#redactor.secret(text));
    if (name === 'cookie') {
      return cookiesOf({ cookie: [value] })
        .map(([cookie, is]) => `${cookie}=${secret(is)}`)
        .join('; ');
    }
    if (name === 'set-cookie') {
      const [cookie, is] = cookiePair(value);
      const at = value.indexOf(';');
      return `${cookie}=${secret(is)}${at < 0 ? '' : value.slice(at)}`;
    }
    if (name === 'authorization' || name === 'proxy-authorization') {
      const [, scheme = '', credential = ''] = /^([A-Za-z][\w-]*\s+)?(.*)$/s.exec(value)!;
      return scheme + secret(credential);
    }
    const plain = name.replace(/^x-/, '');
    const [redacted = ''] = this.#redactor.headers({ [name]: [value] })[name]!;
    if (redacted !== value) return redacted;
    if (this.#redactor.isSecretName(plain) || SECRET_HEADER.test(plain)) return secret(value);
    return /^(?:\w+:\/)?\//.test(value) ? this.#redactor.url(value) : value;
  }

  body(seen: TappedBody, headers: Headers): StorableBody {
    const { bytes, size } = seen;
    if (bytes === undefined) return { why: `larger than ${this.#cap} bytes`, size };
    const plain = decode(bytes, headers['content-encoding']?.join(', ') ?? '', this.#cap);
    if ('why' in plain) return { why: plain.why, size };
    const { 'content-encoding': _, ...about } = headers;
    const { body } = toReply({ status: 200, headers: about, body: plain });
    const media = (about['content-type']?.[0] ?? '').split(';')[0]!.trim().toLowerCase();
    switch (body.kind) {
      case 'empty':
        return { text: '', size: 0 };
      case 'unreadable':
        return { why: body.why, size };
      case 'json':
        try {
          return { text: stringifyJson(this.#redactor.json(body.value)), size: plain.length };
        } catch {
          return { why: 'too deep to be written again', size }; // JSON.stringify recurses
        }
      case 'text':
        return { text: this.#redactor.body(body.text, media), size: plain.length };
      case 'form':
        return { text: this.#redactor.body(Buffer.from(plain).toString(), media), size: plain.length };
      case 'binary':
        return this.#binary(Buffer.from(plain), about['content-type']?.[0] ?? '');
    }
  }

  /** Nothing can be taken out of bytes, so they are kept as they are or not at all. */
  #binary(bytes: Buffer, contentType: string): StorableBody {
    const size = bytes.length;
    if (/^multipart\//i.test(contentType)) {
      const form = withoutSecrets(bytes, contentType, this.#redactor);
      if (!form) return { why: 'a form of several parts, which may hold secrets', size };
      return isUtf8(form) ? { text: form.toString(), size } : { text: form.toString('base64'), base64: true, size };
    }
    if (isUtf8(bytes) && !bytes.includes(0)) return { text: this.#redactor.body(bytes.toString(), 'text/plain'), size };
    if (!isHarmless(bytes, this.#redactor)) return { why: 'binary, and may hold secrets', size };
    return { text: bytes.toString('base64'), base64: true, size };
  }
}

/** Names of headers that say so themselves, but for those that only ask for credentials. */
const SECRET_HEADER =
  /^(?!www-authenticate|proxy-authenticate).*(?:token|secret|password|api-?key|session|signature|credential)/;

/** A kept body as HAR has it in a reply. */
export function contentOf(kept: StorableBody, mimeType: string, sha256: string): HarContent {
  const { size } = kept;
  if ('why' in kept) return { size, mimeType, comment: `not kept: ${kept.why}`, _sha256: sha256 };
  return { size, mimeType, text: kept.text, ...(kept.base64 && { encoding: 'base64' }) };
}

/** A kept body as HAR has it in a request. */
export function postDataOf(kept: StorableBody, mimeType: string, sha256: string): HarPostData {
  if ('why' in kept) return { mimeType, text: '', comment: `not kept: ${kept.why}`, _sha256: sha256 };
  return { mimeType, text: kept.text, ...(kept.base64 && { _encoding: 'base64' as const }) };
}

/** A live reply as a recording would have it. */
export function asRecorded(reply: Reply, keeper: EntryRedactor): HarResponse {
  const { status, headers, wire = '' } = reply;
  const bytes = Buffer.from(wire as Uint8Array);
  const kept = keeper.body({ bytes, size: bytes.length, sha256: '' }, headers);
  return {
    status,
    statusText: '',
    httpVersion: '',
    cookies: [],
    headers: keeper.headers(headers),
    content: contentOf(kept, headers['content-type']?.[0] ?? '', ''),
    redirectURL: '',
    headersSize: -1,
    bodySize: bytes.length,
  };
}
