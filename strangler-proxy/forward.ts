import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Side } from '@strangler/plan';
import type { Dispatcher } from 'undici';
import { type Code, endGently } from './answer.ts';
import { Abandoned, type Blame, blame } from './blame.ts';
import { type BodyState, Cut, TooLarge, Unfinished, Upload } from './body.ts';
import { BadAnswer, type FenceSays, fenceSays, headFor, sayWho, trailersFrom } from './response.ts';
import type { Clean } from './sanitize.ts';
import type { Capture } from './shadow/reply.ts';
import type { RequestOutcome } from './tally.ts';
import type { Lane, Upstream } from './upstream.ts';

/** Most 1xx answers before the final one. */
const MOST_INFORMATIONAL = 32;
const PLAIN = /^[\x20-\x7e]*$/;
const REPLAYABLE = new Set(['GET', 'HEAD', 'OPTIONS']);
const LOST_BEFORE_ANSWER = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

/** A client that left its answer unread for longer may have made the side give up, in milliseconds. */
const LONG_UNREAD_MS = 1_000;

/** The side’s fence has refused a write. */
class Fenced extends Error {
  readonly says: FenceSays;
  constructor(says: FenceSays) {
    super(says);
    this.says = says;
  }
}

/** What a request that is sent to a side needs of the exchange it belongs to. */
export type Sender = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly clean: Clean;
  /** Empty if the request is of no capability. */
  readonly capability: string;
  readonly isWrite: boolean;
  /** Whether the client may hear of this answer; undefined: it may. */
  confirm(status: number): Promise<boolean> | undefined;
  /** Gathers the answer beside the client; undefined: nobody asks. */
  readonly capture: Capture | undefined;
  /** True if the client should look for another connection. */
  parting(): boolean;
  /** True of a write that its side’s fence may refuse. */
  readonly mayBeRefused: boolean;
  /** Headers of an answer as this client may see them. */
  forClient(raw: readonly Buffer[]): readonly Buffer[];
  /** Runs a step that nothing catches the errors of: they end this request, not the process. */
  attempt(step: () => void): void;
  /** Called instead of `settle`: the side’s fence has refused the write, nothing was written. */
  fenced(says: FenceSays): void;
  /** Called once: the side has answered or will not. */
  settle(whose: Blame, outcome: RequestOutcome): void;
  /** Called after `settle` if the client must be told. */
  refuse(code: Code, message: string, cause?: Error): void;
};

/** One request on its way to a side and its answer on the way back; it is its own undici handler. */
export class Forward implements Dispatcher.DispatchHandler {
  readonly #sender: Sender;
  readonly #side: Side;
  readonly #upstream: Upstream;
  readonly #path: string;
  readonly #body: Buffer | Upload | null;
  #lane: Lane | undefined;
  /** Of the answer under way; undefined once it has ended. */
  #controller: Dispatcher.DispatchController | undefined;
  /** It began to go out. Never unset: whatever fails later, the side may have carried it out. */
  #sent = false;
  #sentAt = 0;
  #latency = 0;
  #status = 0;
  #informational = 0;
  #responseBegan = false;
  #bodyAtAnswer: BodyState | undefined;
  #unread = false;
  #unreadSince = Number.POSITIVE_INFINITY;
  #retried = false;
  #takesTrailer = false;
  #clientGone = false;

  constructor(sender: Sender, side: Side, upstream: Upstream, path: string, body: Buffer | Upload | null) {
    this.#sender = sender;
    this.#side = side;
    this.#upstream = upstream;
    this.#path = upstream.prefix + path;
    this.#body = body;
  }

  /** Sends it; `fresh` on a connection of its own. */
  send(fresh: boolean): void {
    const { method, headers, host, body } = this.#sender.clean;
    const all = host === undefined ? [...headers] : ['host', host, ...headers];
    if (body > 0) all.push('content-length', String(body));
    this.#sentAt = performance.now();
    this.#lane = this.#upstream.take(fresh);
    this.#upstream.send(this.#lane, { method, path: this.#path, headers: all, body: this.#body }, this);
  }

  /** Cancels a read; a write is awaited to its end, and its answer thrown away. */
  clientLeft(): void {
    this.#clientGone = true;
    if (this.#sender.isWrite && this.#controller) this.#resume(this.#controller);
    else this.#controller?.abort(new Abandoned('the client has gone'));
  }

  /** True while its body is still coming and the side has not answered: cut now, it has not been carried out. */
  get mayBeCut(): boolean {
    return this.#bodyState === 'coming' && this.#bodyAtAnswer === undefined;
  }

  /** Cuts the body off. */
  cut(): void {
    if (this.#body instanceof Upload) this.#body.destroy(new Cut('its user is being handed over'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#sent = true;
    if (this.#clientGone && !this.#sender.isWrite) controller.abort(new Abandoned('the client has gone'));
  }

  onResponseStarted(): void {
    this.#responseBegan = true;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _: unknown, reason?: string): void {
    const { request, response, clean, capability } = this.#sender;
    const raw = this.#sender.forClient(controller.rawHeaders as Buffer[]);
    this.#bodyAtAnswer ??= this.#bodyState;
    if (status < 200) {
      this.#onInformational(status, raw);
      return;
    }
    const says = this.#sender.mayBeRefused ? fenceSays(status, raw) : undefined;
    if (says) throw new Fenced(says);
    const { headers, trailer } = headFor(status, raw, clean.trailers);
    this.#latency = performance.now() - this.#sentAt;
    this.#status = status;
    this.#sender.capture?.begin(status, raw);
    const pass = () => {
      if (this.#clientGone) return;
      if (capability !== '') sayWho(headers, capability, this.#side);
      if (!request.complete || this.#sender.parting()) headers.push('connection', 'close');
      this.#takesTrailer = trailer;
      response.writeHead(status, reason !== undefined && PLAIN.test(reason) ? reason : '', headers);
    };
    const confirmed = this.#sender.confirm(status);
    if (!confirmed) {
      pass();
      return;
    }
    controller.pause();
    void confirmed.then((yes) => {
      if (this.#controller !== controller) return; // the answer broke off meanwhile, and the client knows
      this.#sender.attempt(() => (yes ? pass() : this.#withhold()));
      controller.resume();
    });
  }

  /** The side has done it, but a success must not be told: its answer is thrown away. */
  #withhold(): void {
    if (this.#clientGone) return;
    this.#sender.refuse('unconfirmed', 'it was done, but may not outlast a rollback; try again');
    this.#clientGone = true;
  }

  /** 102 and 103 go on; undici takes any 100 for a broken answer, because we never send Expect. */
  #onInformational(status: number, raw: readonly Buffer[]): void {
    if (++this.#informational > MOST_INFORMATIONAL) throw new BadAnswer('a flood of informational answers');
    const { request, response } = this.#sender;
    if (this.#clientGone || request.httpVersion === '1.0') return;
    response.writeInformation(status, headFor(status, raw, false).headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { response, capture } = this.#sender;
    capture?.add(chunk);
    if (this.#clientGone || response.write(chunk)) return;
    controller.pause();
    this.#unreadSince = performance.now();
    response.once('drain', () => {
      this.#noteUnread();
      this.#resume(controller);
    });
  }

  /**
   * Goes on reading, but never within a parser’s own call: Node tells a response that it is drained while it writes the
   * answer to the next request of its connection, which another parser may be reading just then.
   */
  #resume(controller: Dispatcher.DispatchController): void {
    queueMicrotask(() => {
      if (this.#controller === controller) controller.resume(); // unless its answer has ended meanwhile
    });
  }

  #noteUnread(): void {
    this.#unread ||= performance.now() - this.#unreadSince > LONG_UNREAD_MS;
    this.#unreadSince = Number.POSITIVE_INFINITY;
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    const { request, response } = this.#sender;
    this.#controller = undefined;
    if (!this.#clientGone) {
      if (this.#takesTrailer) response.addTrailers(trailersFrom(controller.rawTrailers as Buffer[]));
      endGently(request, response);
    }
    this.#upstream.give(this.#lane!);
    if (this.#sender.capture) this.#sender.capture.whole = true;
    this.#sender.attempt(() => this.#settle(undefined));
  }

  onResponseError(_: unknown, error: Error & { code?: string }): void {
    const reused = this.#lane!.uses > 0;
    this.#controller = undefined;
    this.#upstream.drop(this.#lane!);
    this.#noteUnread();
    this.#sender.attempt(() => {
      if (reused && this.#sent && this.#mayRetry(error)) {
        this.#retried = true;
        this.send(true);
      } else if (error instanceof Fenced) {
        this.#sender.fenced(error.says);
      } else {
        this.#fail(error);
      }
    });
  }

  #fail(error: Error & { code?: string }): void {
    const { code } = this.#settle(error);
    if (error instanceof Abandoned || error instanceof Unfinished) return;
    if (error instanceof TooLarge) this.#sender.refuse(code, error.message);
    else if (error instanceof Cut)
      this.#sender.refuse(
        code,
        'this user is being handed over, and the upload had not come whole: nothing was written; try again',
      );
    else this.#sender.refuse(code, code === 'upstream-timeout' ? 'no answer in time' : 'no usable answer', error);
  }

  /** Only a kept-alive connection that died without a byte, only once, only what can be asked twice. */
  #mayRetry(error: Error & { code?: string }): boolean {
    const { method, body } = this.#sender.clean;
    return (
      !this.#retried &&
      !this.#responseBegan &&
      !this.#clientGone &&
      body === 0 &&
      REPLAYABLE.has(method) &&
      LOST_BEFORE_ANSWER.has(error.code ?? '')
    );
  }

  get #bodyState(): BodyState {
    return this.#body instanceof Upload ? this.#body.state : 'sent';
  }

  #settle(error: Error | undefined): Blame {
    const [sent, status, body, bodyAtAnswer] = [this.#sent, this.#status, this.#bodyState, this.#bodyAtAnswer];
    const after = status > 0 ? this.#latency : performance.now() - this.#sentAt;
    const whose = blame({ error, sent, body, status, bodyAtAnswer, after, unread: this.#unread, isUpgrade: false });
    const failed = error !== undefined && whose.fault === 'side';
    this.#sender.settle(whose, { status, failed, hard: whose.hard, latency: this.#latency });
    return whose;
  }
}
