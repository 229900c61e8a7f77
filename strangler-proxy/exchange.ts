import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Side } from '@strangler/plan';
import { answer, type Code } from './answer.ts';
import { collect, SMALL, Upload } from './body.ts';
import type { Write } from './flights.ts';
import { Forward, type Sender } from './forward.ts';
import type { Held } from './hold.ts';
import { type RoutedCapability, readsAfter, rewritten } from './route.ts';
import type { Clean } from './sanitize.ts';
import type { Capture } from './shadow/reply.ts';
import type { Asked } from './shadow/sides.ts';
import type { Outcome } from './tally.ts';
import type { Traffic } from './traffic.ts';

/** Whose request it is. */
export type Subject = {
  readonly routed: RoutedCapability | undefined;
  readonly user: string | undefined;
  readonly bucket: number;
  readonly isWrite: boolean;
};

/** One request from the moment it is routed: read, decided, perhaps held, sent, and its outcome counted. */
export class Exchange implements Held, Sender {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly clean: Clean;
  readonly capability: string;
  readonly isWrite: boolean;
  readonly #traffic: Traffic;
  readonly #subject: Subject;
  #body: Buffer | Upload | null = null;
  #side: Side = 'monolith';
  #forward: Forward | undefined;
  #write: Write | undefined;
  capture: Capture | undefined;
  /** Sent, and the side has not answered yet. */
  #pending = false;
  #clientGone = false;
  #closed = false;
  #over = false;

  constructor(traffic: Traffic, request: IncomingMessage, response: ServerResponse, clean: Clean, subject: Subject) {
    this.#traffic = traffic;
    this.request = request;
    this.response = response;
    this.clean = clean;
    this.capability = subject.routed?.name ?? '';
    this.isWrite = subject.isWrite;
    this.#subject = subject;
  }

  /** A small body is read whole first: so a slow client holds up no handoff, and half a body goes nowhere. */
  start(): void {
    const { maxBody } = this.#traffic.limits;
    const { body } = this.clean;
    this.#traffic.began();
    this.response.once('close', () => this.#onClose());
    if (body > maxBody) {
      this.refuse('body-too-large', `the body is larger than ${maxBody} bytes`);
    } else if (body > 0 && body <= SMALL) {
      this.#invite();
      collect(this.request, (whole) => {
        this.#body = whole;
        this.release();
      });
    } else {
      this.release();
    }
  }

  #invite(): void {
    if (this.clean.expectsContinue) this.response.writeContinue();
  }

  #decision(routed: RoutedCapability) {
    const { user, bucket, isWrite } = this.#subject;
    return this.#traffic.decide(routed.name, user, bucket, isWrite);
  }

  stillMoves(): boolean {
    return this.#decision(this.#subject.routed!) === 'hold';
  }

  /** Decides by the snapshot in force. */
  release(): void {
    const { routed } = this.#subject;
    const decision = routed ? this.#decision(routed) : 'monolith';
    if (decision === 'unknown') {
      this.refuse('owner-unknown', `nobody has told yet who owns ${this.capability}; try again`);
    } else if (decision === 'blind') {
      this.refuse('blind', `this proxy has lost control and cannot know who owns ${this.capability} now; try again`);
    } else if (decision !== 'hold') {
      this.#send(decision);
    } else if (!this.#traffic.holds.add(this, routed!.handoff.hold, routed!.handoff.queue)) {
      this.refuse('hold-exhausted', 'too many writes wait for a handoff; try again');
    }
  }

  expire(): void {
    this.refuse('hold-exhausted', 'the handoff of this user takes too long; try again');
  }

  #send(side: Side): void {
    const { limits, flights } = this.#traffic;
    const { routed, user, bucket, isWrite } = this.#subject;
    this.#side = side;
    this.#pending = true;
    if (isWrite && routed && user !== undefined) {
      this.#write = { capability: routed.name, user, bucket, side };
      flights.begin(this.#write);
      this.#traffic.noteBlind(this.#write, this.clean.correlationId);
    }
    if (this.clean.body !== 0 && this.#body === null) {
      this.#invite();
      this.#body = new Upload(this.request, limits.maxBody);
    }
    const asked = this.#asked();
    this.capture = asked && this.#traffic.shadow?.capture(asked);
    const path = side === 'service' ? rewritten(routed!.rewrite, this.clean.target) : this.clean.target;
    this.#forward = new Forward(this, side, this.#traffic.upstreamOf(routed, side), path, this.#body);
    this.#forward.send(false);
  }

  /** The request as both sides may be asked it; undefined if nothing it leads to is compared. */
  #asked(): Asked | undefined {
    const { routed, user, bucket, isWrite } = this.#subject;
    if (!routed || user === undefined || routed.compare.share === 0) return undefined;
    const { method, readings } = this.clean;
    if (isWrite ? !readsAfter(routed, method, readings).length : method !== 'GET') return undefined;
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

  parting(): boolean {
    return this.#traffic.stopping;
  }

  /** Answers with an error of our own; if the side’s head has gone out already, the client sees a reset instead. */
  refuse(code: Code, message: string, cause?: Error): void {
    const { correlationId, body } = this.clean;
    const side = this.#forward && this.#side;
    const cut = this.response.headersSent;
    this.#traffic.log.warn({ code, correlationId, side, cut, cause: cause?.message }, message);
    if (this.#clientGone) return;
    if (!cut) answer(this.request, this.response, code, message, correlationId, body !== 0);
    else if (this.response.socket) this.response.socket.resetAndDestroy();
    else this.response.destroy();
  }

  settle(outcome: Outcome, fateKnown: boolean): void {
    this.#pending = false;
    if (this.#write) this.#traffic.flights.end(this.#write, fateKnown);
    this.#traffic.count(this.capability, this.#side, outcome, this.#write?.user);
    this.#compare(outcome.status);
    this.#endIfOver();
  }

  #onClose(): void {
    this.#closed = true;
    if (!this.response.writableFinished) {
      this.#clientGone = true;
      this.#traffic.holds.drop(this);
      this.#forward?.clientLeft();
    }
    this.#endIfOver();
  }

  #endIfOver(): void {
    if (this.#over || this.#pending || !this.#closed) return;
    this.#over = true;
    this.#traffic.ended();
  }
}
