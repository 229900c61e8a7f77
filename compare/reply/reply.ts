import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { decode } from './decode.ts';
import { type Json, parseJson } from './json.ts';
import { isJsonMedia } from './json-media.ts';

/** A reply as both sides are brought to before they are compared. */
export interface Reply {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  /** Read when first asked for: two replies of the same bytes are the same without. */
  readonly body: Body;
  /** The body as it came; undefined if somebody else has parsed it. */
  readonly wire: string | Uint8Array | undefined;
}

export type Body =
  | { readonly kind: 'empty' }
  | { readonly kind: 'json'; readonly value: Json }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'form'; readonly fields: Readonly<Record<string, readonly string[]>> }
  | { readonly kind: 'binary'; readonly bytes: number; readonly sha256: string }
  /** Bytes we cannot look into: nothing can be said about them. */
  | { readonly kind: 'unreadable'; readonly why: string };

/** A side that gave no reply at all: refused, reset, timed out. */
export interface Failure {
  readonly error: string;
  /** True if it was given up waiting for. */
  readonly timeout?: boolean;
}

/**
 * What can be made a Reply: a supertest response, or any {status, headers, body}. A body that is text or bytes is taken
 * as it came over the wire; any other value as JSON parsed by somebody else (whose parser may have lost digits).
 */
export interface ReplySource {
  readonly status: number;
  readonly headers: Headers | Readonly<Record<string, string | number | readonly string[] | undefined>>;
  readonly body?: unknown;
  /** Supertest's undecoded body; goes before `body`. */
  readonly text?: string | undefined;
  /** Why there are only some of the body's bytes, if so: what was cut cannot be compared. */
  readonly cut?: string | undefined;
}

/** Normalises a supertest response or a raw {status, headers, body}; throws TypeError for anything else. */
export function toReply(source: ReplySource): Reply {
  if (typeof source?.status !== 'number' || typeof source.headers !== 'object' || source.headers === null) {
    throw new TypeError('not a reply: expected a supertest response or {status, headers, body}');
  }
  if (source.body instanceof ReadableStream) {
    throw new TypeError('this fetch Response has not been read yet: use await readReply(response)');
  }
  return new LazyReply(source);
}

/** Reads a fetch Response to its end and normalises it. */
export async function readReply(response: Response): Promise<Reply> {
  const body = new Uint8Array(await response.arrayBuffer());
  const headers = new Headers(response.headers);
  headers.delete('content-encoding'); // fetch has decoded it
  return toReply({ status: response.status, headers, body });
}

/** True if both bodies are the same bytes, to be read in the same way. */
export function sameWire(a: Reply, b: Reply): boolean {
  const [one, other] = [a.wire, b.wire];
  if (one === undefined || other === undefined) return false;
  const readAlike = ['content-type', 'content-encoding'].every(
    (name) => a.headers[name]?.join() === b.headers[name]?.join(),
  );
  if (!readAlike) return false;
  if (typeof one === 'string' || typeof other === 'string') return one === other;
  return one.length === other.length && Buffer.compare(one, other) === 0;
}

class LazyReply implements Reply {
  readonly status: number;
  readonly headers: Reply['headers'];
  readonly wire: string | Uint8Array | undefined;
  readonly #source: ReplySource;
  #body: Body | undefined;

  constructor(source: ReplySource) {
    this.status = source.status;
    this.headers = headersOf(source.headers);
    this.#source = source;
    const wire = typeof source.text === 'string' ? source.text : (source.body ?? '');
    this.wire = (typeof wire === 'string' || wire instanceof Uint8Array) && source.cut === undefined ? wire : undefined;
  }

  get body(): Body {
    this.#body ??= bodyOf(this.#source, this.wire, this.headers);
    return this.#body;
  }
}

function headersOf(source: ReplySource['headers']): Reply['headers'] {
  const headers: Record<string, readonly string[]> = Object.create(null);
  if (source instanceof Headers) {
    for (const [name, value] of source) headers[name] = name === 'set-cookie' ? source.getSetCookie() : [value];
    return headers;
  }
  for (const [name, value] of Object.entries(source)) {
    if (value !== undefined) headers[name.toLowerCase()] = Array.isArray(value) ? value : [String(value)];
  }
  return headers;
}

function bodyOf(source: ReplySource, wire: Reply['wire'], headers: Reply['headers']): Body {
  if (source.cut !== undefined) return { kind: 'unreadable', why: source.cut };
  if (wire === undefined) return { kind: 'json', value: parseJson(JSON.stringify(source.body)) };
  if (wire.length === 0) return { kind: 'empty' };
  const type = contentType(headers);
  if (typeof wire === 'string') return textBody(wire, type.media);
  // Supertest (known by `text`) has decoded the bytes and left the header as it was.
  const decoded = 'text' in source ? wire : decode(wire, headers['content-encoding']?.join(', ') ?? '');
  return 'why' in decoded ? { kind: 'unreadable', why: decoded.why } : bytesBody(decoded, type);
}

interface ContentType {
  readonly media: string;
  readonly charset: string | undefined;
}

function contentType(headers: Reply['headers']): ContentType {
  const [media = '', ...parameters] = (headers['content-type']?.[0] ?? '').split(';').map((part) => part.trim());
  const charset = parameters.map((parameter) => /^charset="?([^"]+)"?$/i.exec(parameter)?.[1]).find(Boolean);
  return { media: media.toLowerCase(), charset };
}

function bytesBody(bytes: Uint8Array, { media, charset = 'utf-8' }: ContentType): Body {
  if (bytes.length === 0) return { kind: 'empty' };
  if (textual(media) === 'unknown') return binaryBody(bytes);
  try {
    return textBody(decodeText(bytes, charset), media);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return binaryBody(bytes);
    return { kind: 'unreadable', why: `its charset ${charset} is unknown` };
  }
}

/** Throws for an unknown charset, and for bytes that are not of it: two different such texts are not the same. */
function decodeText(bytes: Uint8Array, charset: string): string {
  if (!/^utf-?8$/i.test(charset) || !isUtf8(bytes)) return new TextDecoder(charset, { fatal: true }).decode(bytes);
  // What a TextDecoder gives takes two bytes a character, and JSON.parse twice as long.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  return text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
}

const BYTE_ORDER_MARK = 0xfeff;

const binaryBody = (bytes: Uint8Array): Body => ({
  kind: 'binary',
  bytes: bytes.length,
  sha256: createHash('sha256').update(bytes).digest('hex'),
});

function textBody(text: string, media: string): Body {
  const kind = textual(media);
  if (kind === 'form') return { kind: 'form', fields: formFields(text) };
  if (kind !== 'json') return { kind: 'text', text };
  try {
    return { kind: 'json', value: parseJson(text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text) };
  } catch {
    return { kind: 'text', text }; // says JSON and is not
  }
}

function textual(media: string): 'json' | 'form' | 'text' | 'unknown' {
  if (isJsonMedia(media)) return 'json';
  if (media === 'application/x-www-form-urlencoded') return 'form';
  const text =
    media.startsWith('text/') || media.endsWith('+xml') || /^application\/(xml|javascript|x-ndjson)$/.test(media);
  return text ? 'text' : 'unknown';
}

function formFields(text: string): Readonly<Record<string, readonly string[]>> {
  const fields = new URLSearchParams(text);
  const record: Record<string, readonly string[]> = Object.create(null);
  for (const name of fields.keys()) record[name] = fields.getAll(name);
  return record;
}
