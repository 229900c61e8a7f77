import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { redactor } from '@strangler/compare';
import {
  HarFile,
  isRoute,
  type Recorder,
  type RecorderCounts,
  readUserFrom,
  redactionOf,
  removeExpired,
  startRecorder,
  type UserFrom,
} from '@strangler/compare/recording';
import { onInterrupt } from './interrupt.ts';
import { liveLine } from './live-line.ts';
import { EXIT, Problem } from './problem.ts';
import { readNamedSecrets } from './secrets.ts';
import { counted, inert } from './text.ts';

export type RecordOptions = {
  listen: { host: string; port: number };
  out: string;
  candidate?: string;
  asRead: readonly string[];
  user?: UserFrom;
  redact: readonly string[];
  secrets?: string;
  /** Milliseconds. */
  keep: number;
  maxBody: number;
  maxRequests: number;
  maxFile: number;
};

/** How often progress is shown, in ms. */
const PROGRESS_MS = 500;

/** Records until Ctrl-C, and gives the exit code: a recording that could not be written to its end is a failure. */
export async function record(url: string, options: RecordOptions): Promise<number> {
  const [target, candidate] = [
    readTarget(url),
    options.candidate === undefined ? undefined : readTarget(options.candidate),
  ];
  const known = options.secrets === undefined ? undefined : await readNamedSecrets(options.secrets);
  // The key dies with this process: nobody can try guesses against the marks.
  const redaction = {
    ...redactionOf(options.redact),
    key: randomBytes(32).toString('hex'),
    ...(known && { known: new Map([...known].map(([name, secret]) => [secret, name])) }),
  };
  const until = new Date(Date.now() + options.keep).toISOString();
  const file = await createFile(options.out, { until, redacted: options.redact });
  const recorder = await startRecorder({
    target,
    ...options.listen,
    file,
    redaction,
    cap: options.maxBody,
    most: { entries: options.maxRequests, bytes: options.maxFile },
    asReads: options.asRead,
    ...(candidate && { candidate }),
    ...(options.user && { user: options.user }),
  }).catch(async (cause: NodeJS.ErrnoException) => {
    await file.remove();
    throw new Problem(listenProblem(cause, options.listen), EXIT.usage, { cause });
  });
  console.error(inert(`recording what goes through ${recorder.url} to ${url}, into ${options.out}; Ctrl-C ends it`));
  await untilInterrupted(recorder);
  for (const line of summaryOf(recorder.counts, options)) console.log(inert(line));
  if (recorder.over !== undefined) console.log(inert(`recording ended early: ${recorder.over}`));
  return file.failure ? EXIT.failed : EXIT.done;
}

async function untilInterrupted(recorder: Recorder): Promise<void> {
  const line = liveLine(process.stderr);
  const { signal, release } = onInterrupt();
  const timer = setInterval(() => line.show(progressOf(recorder), String(recorder.over)), PROGRESS_MS);
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  release(); // a second Ctrl-C ends at once; the file is whole all the same
  clearInterval(timer);
  line.clear();
  await recorder.stop();
}

const progressOf = ({ counts, over }: Recorder): string =>
  inert(`${counted(counts.entries, 'request')} recorded${over === undefined ? '' : `; no more, because ${over}`}`);

/** What a person should know about a recording, the things that are not in it above all. */
function summaryOf(counts: RecorderCounts, { out, candidate, maxBody }: RecordOptions): string[] {
  const some = (count: number, noun: string, what: string) => (count > 0 ? [`${counted(count, noun)} ${what}`] : []);
  return [
    `${counted(counts.entries, 'request')} in ${out}`,
    ...(candidate === undefined ? [] : [`${counted(counts.candidate, 'read')} asked of ${candidate} too`]),
    ...some(counts.candidateFailed, 'read', 'it did not answer'),
    ...some(counts.candidateNotAsked, 'read', 'it was not asked: it is too slow, or the request too large'),
    ...some(
      counts.bodiesNotKept,
      'time',
      `only size and hash of a body were kept: over ${maxBody} bytes, or not readable`,
    ),
    ...some(counts.notRecorded, 'request', 'passed on and not recorded'),
    ...some(counts.failed, 'request', 'without a whole reply: the target gave none, or the client went away'),
    ...some(counts.upgraded, 'WebSocket', 'passed on and not recorded'),
  ];
}

async function createFile(out: string, note: { until: string; redacted: readonly string[] }): Promise<HarFile> {
  try {
    for (const name of await removeExpired(dirname(out), new Date())) {
      console.error(inert(`removed ${name}: the time to keep it was over`));
    }
    return await HarFile.create(out, note);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why =
      code === 'EEXIST' ? 'exists already: remove it, or choose another name' : `cannot be written: ${message}`;
    throw new Problem(`${out} ${why}`, EXIT.usage, { cause });
  }
}

const listenProblem = ({ code, message }: NodeJS.ErrnoException, { host, port }: RecordOptions['listen']): string =>
  code === 'EADDRINUSE'
    ? `${host}:${port} is in use by another program: choose another with --listen`
    : `cannot listen on ${host}:${port}: ${message}`;

function readTarget(text: string): URL {
  const url = URL.parse(text);
  if (url && /^https?:$/.test(url.protocol) && !url.search && !url.hash && !url.username) return url;
  throw new Problem(`${text} is no address to pass requests on to: write it as http://HOST:PORT`, EXIT.usage);
}

/** Reads `HOST:PORT`, `[::1]:PORT` or `:PORT`, which is loopback. Throws a Problem. */
export function readListen(text: string): { host: string; port: number } {
  const [, host = '', port = ''] = /^(\[[0-9a-f:.]+\]|[\w.-]*):(\d{1,5})$/i.exec(text) ?? [];
  if (port === '' || Number(port) > 65_535)
    throw new Problem(`--listen ${text} must be HOST:PORT, such as 127.0.0.1:8080`, EXIT.usage);
  return { host: host.replace(/^\[|\]$/g, '') || '127.0.0.1', port: Number(port) };
}

/** Reads a route such as `POST /search/**`. Throws a Problem. */
export function readRoute(text: string): string {
  if (isRoute(text)) return text;
  throw new Problem(`${text} is no route: write it as "POST /search/*"`, EXIT.usage);
}

/** Reads a name or a JSON path of what is a secret. Throws a Problem. */
export function readSecretPlace(text: string): string {
  try {
    redactor(redactionOf([text]));
    return text;
  } catch (cause) {
    throw new Problem(`${text} ${(cause as Error).message}`, EXIT.usage, { cause });
  }
}

/** Reads `jwt:sub`, `header:x-user-id` or `cookie:sid`. Throws a Problem. */
export function readUser(text: string): UserFrom {
  const from = readUserFrom(text);
  if (from) return from;
  throw new Problem(`--user ${text} must be jwt:CLAIM, header:NAME or cookie:NAME`, EXIT.usage);
}
