import { createHash } from 'node:crypto';
import { type Json, parseJson } from './json.ts';

/** A reply as both sides are brought to before they are compared. */
export interface Reply {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: Body;
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
}

/** Normalises a supertest response or a raw {status, headers, body}; throws TypeError for anything else. */
export function toReply(source: ReplySource): Reply {
  if (typeof source?.status !== 'number' || typeof source.headers !== 'object' || source.headers === null) {
    throw new TypeError('not a reply: expected a supertest response or {status, headers, body}');
  }
  if (source.body instanceof ReadableStream) {
    throw new TypeError('this fetch Response has not been read yet: use await readReply(response)');
  }
  const headers = headersOf(source.headers);
  return { status: source.status, headers, body: bodyOf(source, headers) };
}

/** Reads a fetch Response to its end and normalises it. */
export async function readReply(response: Response): Promise<Reply> {
  const body = new Uint8Array(await response.arrayBuffer());
  const headers = new Headers(response.headers);
  headers.delete('content-encoding'); // fetch has decoded it
  return toReply({ status: response.status, headers, body });
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

function bodyOf(source: ReplySource, headers: Reply['headers']): Body {
  const wire = typeof source.text === 'string' ? source.text : source.body;
  if (wire === undefined || wire === null || wire === '') return { kind: 'empty' };
  const type = contentType(headers);
  if (typeof wire === 'string') return textBody(wire, type.media);
  // Supertest (known by `text`) has decoded the bytes and left the header as it was.
  const encoding = 'text' in source ? undefined : headers['content-encoding']?.join(', ');
  if (wire instanceof Uint8Array) return bytesBody(wire, type, encoding);
  return { kind: 'json', value: parseJson(JSON.stringify(wire)) };
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

function bytesBody(bytes: Uint8Array, type: ContentType, encoding: string | undefined): Body {
  if (bytes.length === 0) return { kind: 'empty' };
  if (encoding && encoding !== 'identity')
    return { kind: 'unreadable', why: `its content-encoding ${encoding} was not decoded` };
  const kind = textual(type.media);
  if (kind === 'unknown') {
    return { kind: 'binary', bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  }
  try {
    return textBody(new TextDecoder(type.charset ?? 'utf-8').decode(bytes), type.media);
  } catch {
    return { kind: 'unreadable', why: `its charset ${type.charset} is unknown` };
  }
}

function textBody(text: string, media: string): Body {
  const kind = textual(media);
  if (kind === 'form') return { kind: 'form', fields: formFields(text) };
  if (kind !== 'json') return { kind: 'text', text };
  try {
    return { kind: 'json', value: parseJson(text) };
  } catch (error) {
    if (error instanceof RangeError)
      return { kind: 'unreadable', why: 'its JSON is nested too deep to be read exactly' };
    return { kind: 'text', text }; // says JSON and is not
  }
}

function textual(media: string): 'json' | 'form' | 'text' | 'unknown' {
  if (media === 'application/json' || media.endsWith('+json')) return 'json';
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
