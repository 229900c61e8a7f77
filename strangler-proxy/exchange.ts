import type { IncomingMessage, ServerResponse } from 'node:http';
import { finished } from 'node:stream';
import type { Side } from '@strangler/plan';
import { answer, type Code } from './answer.ts';
import type { Blame } from './blame.ts';
import { collect, SMALL_BODY_BYTES, Upload } from './body.ts';
import type { Uploading, Write } from './flights.ts';
import { Forward, type Sender } from './forward.ts';
import type { Held } from './hold.ts';
import { isSomebodys, refusalOf } from './identity/lacking.ts';
import type { Fenced } from './metrics.ts';
import { reset } from './reset.ts';
import type { FenceSays } from './response.ts';
import { isWrite, type RoutedCapability, readsAfter, rewritten } from './route.ts';
import type { Clean } from './sanitize.ts';
import type { Capture } from './shadow/reply.ts';
import type { UserRead } from './shadow/sides.ts';
import type { RequestSubject } from './subject.ts';
import type { EndSurveyed } from './survey.ts';
import type { RequestOutcome } from './tally.ts';
import type { Traffic } from './traffic.ts';

/** Why a write that a fence has refused is not sent again. */
const LACK: Record<FenceSays, string> = {
  'given-away': 'this proxy does not know where to yet',
  stale: 'so did the one it was tried again in',
};

/** One request from the moment it is routed: read, decided, perhaps held, sent, and its outcome counted. */
export class Exchange implements Held, Sender, Uploading {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly clean: Clean;
  readonly capability: string;
  readonly isWrite: boolean;
  readonly #traffic: Traffic;
  readonly #subject: RequestSubject;
  #body: Buffer | Upload | null = null;
  #side: Side = 'monolith';
  #forward: Forward | undefined;
  #write: Write | undefined;
  #surveyed: EndSurveyed | undefined;
  #begunAt = 0;
  #invited = false;
  /** What fences have said of this write: each word is acted on once only. */
  readonly #heard = new Set<FenceSays>();
  /** The fence that refused it last, until it is sent again. */
  #refusal: { readonly side: Side; readonly says: FenceSays } | undefined;
  /** The side that has given its user away: it is not sent there again. */
  #gaveAway: Side | undefined;
  capture: Capture | undefined;
  /** Sent, and the side has not answered yet. */
  #pending = false;
  #clientGone = false;
  #closed = false;
  #over = false;

  constructor(
    traffic: Traffic,
    request: IncomingMessage,
    response: ServerResponse,
    clean: Clean,
    subject: RequestSubject,
  ) {
    this.#traffic = traffic;
    this.request = request;
    this.response = response;
    this.clean = clean;
    this.capability = subject.routed?.name ?? '';
    this.isWrite = isWrite(subject.routed, clean.method, clean.readings);
    this.#subject = subject;
  }

  /** A small body is read whole first: so a slow client holds up no handoff, and half a body goes nowhere. */
  start(): void {
    const { maxBody } = this.#traffic.limits;
    const { body } = this.clean;
    this.#traffic.began();
    this.#surveyed = this.#traffic.survey.begin(this.clean, this.#subject);
    if (this.#subject.routed) this.#traffic.identified(this.capability, this.isWrite, this.#subject.identity);
    // Node tells a response of its end only while it is the next one on its connection.
    const closed = () => {
      this.response.off('close', closed);
      this.request.socket.off('close', closed);
      this.attempt(() => this.#onClose());
    };
    this.response.once('close', closed);
    this.request.socket.once('close', closed);
    if (body > maxBody) {
      this.refuse('body-too-large', `the body is larger than ${maxBody} bytes`);
    } else if (body === 0 || body > SMALL_BODY_BYTES) {
      this.release();
    } else {
      this.#invite();
      collect(this.request, Math.min(SMALL_BODY_BYTES, maxBody), (read, whole) =>
        this.attempt(() => this.#collected(read, whole)),
      );
    }
  }

  #collected(read: Buffer, whole: boolean): void {
    const { maxBody } = this.#traffic.limits;
    if (read.length > maxBody) {
      this.refuse('body-too-large', `the body is larger than ${maxBody} bytes`);
      return;
    }
    this.#body = whole ? read : new Upload(this.request, maxBody, read);
    this.release();
  }

  #invite(): void {
    if (this.clean.expectsContinue && !this.#invited) this.response.writeContinue();
    this.#invited = true;
  }

  /** Nothing that goes wrong with one request ends more than that request. */
  attempt(step: () => void): void {
    try {
      step();
    } catch (error) {
      const whose: Blame = { fault: 'proxy', hard: false, fateKnown: false, code: 'internal-error' };
      if (this.#pending) this.settle(whose, { status: 0, failed: false, hard: false, latency: 0 });
      try {
        this.refuse('internal-error', 'unexpected error', error as Error);
      } catch {
        this.response.destroy();
      }
    }
  }

  #decision(routed: RoutedCapability) {
    const { user, bucket } = this.#subject;
    return this.#traffic.decide(routed.name, user, bucket, this.isWrite);
  }

  stillMoves(): boolean {
    const decision = this.#decision(this.#subject.routed!);
    return decision === 'hold' || decision === this.#gaveAway;
  }

  /** Decides by the snapshot in force. */
  release(): void {
    this.attempt(() => this.#decideAndSend());
  }

  #decideAndSend(): void {
    if (this.#clientGone) return;
    const { routed } = this.#subject;
    const decision = routed ? this.#decision(routed) : 'monolith';
    const lacking = refusalOf(this.#subject, this.isWrite, () => this.#traffic.isSplit(this.capability));
    if (lacking) {
      this.refuse(lacking.code, lacking.message);
    } else if (decision === 'unknown') {
      this.refuse('owner-unknown', `ownership of ${this.capability} is not known yet; retry`);
    } else if (decision === 'blind') {
      this.refuse(
        'blind',
        `ownership of ${this.capability} may have changed since the link to control was lost; retry`,
      );
    } else if (decision !== 'hold' && decision !== this.#gaveAway) {
      this.#send(decision);
    } else if (!this.#traffic.holds.add(this, routed!.handoff.hold, routed!.handoff.queue)) {
      this.#waitedInVain('too many writes wait for a handoff; try again');
    }
  }

  expire(): void {
    this.attempt(() => this.#waitedInVain('the handoff of this user takes too long; try again'));
  }

  #waitedInVain(message: string): void {
    if (this.#refusal?.says === 'given-away') this.#refuseFenced();
    else this.refuse('hold-exhausted', message);
  }

  get holder(): Held['holder'] {
    return { capability: this.capability, user: this.#subject.user!, address: this.clean.address };
  }

  get mayBeRefused(): boolean {
    return this.#write?.user !== undefined;
  }

  /**
   * One new decision for each word of a fence. `given-away`: the side’s own log knows better than our snapshot who owns
   * this user, so by the snapshot in force or, if that says the same, by the next one within the time a write may be
   * held. `stale`: by the snapshot in force, which may say the same side again.
   */
  fenced(says: FenceSays): void {
    const side = this.#side;
    const first = !this.#heard.has(says);
    this.#end(true);
    this.#heard.add(says);
    this.#refusal = { side, says };
    if (says === 'given-away') this.#gaveAway = side;
    if (this.#clientGone) {
      this.#noteFenced('client-gone');
      this.#endIfOver();
    } else if (!first || this.#body instanceof Upload) {
      this.#refuseFenced();
    } else {
      this.release();
    }
  }

  #noteFenced(result: Fenced): void {
    if (this.#refusal) this.#traffic.fenced(this.capability, this.#refusal.side, result);
    this.#refusal = undefined;
  }

  #refuseFenced(): void {
    const { side, says } = this.#refusal!;
    const why = {
      'given-away': `the ${side}’s log has given this user away`,
      stale: `the transaction of this write began before a handoff the ${side}’s log tells of`,
    }[says];
    const lack = this.#body instanceof Upload ? 'its body cannot be sent again from here' : LACK[says];
    this.refuse(says, `${why}, and ${lack}; nothing was written; try again`);
  }

  #send(side: Side): void {
    const { limits } = this.#traffic;
    const { routed } = this.#subject;
    if (this.clean.body !== 0 && !this.#body) {
      this.#invite();
      this.#body = new Upload(this.request, limits.maxBody, undefined);
    }
    if (!this.#mayTakeOff(side)) return;
    this.#noteFenced('resent');
    this.#side = side;
    this.#pending = true;
    const asked = this.#asked();
    this.capture = asked && this.#traffic.shadow?.capture(asked);
    const path = side === 'service' ? rewritten(routed!.rewrite, this.clean.target) : this.clean.target;
    this.#forward = new Forward(this, side, this.#traffic.upstreamOf(routed, side), path, this.#body);
    this.#forward.send(false);
  }

  /** Notes a write as under way; refuses it if its client keeps too many users from moving already. */
  #mayTakeOff(side: Side): boolean {
    const { flights, uploads, unknownFates } = this.#traffic;
    const { routed, user, bucket } = this.#subject;
    if (!this.isWrite || !routed || !isSomebodys(this.#subject)) return true;
    const write = { capability: routed.name, user, bucket, side };
    const isNamed = user !== undefined;
    if (isNamed && unknownFates.isUsedUp(write, this.clean.address)) {
      this.refuse('too-many-unknown', `the ${side} has left too many of your writes without an answer; try again`);
      return false;
    }
    if (isNamed && this.#body instanceof Upload) {
      if (uploads.isUsedUp(write, this.clean.address)) {
        this.refuse('too-many-uploads', 'too many of your uploads are under way; try again when one has ended');
        return false;
      }
      finished(this.#body, uploads.take(write, this.clean.address));
    }
    this.#write = write;
    this.#begunAt = performance.now();
    flights.begin(write, this.#body instanceof Upload ? this : undefined);
    this.#traffic.noteBlind(write, this.clean.correlationId);
    return true;
  }

  get mayBeCut(): boolean {
    return this.#forward?.mayBeCut ?? false;
  }

  /** It has had its time once it has been under way for half the time that writes are held behind it. */
  cutInTime(): void {
    const left = this.#begunAt + this.#subject.routed!.handoff.hold / 2 - performance.now();
    const cut = () => {
      if (this.#write && this.#traffic.flights.isAwaited(this.#write) && this.mayBeCut) this.#forward!.cut();
    };
    setTimeout(() => this.attempt(cut), Math.max(0, left)).unref();
  }

  /** The request as both sides may be asked it; undefined if nothing it leads to is compared. */
  #asked(): UserRead | undefined {
    const { routed, user, bucket } = this.#subject;
    if (!routed || user === undefined || routed.compare.share === 0) return undefined;
    const { method, readings } = this.clean;
    if (this.isWrite ? !readsAfter(routed, method, readings).length : method !== 'GET') return undefined;
    return { routed, user, bucket, clean: this.clean, target: this.clean.target };
  }

  /** The owner’s answer is whole: what is to be compared goes its own way. */
  #compare(status: number): void {
    const { shadow } = this.#traffic;
    const asked = this.#asked();
    if (!this.capture?.whole || !shadow || !asked) return;
    const { method, readings } = this.clean;
    if (!this.isWrite) shadow.read(asked, this.#side, this.capture);
    else if (status < 300) shadow.wrote(readsAfter(asked.routed, method, readings), asked, this.#side, this.capture);
  }

  confirm(status: number): Promise<boolean> | undefined {
    const { routed, user, bucket } = this.#subject;
    if (!routed?.confirmed || this.#write?.side !== 'service' || status >= 400) return undefined;
    return this.#traffic.confirmations.wait(routed.name, user!, bucket, 'service', routed.handoff.hold);
  }

  forClient(raw: readonly Buffer[]): readonly Buffer[] {
    return this.#traffic.addresses.forClient(raw, this.clean.calledBy);
  }

  parting(): boolean {
    return this.#traffic.stopping;
  }

  /** Answers with an error of our own; if the side’s head has gone out already, the client sees a reset instead. */
  refuse(code: Code, message: string, cause?: Error): void {
    this.#noteFenced('refused');
    const { correlationId, body } = this.clean;
    const side = this.#forward && this.#side;
    const cut = this.response.headersSent;
    if (code === 'internal-error') {
      this.#traffic.log.error(
        { code, correlationId, side, cut, err: cause },
        'unexpected error while handling a request',
      );
    } else {
      this.#traffic.log.warn({ code, correlationId, side, cut, cause: cause?.message }, message);
    }
    if (this.#clientGone) return;
    if (!cut) answer(this.request, this.response, code, message, correlationId, body !== 0);
    else if (this.response.socket) reset(this.response.socket);
    else this.response.destroy();
  }

  settle(whose: Blame, outcome: RequestOutcome): void {
    const { routed, user } = this.#subject;
    const from = { user, isWrite: this.#write?.user !== undefined, splits: routed?.splits ?? true };
    this.#end(whose.fateKnown);
    this.#traffic.count(this.capability, this.#side, whose.fault, outcome, from);
    this.#compare(outcome.status);
    this.#endIfOver();
  }

  /** The side has nothing more to do with the request. */
  #end(fateKnown: boolean): void {
    this.#pending = false;
    if (!this.#write) return;
    this.#traffic.endWrite(this.#write, this.clean.address, fateKnown);
    this.#write = undefined;
  }

  #onClose(): void {
    this.#closed = true;
    if (!this.response.writableFinished) {
      this.#clientGone = true;
      if (this.#traffic.holds.drop(this)) this.#noteFenced('client-gone');
      this.#forward?.clientLeft();
    }
    this.#endIfOver();
  }

  #endIfOver(): void {
    if (this.#over || this.#pending || !this.#closed) return;
    this.#over = true;
    this.#surveyed?.(this.response.headersSent ? this.response.statusCode : 0);
    this.#traffic.ended();
  }
}
