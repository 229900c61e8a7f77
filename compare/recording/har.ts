/**
 * The parts of HAR 1.2 that are read and written here, and fields of our own, which begin with `_` as the format asks.
 * https://w3c.github.io/web-performance/specs/HAR/Overview.html
 */
export interface HarEntry {
  readonly startedDateTime: string;
  /** Milliseconds from the first byte of the request to the last of the reply. */
  readonly time: number;
  readonly request: HarRequest;
  readonly response: HarResponse;
  readonly cache: Record<string, never>;
  readonly timings: { readonly send: number; readonly wait: number; readonly receive: number };
  /** Whose request it was, if it could be told. */
  readonly _user?: string;
  /** What the candidate replied to the same read. */
  readonly _candidate?: HarCandidate;
  /** Why there is no whole reply. */
  readonly _error?: string;
}

export interface HarCandidate {
  readonly url: string;
  readonly time: number;
  readonly response: HarResponse;
  readonly _error?: string;
}

export interface HarHeader {
  readonly name: string;
  readonly value: string;
}

export interface HarRequest {
  readonly method: string;
  readonly url: string;
  readonly httpVersion: string;
  readonly cookies: readonly HarHeader[];
  readonly headers: readonly HarHeader[];
  readonly queryString: readonly HarHeader[];
  readonly postData?: HarPostData;
  readonly headersSize: number;
  readonly bodySize: number;
}

export interface HarPostData {
  readonly mimeType: string;
  readonly text?: string;
  readonly params?: readonly { readonly name: string; readonly value?: string; readonly fileName?: string }[];
  /** HAR has no way to say that a request's body is base64; other tools say it all the same, as `encoding`. */
  readonly _encoding?: 'base64';
  readonly encoding?: string;
  /** Of a body that was not kept: of the bytes as they came. */
  readonly _sha256?: string;
  readonly comment?: string;
}

export interface HarResponse {
  /** 0 if there was none. */
  readonly status: number;
  readonly statusText: string;
  readonly httpVersion: string;
  readonly cookies: readonly HarHeader[];
  readonly headers: readonly HarHeader[];
  readonly content: HarContent;
  readonly redirectURL: string;
  readonly headersSize: number;
  readonly bodySize: number;
}

export interface HarContent {
  /** Bytes after decoding. */
  readonly size: number;
  readonly mimeType: string;
  readonly text?: string;
  readonly encoding?: string;
  readonly _sha256?: string;
  readonly comment?: string;
}

/** What a recording of ours says about itself, in `log._strangler`. */
export interface RecordingNote {
  /** When it may no longer be used, as an ISO date and time. */
  readonly until: string;
  /** What was taken out beside what always is: names, and paths that begin with `$`. */
  readonly redacted: readonly string[];
}

/** Everything of the HAR's `log` but its entries. */
export interface HarLog {
  readonly version?: unknown;
  readonly creator?: { readonly name?: unknown; readonly version?: unknown };
  readonly _strangler?: Partial<RecordingNote>;
}

/** Header names and values as our Replies have them: lower-case names, HTTP/2's pseudo headers left out. */
export function headersOf(headers: readonly HarHeader[]): Record<string, readonly string[]> {
  const read: Record<string, string[]> = Object.create(null);
  for (const { name, value } of headers) {
    if (name.startsWith(':')) continue;
    const values = read[name.toLowerCase()];
    if (values) values.push(value);
    else read[name.toLowerCase()] = [value];
  }
  return read;
}

/** What is wrong with something that stands among the entries; undefined if it can be used. */
export function entryProblem(entry: unknown): string | undefined {
  if (!isRecord(entry)) return 'is no JSON object';
  const { request, response, _user: user, _candidate: candidate } = entry;
  if (!isRecord(request)) return 'has no request';
  if (typeof request.method !== 'string' || !/^[A-Za-z]+$/.test(request.method))
    return 'has a request without a method';
  if (typeof request.url !== 'string' || !URL.canParse(request.url)) return 'has a request without a whole URL';
  if (!isHeaders(request.headers)) return 'has a request without headers';
  if (!isMaybe(user, isText)) return 'has a _user that is no text';
  if (candidate !== undefined && !isRecord(candidate)) return 'has a _candidate that is no JSON object';
  return (
    postDataProblem(request.postData ?? undefined) ??
    (response === undefined ? undefined : responseProblem(response)) ??
    (candidate === undefined ? undefined : responseProblem(candidate.response))
  );
}

function postDataProblem(postData: unknown): string | undefined {
  if (postData === undefined) return undefined;
  if (!isRecord(postData)) return 'has a postData that is no JSON object';
  const { text, params, mimeType, encoding } = postData;
  if (![text, mimeType, encoding].every((one) => isMaybe(one, isText))) return 'has a postData that holds no texts';
  const isParams = Array.isArray(params) && params.every((one) => isText(one?.name) && isMaybe(one.value, isText));
  return isParams || params === undefined ? undefined : 'has a postData whose params have no names and values';
}

function responseProblem(response: unknown): string | undefined {
  const { status, headers, content } = isRecord(response) ? response : {};
  if (!Number.isInteger(status) || !isHeaders(headers)) return 'has a response without status and headers';
  if (content === undefined) return undefined; // other tools may leave it out
  if (!isRecord(content)) return 'has a response whose content is no JSON object';
  const { text, encoding } = content;
  return isMaybe(text, isText) && isMaybe(encoding, isText) ? undefined : 'has a response whose content holds no text';
}

const isText = (value: unknown) => typeof value === 'string';
const isMaybe = (value: unknown, is: (value: unknown) => boolean) => value === undefined || is(value);
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isHeaders = (headers: unknown) =>
  Array.isArray(headers) && headers.every((header) => isText(header?.name) && isText(header?.value));
