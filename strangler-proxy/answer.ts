import type { IncomingMessage, ServerResponse } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';

/** Why the proxy answers a request itself: a stable code and its one status. */
export const STATUS = {
  'bad-request': 400,
  'user-unreadable': 400,
  'user-missing': 401,
  'method-not-allowed': 405,
  'request-timeout': 408,
  'body-too-large': 413,
  'url-too-long': 414,
  'expectation-failed': 417,
  'too-many-uploads': 429,
  'too-many-sockets': 429,
  'headers-too-large': 431,
  'internal-error': 500,
  'coding-not-supported': 501,
  'upstream-failed': 502,
  'owner-unknown': 503,
  'user-unknown': 503,
  blind: 503,
  unconfirmed: 503,
  'hold-exhausted': 503,
  'given-away': 503,
  stale: 503,
  'too-many-unknown': 503,
  'upload-cut': 503,
  stopping: 503,
  'upstream-timeout': 504,
} as const;
export type Code = keyof typeof STATUS;

/** Thrown while a request is read: the proxy will not forward it. The message is shown to the client. */
export class RefusedRequest extends Error {
  readonly code: Code;
  constructor(code: Code, message: string) {
    super(message);
    this.name = 'Refused';
    this.code = code;
  }
}

/** Seconds after which a client answered 429 or 503 may try again. */
const RETRY_AFTER = '1';

const bodyOf = (code: Code, message: string, correlationId: string): string =>
  `${JSON.stringify({ error: { code, message, correlationId } })}\n`;

const headersOf = (code: Code, body: string, correlationId: string): string[] => [
  'content-type',
  'application/json; charset=utf-8',
  'content-length',
  String(Buffer.byteLength(body)),
  'x-correlation-id',
  correlationId,
  ...(STATUS[code] === 503 || STATUS[code] === 429 ? ['retry-after', RETRY_AFTER] : []),
];

/** How long the rest of a body nobody wants is read, so that its client gets to see the answer, in milliseconds. */
const LINGER_MS = 1_000;

/** Ends an answer: at once, or when the rest of the request’s body has come or `LINGER` has passed. */
export function endGently(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete) {
    response.end();
    return;
  }
  const end = () => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, LINGER_MS);
  request.once('end', end).once('close', end).resume();
}

/** Answers with a JSON error of our own and ends; `close` ends the connection after it. */
export function answer(
  request: IncomingMessage,
  response: ServerResponse,
  code: Code,
  message: string,
  correlationId: string,
  close: boolean,
): void {
  const body = bodyOf(code, message, correlationId);
  const headers = headersOf(code, body, correlationId);
  if (close) headers.push('connection', 'close');
  response.writeHead(STATUS[code], headers);
  if (request.method !== 'HEAD') response.write(body);
  endGently(request, response);
}

/**
 * The same where there is no response to write to: what could not be parsed, and refused upgrades. The connection ends
 * after it, whatever its client does.
 */
export function answerRaw(socket: Socket, code: Code, message: string, correlationId: string): void {
  const body = bodyOf(code, message, correlationId);
  const headers = headersOf(code, body, correlationId);
  let head = `HTTP/1.1 ${STATUS[code]} ${STATUS_CODES[STATUS[code]]}\r\n`;
  for (let at = 0; at < headers.length; at += 2) head += `${headers[at]}: ${headers[at + 1]}\r\n`;
  socket.end(`${head}connection: close\r\n\r\n${body}`);
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer)).resume();
}
