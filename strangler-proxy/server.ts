import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { answer, answerRaw, type Code, RefusedRequest } from './answer.ts';
import { correlationIdOf } from './correlation.ts';
import { Exchange } from './exchange.ts';
import { LONGEST_TARGET } from './path.ts';
import { Pipelined } from './pipelined.ts';
import { sanitize } from './sanitize.ts';
import { type RequestSubject, subjectOf } from './subject.ts';
import type { Traffic } from './traffic.ts';
import type { Trusts } from './trusted.ts';
import { isWebSocket, type Upgrades } from './upgrade.ts';

/** A whole request may take this many times the longest silence. */
const SILENCES = 5;
const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

/** The listener clients talk to: Node’s own strict parser, and bounds on everything they may do slowly. */
export function createFront(traffic: Traffic, trusts: Trusts, upgrades: Upgrades): Server {
  const { maxHeaders, idleTimeout, headersTimeout } = traffic.limits;
  const server = createServer({
    insecureHTTPParser: false,
    // sanitize asks for the Host, and answers in JSON.
    requireHostHeader: false,
    // The parser counts the URL too; sanitize tells the two limits apart.
    maxHeaderSize: maxHeaders + LONGEST_TARGET,
    headersTimeout: idleTimeout,
    requestTimeout: SILENCES * idleTimeout,
    keepAliveTimeout: idleTimeout,
    connectionsCheckingInterval: Math.min(1_000, idleTimeout),
    noDelay: true,
    shouldUpgradeCallback: mayUpgrade,
  });
  // 0 is no limit: the default drops what is beyond it without a word.
  server.maxHeadersCount = 0;
  // A client may be silent while it waits for its answer; the parser’s own, earlier limits answer 408.
  server.timeout = 2 * idleTimeout + headersTimeout;
  const connections = new WeakMap<Socket, Pipelined>();
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    // Behind what could be an upgrade, Node throws away what has come already, also if it is served as a plain request.
    if (request.headers.upgrade !== undefined) response.shouldKeepAlive = false;
    connections.get(request.socket)!.add(response, () => serve(traffic, trusts, request, response));
  };
  server.on('request', handle);
  server.on('checkContinue', handle);
  server.on('checkExpectation', handle);
  // Every exchange on a connection waits for its end, and requests may be pipelined.
  server.on('connection', (socket: Socket) => {
    socket.setMaxListeners(0);
    const tooMany = () =>
      traffic.log.warn('a client has sent too many requests ahead of its answers: connection ended');
    connections.set(socket, new Pipelined(socket, tooMany));
  });
  server.on('connect', (request, socket: Socket) => {
    socket.on('error', () => socket.destroy());
    total(traffic, socket, () => {
      if (!isFree(socket)) socket.destroy();
      else answerRaw(socket, 'method-not-allowed', 'CONNECT is not served', correlationIdOf(request.headers));
    });
  });
  server.on('upgrade', (request, socket: Socket, head) => {
    socket.on('error', () => socket.destroy());
    total(traffic, socket, () => upgrades.handle(request, socket, head));
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    total(traffic, socket, () => onClientError(traffic, error, socket));
  });
  return server;
}

/** Runs what a client’s bytes have led to: what it throws ends this connection, not the process. */
function total(traffic: Traffic, socket: Socket, run: () => void): void {
  try {
    run();
  } catch (error) {
    traffic.log.error({ err: error }, 'unexpected error while handling a connection');
    socket.destroy();
  }
}

/** The response that is to be written on this connection next; undefined if no request on it waits (the field Node looks at too). */
const answering = (socket: Socket): ServerResponse | undefined =>
  (socket as Socket & { _httpMessage?: ServerResponse | null })._httpMessage ?? undefined;

/** Nobody else writes on this connection, nor has anybody said that it closes. */
const isFree = (socket: Socket): boolean => socket.writable && !answering(socket);

/** An upgrade behind a request that is not answered yet is served as a plain request: the two would write across each other. */
const mayUpgrade = (request: IncomingMessage): boolean => isWebSocket(request) && isFree(request.socket);

function serve(traffic: Traffic, trusts: Trusts, request: IncomingMessage, response: ServerResponse): void {
  try {
    const clean = sanitize(request, trusts, traffic.limits.maxHeaders);
    if (clean.target === '*') {
      // Asks about the server itself, which is us; undici could not ask it on.
      response.writeHead(204, { allow: METHODS }).end();
      return;
    }
    const begin = (subject: RequestSubject) => new Exchange(traffic, request, response, clean, subject).start();
    const subject = subjectOf(traffic.capabilities, clean, false);
    if (!(subject instanceof Promise)) begin(subject);
    else
      traffic.during(subject, (known) =>
        total(traffic, request.socket, () => request.socket.destroyed || begin(known)),
      );
  } catch (error) {
    total(traffic, request.socket, () => refuse(traffic, request, response, error as Error));
  }
}

function refuse(traffic: Traffic, request: IncomingMessage, response: ServerResponse, error: Error): void {
  if (!(error instanceof RefusedRequest)) throw error;
  const correlationId = correlationIdOf(request.headers);
  traffic.log.warn({ code: error.code, correlationId }, error.message);
  answer(request, response, error.code, error.message, correlationId, true);
}

/** True if a packet that was too much for the parser begins with a request line that is too long. */
function isTargetIn(packet: Buffer | undefined): boolean {
  if (!packet || !/^[A-Z]+ \S/.test(packet.toString('latin1', 0, 16))) return false;
  const end = packet.indexOf('\n');
  return end < 0 || end > LONGEST_TARGET;
}

function meaningOf(error: NodeJS.ErrnoException): { code: Code; message: string } {
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    return isTargetIn((error as { rawPacket?: Buffer }).rawPacket)
      ? { code: 'url-too-long', message: `the URL is longer than ${LONGEST_TARGET}` }
      : { code: 'headers-too-large', message: 'the headers are too large' };
  }
  if (error.code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') {
    return { code: 'body-too-large', message: 'the chunk extensions are too large' };
  }
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return { code: 'request-timeout', message: 'the request took too long' };
  return { code: 'bad-request', message: 'the request is not valid HTTP/1.1' };
}

/** What the parser refuses. There is an answer only if none is under way on this connection. */
function onClientError(traffic: Traffic, error: NodeJS.ErrnoException, socket: Socket): void {
  const pending = answering(socket);
  if (error.code === 'ECONNRESET' || !socket.writable || pending?.req.complete) {
    socket.destroy();
    return;
  }
  if (pending?.headersSent) {
    socket.destroySoon();
    return;
  }
  const { code, message } = meaningOf(error);
  const correlationId = correlationIdOf({});
  traffic.log.warn({ code, correlationId, cause: error.code }, message);
  answerRaw(socket, code, message, correlationId);
}
