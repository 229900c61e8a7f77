import { contentOf, type EntryRedactor, type Headers, postDataOf } from './entry-redactor.ts';
import type { HarCandidate, HarEntry, HarResponse } from './har.ts';
import type { TappedBody } from './tap.ts';
import { type UserFrom, userOf } from './user.ts';

/** One side's reply as it went by. */
export interface SeenReply {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  readonly body: TappedBody;
}

/** One request and what became of it. Moments are milliseconds of one clock. */
export interface RecordedExchange {
  readonly startedAt: Date;
  readonly method: string;
  /** Origin-form. */
  readonly path: string;
  readonly httpVersion: string;
  readonly headers: Headers;
  readonly body: TappedBody;
  readonly reply: SeenReply | undefined;
  /** Why there is no whole reply. */
  readonly error?: string;
  /** Milliseconds until the request was sent, the reply began, and it ended. */
  readonly sent: number;
  readonly began: number;
  readonly ended: number;
}

/** What the candidate made of the same read. */
export interface CandidateReply {
  readonly reply: SeenReply | undefined;
  readonly error?: string;
  readonly milliseconds: number;
}

export interface EntryContext {
  readonly keeper: EntryRedactor;
  /** Without a slash at its end. */
  readonly target: string;
  readonly candidate: string | undefined;
  readonly user: UserFrom | undefined;
}

/** The exchange as it may be stored: without secrets, and without bodies over the cap. */
export function entryOf(
  exchange: RecordedExchange,
  candidate: CandidateReply | undefined,
  context: EntryContext,
): HarEntry {
  const { keeper, target } = context;
  const { method, headers, body, reply, error, sent, began, ended } = exchange;
  const path = keeper.url(exchange.path);
  const user = keeper.user(userOf(headers, context.user), context.user !== undefined && 'cookie' in context.user);
  const media = (from: Headers) => from['content-type']?.[0] ?? '';
  return {
    startedDateTime: exchange.startedAt.toISOString(),
    time: round(ended),
    request: {
      method,
      url: target + path,
      httpVersion: exchange.httpVersion,
      cookies: [],
      headers: keeper.headers(headers),
      queryString: [...new URLSearchParams(path.replace(/^[^?]*/, ''))].map(([name, value]) => ({ name, value })),
      ...(body.size > 0 && { postData: postDataOf(keeper.body(body, headers), media(headers), body.sha256) }),
      headersSize: -1,
      bodySize: body.size,
    },
    response: responseOf(reply, exchange.httpVersion, keeper),
    cache: {},
    timings: { send: round(sent), wait: round(began - sent), receive: round(ended - began) },
    ...(user !== undefined && { _user: user }),
    ...(error !== undefined && { _error: error }),
    ...(candidate && { _candidate: candidateOf(candidate, exchange.httpVersion, context) }),
  };
}

function responseOf(reply: SeenReply | undefined, httpVersion: string, keeper: EntryRedactor): HarResponse {
  const { status = 0, statusText = '', headers = {}, body } = reply ?? {};
  const mimeType = headers['content-type']?.[0] ?? '';
  return {
    status,
    statusText,
    httpVersion,
    cookies: [],
    headers: keeper.headers(headers),
    content: body ? contentOf(keeper.body(body, headers), mimeType, body.sha256) : { size: 0, mimeType },
    redirectURL: headers.location ? keeper.url(headers.location[0]!) : '',
    headersSize: -1,
    bodySize: body?.size ?? -1,
  };
}

const candidateOf = (
  { reply, error, milliseconds }: CandidateReply,
  httpVersion: string,
  { keeper, candidate }: EntryContext,
): HarCandidate => ({
  url: candidate!,
  time: round(milliseconds),
  response: responseOf(reply, httpVersion, keeper),
  ...(error !== undefined && { _error: error }),
});

const round = (milliseconds: number) => Math.round(milliseconds * 100) / 100;
