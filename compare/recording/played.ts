import { type Failure, type Reply, type ReplySource, toReply } from '../reply/reply.ts';
import { type HarContent, type HarEntry, type HarPostData, type HarResponse, headersOf } from './har.ts';
import { harBody } from './har-body.ts';
import { requestHeaders } from './recording.ts';
import { MARK } from './tokens.ts';

/** A recorded request as it can be sent again. */
export interface Played {
  readonly method: string;
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array<ArrayBuffer> | undefined;
}

/** Of one connection, of one length, of one host; or a question whether something that each side knows has changed. */
const NOT_SENT_AGAIN = new Set([
  ...[
    'host',
    'connection',
    'keep-alive',
    'proxy-connection',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'expect',
  ],
  ...['content-length', 'accept-encoding', 'if-none-match', 'if-modified-since', 'if-range'],
]);

/** The recorded request, or why it cannot be sent again. */
export function playedOf(entry: HarEntry): Played | { readonly lost: string } {
  const { method, url, postData, bodySize } = entry.request;
  const { pathname, search } = new URL(url);
  const headers: Record<string, string> = Object.create(null);
  for (const [name, values] of Object.entries(requestHeaders(entry.request))) {
    if (!NOT_SENT_AGAIN.has(name)) headers[name] = values.join(name === 'cookie' ? '; ' : ', ');
  }
  const body = bodyOf(postData, bodySize);
  if (typeof body === 'object' && 'lost' in body) return body;
  if (body === undefined && bodySize > 0) return { lost: 'the recording does not hold its body' };
  if (typeof body === 'string') {
    delete headers['content-encoding'];
    // It has become UTF-8 when it was recorded.
    if (headers['content-type'])
      headers['content-type'] = headers['content-type'].replace(/(charset=)"?[\w-]+"?/i, '$1utf-8');
  }
  const played = { method: method.toUpperCase(), path: pathname + search, headers, body };
  try {
    new Request('http://side', { method: played.method, headers, body: body ?? null });
    return played;
  } catch (error) {
    return { lost: `it cannot be sent: ${(error as Error).message}` };
  }
}

function bodyOf(postData: HarPostData | undefined, size: number): Played['body'] | { readonly lost: string } {
  if (!postData) return undefined;
  const { text, params, mimeType = '', comment, _sha256, _encoding, encoding }: Partial<HarPostData> = postData;
  if (_sha256 !== undefined) return { lost: `the recording does not hold its body (${comment ?? 'not kept'})` };
  if (text) {
    const body = harBody(text, _encoding ?? encoding, size);
    if (typeof body === 'string') return body;
    return Buffer.isBuffer(body) ? new Uint8Array(body) : { lost: body.unknown };
  }
  if (!params || params.length === 0) return undefined;
  if (!mimeType.startsWith('application/x-www-form-urlencoded'))
    return { lost: 'the recording does not hold its body' };
  return new URLSearchParams(params.map(({ name, value }) => [name, value ?? ''] as [string, string])).toString();
}

/** A recorded reply as it can be compared. */
export function replyOf(response: HarResponse | undefined, error: string | undefined): Reply | Failure {
  if (!response || response.status <= 0) return { error: error ?? 'the recording holds no reply' };
  const headers = headersOf(response.headers);
  delete headers['content-encoding']; // undone when it was recorded
  return toReply({ status: response.status, headers, ...contentOf(response) });
}

function contentOf({ content, status }: HarResponse): Pick<ReplySource, 'body' | 'cut'> {
  const { text, encoding, size = 0, comment }: Partial<HarContent> = content ?? {}; // other tools may leave it out
  if (text !== undefined) {
    const body = harBody(text, encoding, size);
    return typeof body === 'string' || Buffer.isBuffer(body) ? { body } : { cut: body.unknown };
  }
  if (size <= 0 || status === 204 || status === 304) return { body: '' };
  return { cut: comment ?? 'the recording does not hold it' };
}

/** A recorded reply in which equal secrets are no longer marked alike: the marks of another run are others. */
export function withoutKeys(response: HarResponse): HarResponse {
  const plain = (text: string) => text.replace(MARK, (mark, known, _name, label) => (known ? mark : `[${label}]`));
  const content: Partial<HarContent> = response.content ?? {}; // other tools may leave it out
  const { text } = content;
  return {
    ...response,
    headers: response.headers.map(({ name, value }) => ({ name, value: plain(value) })),
    content: { size: 0, mimeType: '', ...content, ...(text !== undefined && { text: plain(text) }) },
  };
}
