import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { entryProblem, type HarEntry, type HarHeader, type HarLog, headersOf, type RecordingNote } from './har.ts';
import { HarSplitter } from './split-har.ts';
import { tokensIn } from './tokens.ts';
import { credentialOf, type UserFrom, userOf } from './user.ts';

/** A recording that cannot be used; the message says why and what to do. */
export class RecordingError extends Error {
  override readonly name = 'RecordingError';
}

/** One request of a recording; all of it is on disk. */
export interface Recorded {
  /** 1 is the file's first. */
  readonly position: number;
  readonly at: number;
  readonly length: number;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly method: string;
  /** `https://shop.example`. */
  readonly origin: string;
  /** With its query. */
  readonly path: string;
  /** Whose request it says it is. */
  readonly user: string | undefined;
  readonly credential: string | undefined;
  /** Tokens and cookies its reply hands out. */
  readonly yields: readonly string[];
  /** True if the reply of the candidate was recorded too. */
  readonly hasCandidate: boolean;
}

export interface Recording {
  /** In the order they were sent. */
  readonly entries: readonly Recorded[];
  /** What our own recorder says about it. */
  readonly note: RecordingNote | undefined;
  /** Why entries cannot be used, and how many. */
  readonly unusable: ReadonlyMap<string, number>;
  /** True if the file ends in the middle. */
  readonly cutOff: boolean;
  read(one: Recorded): Promise<HarEntry>;
  /** Safe to call twice. */
  close(): Promise<void>;
}

const KNOWN_VERSIONS = /^1\.[1-3]$/;

/** Reads a HAR through once and keeps of each request what is needed to plan its replay. Throws a RecordingError. */
export async function openRecording(path: string, now: Date, user?: UserFrom): Promise<Recording> {
  const file = await open(path).catch((cause: Error) => {
    throw new RecordingError(`${path} cannot be read: ${cause.message}`, { cause });
  });
  try {
    return await index(path, file, now, user);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function index(path: string, file: FileHandle, now: Date, user: UserFrom | undefined): Promise<Recording> {
  const splitter = new HarSplitter();
  const entries: Recorded[] = [];
  const unusable = new Map<string, number>();
  let position = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    for (const { at, length, bytes } of splitter.push(chunk as Buffer)) {
      position++;
      const entry = bytes && parsed(bytes);
      const problem = bytes === undefined ? 'is too large' : entryProblem(entry);
      if (problem === undefined)
        entries.push(recorded(entry as HarEntry, { position, at, length }, user, entries.at(-1)));
      else unusable.set(problem, (unusable.get(problem) ?? 0) + 1);
    }
  }
  const { around, whole } = splitter.end();
  const note = noteIn(path, around.replace(/^\ufeff/, ''), whole, now);
  if (entries.length === 0) throw new RecordingError(emptiness(path, position, unusable, whole));
  entries.sort((a, b) => a.startedAt - b.startedAt || a.position - b.position);
  return {
    entries,
    note,
    unusable,
    cutOff: !whole,
    read: async ({ at, length }) => {
      const { buffer } = await file.read(Buffer.alloc(length), 0, length, at);
      return JSON.parse(buffer.toString());
    },
    close: () => file.close(),
  };
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

/** What the log says about itself. Throws if this is no HAR that may be replayed. */
function noteIn(path: string, around: string, whole: boolean, now: Date): RecordingNote | undefined {
  let log: HarLog | undefined;
  try {
    log = (JSON.parse(around) as { log?: HarLog } | null)?.log;
  } catch {
    throw new RecordingError(
      /^\s*\{/.test(around) && !whole
        ? `${path} is cut off before its first request: export or record it again`
        : `${path} is not JSON: a recording is a HAR file, as strangler record or a browser's network panel writes it`,
    );
  }
  if (typeof log !== 'object' || log === null)
    throw new RecordingError(
      `${path} is no HAR: it has no "log". Export it from a browser's network panel, or record it`,
    );
  if (log.version !== undefined && log.version !== '' && !KNOWN_VERSIONS.test(String(log.version)))
    throw new RecordingError(`${path} is HAR ${log.version}, which is unknown here: HAR 1.1 to 1.3 can be replayed`);
  const { _strangler: note } = log;
  if (note?.until === undefined) return undefined;
  if (note.until <= now.toISOString())
    throw new RecordingError(
      `${path} was to be kept until ${note.until} and may not be used any more: record it again`,
    );
  return { until: note.until, redacted: note.redacted ?? [] };
}

function emptiness(path: string, count: number, unusable: ReadonlyMap<string, number>, whole: boolean): string {
  if (count > 0) {
    const reasons = [...unusable].map(([why, times]) => `${why} (${times})`);
    return `${path} holds no request that can be played; an entry ${reasons.join(', ')}`;
  }
  return `${path} holds no requests${whole ? '' : '; it is cut off'}: record it again, and send requests through the recorder`;
}

function recorded(
  { request, response, startedDateTime, time, _user, _candidate }: HarEntry,
  place: Pick<Recorded, 'position' | 'at' | 'length'>,
  from: UserFrom | undefined,
  previous: Recorded | undefined,
): Recorded {
  const url = new URL(request.url);
  const headers = requestHeaders({ headers: request.headers, cookies: request.cookies });
  const started = typeof startedDateTime === 'string' ? Date.parse(startedDateTime) : Number.NaN;
  const startedAt = Number.isNaN(started) ? (previous?.startedAt ?? 0) : started;
  return {
    ...place,
    startedAt,
    endedAt: startedAt + (Number.isFinite(time) && time > 0 ? time : 0),
    method: request.method.toUpperCase(),
    // That of a blob: is its page's, although nothing was asked there.
    origin: /^https?:$/.test(url.protocol) ? url.origin : url.protocol,
    path: url.pathname + url.search,
    user: from === undefined ? (_user ?? userOf(headers)) : (userOf(headers, from) ?? _user),
    credential: credentialOf(headers),
    yields: response ? tokensIn(response) : [],
    hasCandidate: _candidate !== undefined,
  };
}

/** The headers of a request; browsers may have exported its cookies apart from them. */
export function requestHeaders({ headers, cookies }: Pick<HarEntry['request'], 'headers' | 'cookies'>) {
  const read = headersOf(headers);
  if (read.cookie || !Array.isArray(cookies)) return read;
  const isPair = (cookie: HarHeader) => cookie?.name && typeof cookie.value === 'string';
  const pairs = cookies.filter(isPair).map(({ name, value }) => `${name}=${value}`);
  return pairs.length === 0 ? read : { ...read, cookie: [pairs.join('; ')] };
}
