import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Side, Snapshot } from '@strangler/plan';
import { createProxyMiddleware } from 'http-proxy-middleware';
import type { CalledBy } from './addresses.ts';
import { answerRaw, type Code, RefusedRequest } from './answer.ts';
import { blame } from './blame.ts';
import { correlationIdOf } from './correlation.ts';
import type { Write } from './flights.ts';
import { isSomebodys, refusalOf } from './identity/lacking.ts';
import { BadAnswer, isOurs } from './response.ts';
import { isDeclaredReadOnly, type RoutedCapability, rewritten } from './route.ts';
import { type Clean, sanitize } from './sanitize.ts';
import { mustLeave, Tunnel } from './sockets.ts';
import { type RequestSubject, subjectOf } from './subject.ts';
import type { EndSurveyed } from './survey.ts';
import type { Traffic } from './traffic.ts';
import type { Trusts } from './trusted.ts';

/** The one kind of upgrade that goes through; any other is served as a plain request, and so is any of HTTP/1.0. */
export const isWebSocket = ({ method, headers, httpVersion }: IncomingMessage): boolean =>
  method === 'GET' && httpVersion !== '1.0' && headers.upgrade?.toLowerCase() === 'websocket';

/** Sixteen bytes in base64. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

/** Refuses what RFC 6455, section 4.2.1, lets no server accept, so that no side is blamed for refusing it. */
function checkHandshake({ headers }: IncomingMessage, { body }: Clean): void {
  const { 'sec-websocket-version': version, 'sec-websocket-key': key = '' } = headers;
  if (body !== 0) throw new RefusedRequest('bad-request', 'an upgrade has no body');
  if (version !== '13') throw new RefusedRequest('bad-request', 'Sec-WebSocket-Version must be 13');
  if (!KEY.test(key)) throw new RefusedRequest('bad-request', 'Sec-WebSocket-Key must be 16 bytes in base64');
}

type Forward = ReturnType<typeof createProxyMiddleware>;

/** One upgrade on its way. */
type Attempt = {
  readonly clean: Clean;
  readonly user: string | undefined;
  readonly splits: boolean;
  readonly capability: string;
  readonly side: Side;
  readonly write: Write | undefined;
  /** The side was connected to. */
  sent: boolean;
  /** The side has answered, or nobody waits for that any more. */
  settled: boolean;
  /** Breaks off what has been sent to the side. */
  cancel?: () => void;
  /** Gives its place in the allowance of its client back. */
  free?: () => void;
  surveyed?: EndSurveyed | undefined;
  tunnel?: Tunnel;
};

/** WebSockets: decided once, forwarded by http-proxy-middleware, closed with 1001 when their user moves. */
export class Upgrades {
  readonly #traffic: Traffic;
  readonly #trusts: Trusts;
  readonly #attempts = new Map<IncomingMessage, Attempt>();
  readonly #forward = new Map<string, Forward>();

  constructor(traffic: Traffic, trusts: Trusts) {
    this.#traffic = traffic;
    this.#trusts = trusts;
  }

  /** Takes over a socket that has an error listener. */
  handle(request: IncomingMessage, socket: Socket, head: Buffer): void {
    this.#orRefuse(request, socket, () => {
      const clean = sanitize(request, this.#trusts, this.#traffic.limits.maxHeaders);
      checkHandshake(request, clean);
      const subject = subjectOf(this.#traffic.capabilities, clean, true);
      const begin = (known: RequestSubject) =>
        this.#orRefuse(request, socket, () => this.#begin(request, socket, head, clean, known));
      if (!(subject instanceof Promise)) begin(subject);
      else this.#traffic.during(subject, (known) => socket.destroyed || begin(known));
    });
  }

  #orRefuse(request: IncomingMessage, socket: Socket, step: () => void): void {
    try {
      step();
    } catch (error) {
      const correlationId = correlationIdOf(request.headers);
      if (error instanceof RefusedRequest) {
        this.#traffic.log.warn({ code: error.code, correlationId }, error.message);
        answerRaw(socket, error.code, error.message, correlationId);
      } else {
        this.#traffic.log.error({ correlationId, err: error }, 'unexpected error while handling an upgrade');
        socket.destroy();
      }
    }
  }

  #begin(request: IncomingMessage, socket: Socket, head: Buffer, clean: Clean, subject: RequestSubject): void {
    const { routed, user, bucket, identity } = subject;
    // A socket can carry writes whatever its method says, unless the Plan says it does not.
    const mayWrite = routed !== undefined && !isDeclaredReadOnly(routed, clean.method, clean.readings);
    const capability = routed?.name ?? '';
    if (routed) this.#traffic.identified(capability, mayWrite, identity);
    const lacking = refusalOf(subject, mayWrite, () => this.#traffic.isSplit(capability));
    if (lacking) throw lacking;
    const side = this.#decide(routed, user, bucket, mayWrite && user !== undefined);
    const write = mayWrite && isSomebodys(subject) ? { capability, user, bucket, side } : undefined;
    if (write && user !== undefined) this.#checkAllowance(write, clean.address);
    const splits = routed?.splits ?? true;
    const attempt: Attempt = { clean, user, splits, capability, side, write, sent: false, settled: false };
    this.#connect(request, socket, head, subject, attempt);
  }

  #decide(routed: RoutedCapability | undefined, user: string | undefined, bucket: number, writes: boolean): Side {
    if (this.#traffic.stopping) throw new RefusedRequest('stopping', 'this proxy is stopping; try again');
    if (!routed) return 'monolith';
    const decision = this.#traffic.decide(routed.name, user, bucket, writes);
    if (decision === 'unknown')
      throw new RefusedRequest('owner-unknown', `ownership of ${routed.name} is not known yet; retry`);
    if (decision === 'blind')
      throw new RefusedRequest(
        'blind',
        `ownership of ${routed.name} may have changed since the link to control was lost; retry`,
      );
    if (decision === 'hold') throw new RefusedRequest('hold-exhausted', 'this user is being handed over; try again');
    return decision;
  }

  /** Refuses a socket whose client keeps too many users from moving already. */
  #checkAllowance(write: Write, address: string): void {
    const { sockets, unknownFates } = this.#traffic;
    if (unknownFates.isUsedUp(write, address))
      throw new RefusedRequest(
        'too-many-unknown',
        `the ${write.side} has left too many of your writes without an answer; try again`,
      );
    if (sockets.isUsedUp(write, address))
      throw new RefusedRequest('too-many-sockets', 'too many of your sockets are open; try again when one has ended');
  }

  #connect(request: IncomingMessage, socket: Socket, head: Buffer, subject: RequestSubject, attempt: Attempt): void {
    const { clean, side, write } = attempt;
    const { routed } = subject;
    request.headers = headersOf(clean);
    request.url = side === 'service' ? rewritten(routed!.rewrite, clean.target) : clean.target;
    // http-proxy-middleware reads it as a URL, and forwards nothing, without a word, if it cannot.
    if (!URL.canParse(request.url, 'http://a'))
      throw new RefusedRequest('bad-request', 'the path of an upgrade is no path');
    this.#attempts.set(request, attempt);
    this.#traffic.began();
    attempt.surveyed = this.#traffic.survey.beginSocket(clean, subject);
    if (write) {
      if (write.user !== undefined) attempt.free = this.#traffic.sockets.take(write, clean.address);
      this.#traffic.flights.begin(write);
      this.#traffic.noteBlind(write, clean.correlationId);
    }
    socket.once('close', () => {
      if (attempt.tunnel) return;
      attempt.settled = true;
      attempt.cancel?.();
      this.#end(request, attempt, true);
    });
    const { origin, prefix } = this.#traffic.upstreamOf(routed, side);
    this.#forwardTo(origin + prefix).upgrade(request, socket, head);
  }

  #forwardTo(target: string): Forward {
    const known = this.#forward.get(target);
    if (known) return known;
    const forward = createProxyMiddleware({
      target,
      ws: true,
      on: {
        proxyReqWs: (upgrade, request, socket) => this.#onSent(upgrade, request, socket),
        // It calls the client’s errors by this too; those of the side have been dealt with by then.
        error: (error, request, socket) => this.#fail(this.#attempts.get(request), socket as Socket, error),
      },
    });
    this.#forward.set(target, forward);
    return forward;
  }

  #onSent(upgrade: ClientRequest, request: IncomingMessage, socket: Socket): void {
    const attempt = this.#attempts.get(request);
    upgrade.on('error', () => {});
    if (!attempt) {
      upgrade.destroy(); // the client has gone meanwhile
      return;
    }
    const { calledBy } = attempt.clean;
    attempt.cancel = () => upgrade.destroy();
    upgrade.once('socket', (upstream) => {
      upstream.once('connect', () => {
        attempt.sent = true;
      });
    });
    const timer = setTimeout(
      () => upgrade.destroy(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })),
      this.#traffic.limits.headersTimeout,
    );
    upgrade.once('close', () => clearTimeout(timer));
    upgrade.once('error', (error) => this.#fail(attempt, socket, error));
    upgrade.once('response', (answer: IncomingMessage) => {
      clearTimeout(timer);
      this.#clean(answer, calledBy);
      this.#settle(attempt, undefined, answer.statusCode!);
      this.#end(request, attempt, true);
      socket.setTimeout(this.#traffic.limits.idleTimeout, () => socket.destroy()); // it need not be read, nor closed
    });
    upgrade.once('upgrade', (answer: IncomingMessage, upstream: Socket) => {
      clearTimeout(timer);
      upstream.on('error', () => upstream.destroy());
      const asked = answer.headers.upgrade?.toLowerCase() === 'websocket';
      if (!asked) this.#fail(attempt, socket, new BadAnswer('an upgrade nobody asked for'));
      if (!asked || socket.destroyed) {
        upstream.destroy();
        return;
      }
      this.#clean(answer, calledBy);
      this.#settle(attempt, undefined, answer.statusCode!);
      attempt.tunnel = new Tunnel(socket, upstream, attempt.write);
      // What was sent through it and did not end in order, nobody knows the fate of.
      upstream.once('close', (failed) => this.#end(request, attempt, !failed && upstream.readableEnded));
      const { snapshot } = this.#traffic;
      if (snapshot && mustLeave(attempt.write, snapshot)) attempt.tunnel.goAway();
    });
  }

  /** Makes the headers of an answer, which http-proxy-middleware will write, such as the client may see. */
  #clean(answer: IncomingMessage, calledBy: CalledBy): void {
    const { addresses } = this.#traffic;
    for (const [name, value] of Object.entries(answer.headers)) {
      if (isOurs(name)) delete answer.headers[name];
      else if (typeof value === 'string') answer.headers[name] = addresses.header(name, value, calledBy);
      else answer.headers[name] = value?.map((one) => addresses.header(name, one, calledBy));
    }
  }

  #fail(attempt: Attempt | undefined, socket: Socket, error: Error): void {
    if (!attempt || attempt.settled || socket.errored) return;
    const code = this.#settle(attempt, error, 0);
    this.#refuse(attempt, socket, code, code === 'upstream-timeout' ? 'no answer in time' : 'no usable answer', error);
  }

  #refuse({ clean, side }: Attempt, socket: Socket, code: Code, message: string, cause?: Error): void {
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    const { correlationId } = clean;
    this.#traffic.log.warn({ code, correlationId, side, cause: cause?.message }, message);
    answerRaw(socket, code, message, correlationId);
  }

  /** Counts how it ended, and gives the code of what the client is told if it ended badly. */
  #settle(attempt: Attempt, error: Error | undefined, status: number): Code {
    const { capability, side, user, splits, sent } = attempt;
    attempt.settled = true;
    const whole = { body: 'sent', bodyAtAnswer: undefined, after: 0, unread: false } as const;
    const whose = blame({ error, sent, status, ...whole, isUpgrade: true });
    const failed = error !== undefined && whose.fault === 'side';
    const outcome = { status, failed, hard: whose.hard, latency: 0 };
    this.#traffic.count(capability, side, whose.fault, outcome, { user, isWrite: false, splits });
    return whose.code;
  }

  #end(request: IncomingMessage, { clean, write, free, surveyed }: Attempt, fateKnown: boolean): void {
    if (!this.#attempts.delete(request)) return;
    free?.();
    surveyed?.(101);
    if (write) this.#traffic.endWrite(write, clean.address, fateKnown);
    this.#traffic.ended();
  }

  /** Closes the sockets whose user moves or has moved. */
  apply(snapshot: Snapshot): void {
    for (const { tunnel, write } of this.#attempts.values()) if (mustLeave(write, snapshot)) tunnel?.goAway();
  }

  /** Closes every socket. */
  stop(): void {
    for (const { tunnel } of this.#attempts.values()) tunnel?.goAway();
  }
}

/** Headers as Node takes them; a name such as __proto__ is a name like any other. */
function headersOf({ host, headers }: Clean): Record<string, string | string[]> {
  const all = new Map<string, string | string[]>([
    ['connection', 'Upgrade'],
    ['upgrade', 'websocket'],
  ]);
  if (host !== undefined) all.set('host', host);
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]!.toLowerCase();
    const before = all.get(name);
    const value = headers[at + 1]!;
    all.set(name, before === undefined ? value : [before, value].flat());
  }
  return Object.fromEntries(all);
}
