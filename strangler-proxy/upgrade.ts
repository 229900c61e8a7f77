import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { bucketOf, type Side, type Snapshot } from '@strangler/plan';
import { createProxyMiddleware } from 'http-proxy-middleware';
import { answerRaw, type Code, Refused } from './answer.ts';
import { correlationIdOf } from './correlation.ts';
import type { Write } from './flights.ts';
import { capabilityOf, isDeclaredReadOnly, type RoutedCapability, rewritten } from './route.ts';
import { type Clean, sanitize } from './sanitize.ts';
import { mustLeave, Tunnel } from './sockets.ts';
import type { Traffic } from './traffic.ts';
import type { Trusts } from './trusted.ts';

/** The one kind of upgrade that goes through; any other is served as a plain request. */
export const isWebSocket = ({ method, headers }: IncomingMessage): boolean =>
  method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket';

type Forward = ReturnType<typeof createProxyMiddleware>;

/** One upgrade on its way. */
type Attempt = { readonly clean: Clean; readonly side: Side; readonly write: Write | undefined; tunnel?: Tunnel };

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

  handle(request: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    try {
      const clean = sanitize(request, this.#trusts(socket.remoteAddress), this.#traffic.limits.maxHeaders);
      const routed = capabilityOf(this.#traffic.capabilities, clean.method, clean.readings);
      const user = routed?.userOf(clean.headers);
      const bucket = routed && user !== undefined ? bucketOf(routed.group, user) : 0;
      const owned = routed !== undefined && user !== undefined;
      // A socket can carry writes whatever its method says, unless the Plan says it does not.
      const writes = owned && !isDeclaredReadOnly(routed, clean.method, clean.readings);
      const side = this.#decide(routed, user, bucket, writes);
      const write = owned && writes ? { capability: routed.name, user, bucket, side } : undefined;
      this.#connect(request, socket, head, routed, { clean, side, write });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const correlationId = correlationIdOf(request.headers);
      this.#traffic.log.warn({ code: error.code, correlationId }, error.message);
      answerRaw(socket, error.code, error.message, correlationId);
    }
  }

  #decide(routed: RoutedCapability | undefined, user: string | undefined, bucket: number, writes: boolean): Side {
    if (this.#traffic.stopping) throw new Refused('stopping', 'this proxy is stopping; try again');
    if (!routed) return 'monolith';
    const decision = this.#traffic.decide(routed.name, user, bucket, writes);
    if (decision === 'unknown') throw new Refused('owner-unknown', 'nobody has told yet who owns this; try again');
    if (decision === 'blind')
      throw new Refused('blind', 'this proxy has lost control and cannot know the owner; try again');
    if (decision === 'hold') throw new Refused('hold-exhausted', 'this user is being handed over; try again');
    return decision;
  }

  #connect(
    request: IncomingMessage,
    socket: Socket,
    head: Buffer,
    routed: RoutedCapability | undefined,
    attempt: Attempt,
  ): void {
    const { clean, side, write } = attempt;
    const headers: Record<string, string[]> = { connection: ['Upgrade'], upgrade: ['websocket'] };
    for (let at = 0; at < clean.headers.length; at += 2) {
      const name = clean.headers[at]!.toLowerCase();
      headers[name] = [...(headers[name] ?? []), clean.headers[at + 1]!];
    }
    request.headers = { ...single(headers), host: clean.host };
    request.url = side === 'service' ? rewritten(routed!.rewrite, clean.target) : clean.target;
    this.#attempts.set(request, attempt);
    this.#traffic.began();
    if (write) {
      this.#traffic.flights.begin(write);
      this.#traffic.noteBlind(write, clean.correlationId);
    }
    socket.once('close', () => {
      if (!attempt.tunnel) this.#end(request, attempt, true);
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
        error: (error, request, socket) => this.#onError(error, request, socket as Socket),
      },
    });
    this.#forward.set(target, forward);
    return forward;
  }

  #onSent(upgrade: ClientRequest, request: IncomingMessage, socket: Socket): void {
    const attempt = this.#attempts.get(request)!;
    const timer = setTimeout(() => {
      this.#refuse(attempt, socket, 'upstream-timeout', 'no answer in time');
      upgrade.destroy();
    }, this.#traffic.limits.headersTimeout);
    upgrade.once('close', () => clearTimeout(timer));
    upgrade.once('response', () => clearTimeout(timer));
    upgrade.once('upgrade', (answer: IncomingMessage, upstream: Socket) => {
      clearTimeout(timer);
      this.#count(attempt, answer.statusCode!, false);
      attempt.tunnel = new Tunnel(socket, upstream, attempt.write);
      // What was sent through it and did not end in order, nobody knows the fate of.
      upstream.once('close', (failed) => this.#end(request, attempt, !failed && upstream.readableEnded));
      const { snapshot } = this.#traffic;
      if (snapshot && mustLeave(attempt.write, snapshot)) attempt.tunnel.goAway();
    });
  }

  #onError(error: Error, request: IncomingMessage, socket: Socket): void {
    const attempt = this.#attempts.get(request);
    if (!attempt || attempt.tunnel) return;
    this.#count(attempt, 0, true);
    this.#refuse(attempt, socket, 'upstream-failed', 'no usable answer', error);
    this.#end(request, attempt, true);
  }

  #refuse({ clean, side }: Attempt, socket: Socket, code: Code, message: string, cause?: Error): void {
    if (!socket.writable || socket.bytesWritten > 0) return;
    const { correlationId } = clean;
    this.#traffic.log.warn({ code, correlationId, side, cause: cause?.message }, message);
    answerRaw(socket, code, message, correlationId);
  }

  #count({ write }: Attempt, status: number, hard: boolean): void {
    if (write) this.#traffic.count(write.capability, write.side, { status, failed: hard, hard, latency: 0 });
  }

  #end(request: IncomingMessage, { write }: Attempt, fateKnown: boolean): void {
    if (!this.#attempts.delete(request)) return;
    if (write) this.#traffic.flights.end(write, fateKnown);
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

/** Headers that came once as one value, so that Node takes them where it wants no list. */
function single(headers: Record<string, string[]>): Record<string, string | string[]> {
  return Object.fromEntries(Object.entries(headers).map(([name, all]) => [name, all.length === 1 ? all[0]! : all]));
}
