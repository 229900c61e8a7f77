import { connect } from 'node:net';
import { redactor, redactReport } from '@strangler/compare';
import {
  type ReplayOptions as EngineOptions,
  openRecording,
  RecordingError,
  type ReplayProgress,
  replay as replayRecording,
  type Source,
  type UserFrom,
} from '@strangler/compare/recording';
import { failingWith2, type ReportOptions, readUrl, writeReports } from './comparing.ts';
import { onInterrupt } from './interrupt.ts';
import { liveLine } from './live-line.ts';
import { EXIT, Problem } from './problem.ts';
import { readJson } from './read-json.ts';
import { describeRecording, describeReplay } from './replay-view.ts';
import { readRules } from './rules-file.ts';
import { readNamedSecrets } from './secrets.ts';
import { inert, print } from './text.ts';

export type ReplayCommandOptions = ReportOptions & {
  speed: number | 'max';
  concurrency: number;
  writes?: true;
  asRead: readonly string[];
  only: readonly string[];
  host: readonly string[];
  rules?: string;
  header: readonly string[];
  user?: UserFrom;
  users?: string;
  secrets?: string;
  id: readonly string[];
};

/** How long a side may take to accept a connection before anything is played, in ms. */
const CONNECT_TIMEOUT_MS = 5_000;

/** Plays a recording against both sides; the exit code is that of `strangler compare`, or 130 if Ctrl-C ended it early. */
export function replay(file: string, old: string, newer: string, options: ReplayCommandOptions): Promise<number> {
  return failingWith2(() => replayFile(file, old, newer, options));
}

async function replayFile(file: string, old: string, newer: string, options: ReplayCommandOptions): Promise<number> {
  const sides = [readSource(old, 'recorded'), readSource(newer, 'candidate')] as const;
  const live = sides.flatMap((source) => (typeof source === 'object' ? [source.url] : []));
  const engine = await engineOptions(options, live.length > 0);
  const recording = await openRecording(file, new Date(), options.user).catch((cause: Error) => {
    throw cause instanceof RecordingError ? new Problem(cause.message, EXIT.usage, { cause }) : cause;
  });
  const { signal, release } = onInterrupt();
  const line = liveLine(process.stderr);
  const began = performance.now();
  try {
    for (const url of live) await mustBeReachable(url);
    for (const text of describeRecording(file, recording)) console.error(inert(text));
    if (options.writes && live.length > 0) console.error(inert(`writes are sent too, to ${live.join(' and to ')}`));
    const onProgress = ({ played, of, mismatches }: ReplayProgress) =>
      line.show(`${played} of ${of} played, ${mismatches} differ`, String(mismatches));
    const result = await replayRecording(recording, ...sides, { ...engine, signal, onProgress });
    line.clear();
    const secretsOut = redactor();
    const report = redactReport(result.report, secretsOut);
    for (const text of describeReplay({ ...result, report }, performance.now() - began, options.json)) print(text);
    const title = secretsOut.text(`${file}: ${old} and ${newer}`);
    const code = await writeReports(report, { ...options, name: 'strangler replay', title });
    if (!signal.aborted) return code;
    print('stopped before its end');
    return EXIT.interrupted;
  } finally {
    line.clear();
    release();
    await recording.close();
  }
}

/** What the engine needs to know, from the command line and the files it names. Without a live side there is no clock. */
async function engineOptions(options: ReplayCommandOptions, isLive: boolean): Promise<EngineOptions> {
  const { host, rules, secrets, users } = options;
  return {
    speed: isLive ? options.speed : 'max',
    concurrency: options.concurrency,
    writes: options.writes === true,
    asReads: options.asRead,
    only: options.only,
    headers: options.header,
    idNames: new Set(options.id),
    ...(host.length > 0 && { hosts: host }),
    ...(rules !== undefined && { rules: await readRules(rules) }),
    ...(secrets !== undefined && { known: await readNamedSecrets(secrets) }),
    ...(users !== undefined && { users: await readUsers(users) }),
  };
}

/** A side's URL, or the word for what the recording has of that side. */
function readSource(text: string, stored: 'recorded' | 'candidate'): Source {
  return text === stored ? stored : { url: readUrl(text).replace(/\/+$/, '') };
}

/** Rather no replay than one in which a side that was never started answers nothing. */
async function mustBeReachable(url: string): Promise<void> {
  const { hostname, port, protocol } = new URL(url);
  const socket = connect(Number(port || (protocol === 'https:' ? 443 : 80)), hostname.replace(/^\[|\]$/g, ''));
  const why = await new Promise<string | undefined>((resolve) => {
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => resolve(`no connection within ${CONNECT_TIMEOUT_MS} ms`));
    socket.once('connect', () => resolve(undefined));
    socket.once('error', ({ message }) => resolve(message));
  });
  socket.destroy();
  if (why !== undefined)
    throw new Problem(
      `nothing answers at ${url} (${why}): start it, or correct the address; nothing was played`,
      EXIT.usage,
    );
}

/** Reads a file of headers by user: `{"17": {"authorization": "Bearer …"}}`; `*` is everybody else. Throws a Problem. */
async function readUsers(file: string): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
  const content = await readJson(file);
  const isHeaders = (value: unknown) =>
    typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string');
  if (
    typeof content !== 'object' ||
    content === null ||
    Array.isArray(content) ||
    !Object.values(content).every(isHeaders)
  )
    throw new Problem(`${file} must hold headers by user: {"17": {"authorization": "Bearer …"}}`, EXIT.usage);
  return new Map(
    Object.entries(content as Record<string, Record<string, string>>).map(([user, headers]) => [
      user,
      Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    ]),
  );
}

/** Reads `1`, `0.5`, `20` or `max`. Throws a Problem. */
export function readSpeed(text: string): number | 'max' {
  if (text === 'max') return text;
  const speed = Number(text.replace(/x$/, ''));
  if (speed > 0 && speed <= 10_000) return speed;
  throw new Problem(`--speed ${text} must be a number such as 1 (as recorded) or 10, or max`, EXIT.usage);
}
