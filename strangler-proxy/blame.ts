import { errors } from 'undici';
import type { Code } from './answer.ts';
import { type BodyState, Cut, TooLarge, Unfinished } from './body.ts';
import { BadAnswer } from './response.ts';

/** We ended a read upstream ourselves, because its client has gone. */
export class Abandoned extends Error {}

/** How a request that was meant for a side ended. */
export type Ending = {
  /** What broke it off; undefined: the answer came to its end. */
  readonly error: (Error & { readonly code?: string }) | undefined;
  /** The side was connected to and the request began to go out. */
  readonly sent: boolean;
  readonly body: BodyState;
  /** Status of the answer’s head; 0 if none came. */
  readonly status: number;
  /** Where the body was when the side first answered, a 1xx included; undefined if it did not. */
  readonly bodyAtAnswer: BodyState | undefined;
  /** How long the side had it: from sending to the answer’s head or, without one, to the end; in milliseconds. */
  readonly after: number;
  /** The client left the answer unread so long that the side may have given up on it. */
  readonly unread: boolean;
  /** It asked for a WebSocket. */
  readonly isUpgrade: boolean;
};

/** Whose an ending is. Only `side` and `none` are outcomes of the side; the others say nothing about it. */
export type Blame = {
  readonly fault: 'none' | 'client' | 'side' | 'proxy' | 'nobody';
  /** The side could not be talked to. */
  readonly hard: boolean;
  /** False if nobody knows whether the side carried out a write. */
  readonly fateKnown: boolean;
  /** What the client is told if it must be told something. */
  readonly code: Code;
};

/** Timeouts of the side alone: undici runs none of them while it waits for the client’s next bytes. */
const SILENT = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'ETIMEDOUT']);
const OUR_STOP = new Set(['UND_ERR_DESTROYED', 'UND_ERR_CLOSED']);
const BAD_REQUEST = new Set(['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED', 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH']);
/** What this machine has run out of. */
const OUR_LACK = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'EADDRINUSE', 'ENOBUFS', 'ENOMEM', 'EACCES', 'EPERM']);
/** What Node will not write: to the client what the side has sent or, before there is an answer, the other way round. */
const UNWRITABLE = new Set(['ERR_INVALID_CHAR', 'ERR_INVALID_HTTP_TOKEN', 'ERR_HTTP_TRAILER_INVALID']);
/** Errors of undici, of the system, of finding the side’s address, of Node’s parser and of TLS. Any other error is a mistake in this program. */
const FROM_THE_CONNECTION =
  /^(?:UND_ERR_|E[A-Z0-9]+$|EAI_[A-Z]+$|HPE_|ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/;

/**
 * No side gives up waiting for a client’s body sooner, in milliseconds. Only the whole time tells: a client that drips
 * evenly may be at it when the side has had enough.
 */
export const PATIENCE_MS = 2_000;

type Cause = 'client' | 'cut' | 'stop' | 'bad-request' | 'proxy' | 'silent' | 'broken';

function causeOf(error: Error & { readonly code?: string }, answered: boolean): Cause {
  const code = error.code ?? '';
  if (error instanceof Abandoned || error instanceof Unfinished || error instanceof TooLarge) return 'client';
  if (error instanceof Cut) return 'cut';
  if (OUR_STOP.has(code)) return 'stop';
  if (BAD_REQUEST.has(code)) return 'bad-request';
  if (SILENT.has(code)) return 'silent';
  if (OUR_LACK.has(code)) return 'proxy';
  if (UNWRITABLE.has(code)) return answered ? 'broken' : 'bad-request';
  const garbage = error instanceof BadAnswer || error instanceof errors.HTTPParserError;
  return garbage || FROM_THE_CONNECTION.test(code) ? 'broken' : 'proxy';
}

const CODES: Record<Cause, Code> = {
  ...{ client: 'body-too-large', stop: 'stopping', 'bad-request': 'bad-request', proxy: 'internal-error' },
  ...{ cut: 'upload-cut', silent: 'upstream-timeout', broken: 'upstream-failed' },
};

/**
 * The one place that says whose fault an ending is. It is a side’s only after that side had a request that its client
 * had made correctly: what a side does while its client does not read, or has owed part of the body for a while, is the
 * client’s.
 */
export function blame(ending: Ending): Blame {
  const { error, sent, body, status } = ending;
  if (!error) {
    const early = status >= 500 && ending.bodyAtAnswer === 'coming' && hasWaited(ending);
    const fault = early ? 'client' : status >= 500 ? 'side' : 'none';
    return { fault, hard: false, fateKnown: true, code: 'upstream-failed' };
  }
  const cause = causeOf(error, ending.bodyAtAnswer !== undefined);
  const timedOut = error.code === 'UND_ERR_BODY_TIMEOUT';
  // Whoever refuses an upload by its head, its length or its login answers and closes without reading it: the reset then
  // overtakes the answer, a 431, 413 or 401.
  const midway = cause === 'broken' && sent && body === 'coming';
  const unread = cause === 'broken' && sent && status > 0 && ending.unread;
  const wasBroken = (cause === 'silent' || cause === 'broken') && !unread && !(midway && hasWaited(ending));
  const isSides = wasBroken && !isUnwanted(ending) && !(midway && status < 500);
  const isOurs = cause === 'cut' || cause === 'stop' || cause === 'proxy';
  const fault = isSides ? 'side' : wasBroken ? 'nobody' : isOurs ? 'proxy' : 'client';
  const code = timedOut ? 'upstream-timeout' : CODES[cause];
  return { fault, hard: isSides && status === 0, fateKnown: isFateKnown(ending), code };
}

/** The side may have waited for the rest of the body, or wants no more of it: it has answered already what is no error. */
const hasWaited = ({ after, status }: Ending): boolean => after >= PATIENCE_MS || (status > 0 && status < 500);

/**
 * Whether a side takes WebSockets on a route is between it and its client: many reset what they do not take, or leave
 * it unanswered, and anybody can ask for one anywhere.
 */
const isUnwanted = ({ isUpgrade, sent }: Ending): boolean => isUpgrade && sent;

/**
 * A side that never had the whole body has not carried the write out, unless it is one that answers before it has; an
 * answer’s head after the whole body tells the fate, whatever becomes of the rest.
 */
function isFateKnown({ sent, body, status, bodyAtAnswer }: Ending): boolean {
  if (!sent) return true;
  return bodyAtAnswer === undefined ? body !== 'sent' : status > 0 && bodyAtAnswer === 'sent';
}
