import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Side } from '@strangler/plan';
import type { Dispatcher } from 'undici';
import { answer, type Code, endGently } from './answer.ts';
import { blame } from './blame.ts';
import { collect, SMALL, TooLarge, Unfinished, Upload } from './body.ts';
import type { Write } from './flights.ts';
import type { Held } from './hold.ts';
import { BadAnswer, headFor, sayWho, trailersFrom } from './response.ts';
import { type RoutedCapability, rewritten } from './route.ts';
import type { Clean } from './sanitize.ts';
import type { Traffic } from './traffic.ts';
import type { Lane, Upstream } from './upstream.ts';

/** Most 1xx answers before the final one. */
const MOST_INFORMATIONAL = 32;
const PLAIN = /^[\x20-\x7e]*$/;
const REPLAYABLE = new Set(['GET', 'HEAD', 'OPTIONS']);
const LOST_BEFORE_ANSWER = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

/** Why we end a request upstream ourselves. */
class Abandoned extends Error {}

/** One request from the moment it is routed until its outcome is counted; it is its own undici handler. */
export class Exchange implements Dispatcher.DispatchHandler, Held {
  readonly capability: string;
  readonly #traffic: Traffic;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #clean: Clean;
  readonly #routed: RoutedCapability | undefined;
  readonly #user: string | undefined;
  readonly #bucket: number;
  readonly #isWrite: boolean;

  #body: Buffer | Upload | null = null;
  #side: Side = 'monolith';
  #upstream: Upstream | undefined;
  #lane: Lane | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #write: Write | undefined;
  #sentAt = 0;
  #latency = 0;
  #status = 0;
  #informational = 0;
  #responseBegan = false;
  #retried = false;
  #takesTrailer = false;
  #clientGone = false;
  /** Sent, and the side has not answered yet. */
  #pending = false;
  #closed = false;
  #over = false;

  constructor(
    traffic: Traffic,
    request: IncomingMessage,
    response: ServerResponse,
    clean: Clean,
    routed: RoutedCapability | undefined,
    user: string | undefined,
    bucket: number,
    isWrite: boolean,
  ) {
    this.#traffic = traffic;
    this.#request = request;
    this.#response = response;
    this.#clean = clean;
    this.#routed = routed;
    this.capability = routed?.name ?? '';
    this.#user = user;
    this.#bucket = bucket;
    this.#isWrite = isWrite;
  }

  /** A small body is read whole first: so a slow client holds up no handoff, and half a body goes nowhere. */
  start(): void {
    this.#traffic.began();
    this.#response.once('close', () => this.#onClose());
    const { body } = this.#clean;
    if (body > this.#traffic.limits.maxBody) {
      this.#refuse('body-too-large', `the body is larger than ${this.#traffic.limits.maxBody} bytes`);
    } else if (body > 0 && body <= SMALL) {
      this.#invite();
      collect(this.#request, (whole) => {
        this.#body = whole;
        this.#decide();
      });
    } else {
      this.#decide();
    }
  }

  #invite(): void {
    if (this.#clean.expectsContinue) this.#response.writeContinue();
  }

  #decide(): void {
    if (!this.#routed) {
      this.#send('monolith');
      return;
    }
    const decision = this.#decision(this.#routed);
    if (decision === 'unknown')
      this.#refuse('owner-unknown', `nobody has told yet who owns ${this.capability}; try again`);
    else if (decision !== 'hold') this.#send(decision);
    else if (!this.#traffic.holds.add(this, this.#routed.handoff.hold, this.#routed.handoff.queue)) {
      this.#refuse('hold-exhausted', 'too many writes wait for a handoff; try again');
    }
  }

  #decision(routed: RoutedCapability) {
    return this.#traffic.decide(routed.name, this.#user, this.#bucket, this.#isWrite);
  }

  stillMoves(): boolean {
    return this.#decision(this.#routed!) === 'hold';
  }

  release(): void {
    this.#decide();
  }

  expire(): void {
    this.#refuse('hold-exhausted', 'the handoff of this user takes too long; try again');
  }

  #send(side: Side): void {
    const { limits, flights } = this.#traffic;
    this.#side = side;
    this.#pending = true;
    this.#upstream = this.#traffic.upstreamOf(this.#routed, side);
    if (this.#isWrite && this.#routed && this.#user !== undefined) {
      this.#write = { capability: this.capability, user: this.#user, bucket: this.#bucket, side };
      flights.begin(this.#write);
    }
    if (this.#clean.body !== 0 && this.#body === null) {
      this.#invite();
      this.#body = new Upload(this.#request, limits.maxBody);
    }
    this.#dispatch(false);
  }

  #dispatch(fresh: boolean): void {
    const { method, target, headers, host, body } = this.#clean;
    const upstream = this.#upstream!;
    const path = this.#side === 'service' ? rewritten(this.#routed!.rewrite, target) : target;
    const all = host === undefined ? headers : ['host', host, ...headers];
    if (body > 0) all.push('content-length', String(body));
    this.#sentAt = performance.now();
    this.#lane = upstream.take(fresh);
    upstream.send(this.#lane, { method, path: upstream.prefix + path, headers: all, body: this.#body }, this);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#clientGone && !this.#isWrite) controller.abort(new Abandoned());
  }

  onResponseStarted(): void {
    this.#responseBegan = true;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _: unknown, reason?: string): void {
    const raw = controller.rawHeaders as Buffer[];
    if (status < 200) {
      this.#onInformational(status, raw);
      return;
    }
    const head = headFor(status, raw, this.#clean.trailers);
    this.#latency = performance.now() - this.#sentAt;
    if (!this.#clientGone) {
      if (this.#routed) sayWho(head.headers, this.capability, this.#side);
      if (this.#traffic.stopping || !this.#request.complete) head.headers.push('connection', 'close');
      this.#takesTrailer = head.trailer;
      this.#response.writeHead(status, reason !== undefined && PLAIN.test(reason) ? reason : '', head.headers);
    }
    this.#status = status;
  }

  /** 102 and 103 go on; undici takes any 100 for a broken answer, because we never send Expect. */
  #onInformational(status: number, raw: readonly Buffer[]): void {
    if (++this.#informational > MOST_INFORMATIONAL) throw new BadAnswer('a flood of informational answers');
    if (this.#clientGone || this.#request.httpVersion === '1.0') return;
    this.#response.writeInformation(status, headFor(status, raw, false).headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#clientGone || this.#response.write(chunk)) return;
    controller.pause();
    this.#response.once('drain', () => controller.resume());
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (!this.#clientGone) {
      if (this.#takesTrailer) this.#response.addTrailers(trailersFrom(controller.rawTrailers as Buffer[]));
      endGently(this.#request, this.#response);
    }
    this.#upstream!.give(this.#lane!);
    this.#settle(false, false, true);
  }

  onResponseError(_: unknown, error: Error & { code?: string }): void {
    const reused = this.#lane!.uses > 0;
    const sent = this.#controller !== undefined;
    const headCame = this.#status > 0;
    this.#controller = undefined;
    this.#upstream!.drop(this.#lane!);
    if (reused && sent && this.#mayRetry(error)) {
      this.#retried = true;
      this.#dispatch(true);
    } else if (error instanceof Abandoned) {
      this.#settle(false, false, true);
    } else if (error instanceof Unfinished || error instanceof TooLarge) {
      this.#settle(false, false, !sent);
      if (error instanceof TooLarge) this.#refuse('body-too-large', error.message);
    } else {
      const { code, hard } = blame(error);
      this.#settle(hard, hard && !headCame, headCame || !sent);
      this.#refuse(code, code === 'upstream-timeout' ? 'no answer in time' : 'no usable answer', error);
    }
  }

  #mayRetry(error: Error & { code?: string }): boolean {
    return (
      !this.#retried &&
      !this.#responseBegan &&
      !this.#clientGone &&
      this.#clean.body === 0 &&
      REPLAYABLE.has(this.#clean.method) &&
      LOST_BEFORE_ANSWER.has(error.code ?? '')
    );
  }

  /** Answers with an error of our own; if the side’s head has gone out already, the client sees a reset instead. */
  #refuse(code: Code, message: string, cause?: Error): void {
    const { correlationId, body } = this.#clean;
    const upstream = this.#upstream && `${this.#upstream.origin} (${this.#side})`;
    const cut = this.#response.headersSent;
    this.#traffic.log.warn({ code, correlationId, upstream, cut, cause: cause?.message }, message);
    if (this.#clientGone) return;
    if (!cut) answer(this.#request, this.#response, code, message, correlationId, body !== 0);
    else if (this.#response.socket) this.#response.socket.resetAndDestroy();
    else this.#response.destroy();
  }

  /** The side has answered or will not. */
  #settle(failed: boolean, hard: boolean, fateKnown: boolean): void {
    this.#pending = false;
    if (this.#write) this.#traffic.flights.end(this.#write, fateKnown);
    this.#traffic.count(this.capability, this.#side, { status: this.#status, failed, hard, latency: this.#latency });
    this.#endIfOver();
  }

  /** Reads are cancelled, held writes dropped; a write that was sent is awaited to its end. */
  #onClose(): void {
    this.#closed = true;
    if (!this.#response.writableFinished) {
      this.#clientGone = true;
      this.#traffic.holds.drop(this);
      if (this.#isWrite) this.#controller?.resume();
      else this.#controller?.abort(new Abandoned('the client has gone'));
    }
    this.#endIfOver();
  }

  #endIfOver(): void {
    if (this.#over || this.#pending || !this.#closed) return;
    this.#over = true;
    this.#traffic.ended();
  }
}
