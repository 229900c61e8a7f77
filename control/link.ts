import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  type CapabilitySnapshot,
  type Comparison,
  type Counts,
  type FromControl,
  type FromProxy,
  GOODBYE_CODE,
  type Identified,
  LINK_PATH,
  NAME_TAKEN_CODE,
  type Snapshot,
} from '@strangler/plan';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Ask } from './confirmations.ts';
import { type RefusedFindings, readMessage } from './link-message.ts';
import { Notify } from './notify.ts';
import type { ProxyView } from './readiness.ts';
import type { Peer, Registry } from './registry.ts';
import type { SurveyRelay } from './survey-relay.ts';

const MAX_MESSAGE_BYTES = 1_048_576;
const PING_MS = 1_000;

/** Who is told what proxies say of their traffic. */
export type Hears = {
  readonly onCounts: (counts: Counts) => void;
  readonly onIdentified: (identified: Identified) => void;
  readonly onCompared: (comparison: Comparison) => void;
  readonly onAsk: (capability: string, ask: Ask) => void;
  /** Something this proxy said cannot be used, and why. */
  readonly onRefused: (proxy: string, why: string) => void;
};

/** What the stream works with. */
export type LinkParts = {
  /** Of every capability now. */
  readonly snapshot: () => Readonly<Record<string, CapabilitySnapshot>>;
  readonly hears: Hears;
  readonly registry: Registry;
  readonly survey: SurveyRelay;
  readonly term: number;
  /** Throws when this control may decide nothing any more: then proxies are told nothing either. */
  readonly check: () => void;
};

/** The stream to every proxy: snapshots down; acknowledgements, writes under way and counts up. */
export class ProxyLinks {
  readonly activity = new Notify();
  readonly registry: Registry;
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES });
  readonly #parts: LinkParts;
  readonly #alive = new WeakMap<WebSocket, boolean>();
  readonly #ping = setInterval(() => this.#pingAll(), PING_MS);
  #snapshot: Snapshot;

  constructor(parts: LinkParts) {
    this.#parts = parts;
    this.registry = parts.registry;
    this.#snapshot = { term: parts.term, version: 0, capabilities: {} };
  }

  /** Sends everybody a snapshot of the present state and gives its version. Throws SupersededError. */
  publish(): number {
    const { snapshot, term, check } = this.#parts;
    check();
    const version = this.#snapshot.version + 1;
    this.#snapshot = Object.freeze({ term, version, capabilities: snapshot() });
    for (const { stream } of this.registry.linked()) stream.send(this.#text());
    return version;
  }

  /** Tells every proxy to tell of its writes, for so long; one that links later is told at the next time. */
  survey(milliseconds: number): void {
    const message: FromControl = { type: 'survey', for: milliseconds };
    for (const { stream } of this.registry.linked()) stream.send(JSON.stringify(message));
  }

  /** Every registered proxy. */
  views(): readonly ProxyView[] {
    return this.registry.views();
  }

  /** Takes over the connection of a proxy whose token has been checked. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#server.handleUpgrade(request, socket, head, (stream) => this.#greet(stream));
  }

  /** Closes every stream; proxies go on with the last snapshot. Safe to call twice. */
  async stop(): Promise<void> {
    clearInterval(this.#ping);
    for (const stream of this.#server.clients) stream.close(1001, 'control stops');
    this.#server.close();
    for (const stream of this.#server.clients) stream.terminate();
    await this.registry.stop();
  }

  #text(): string {
    const message: FromControl = { type: 'snapshot', snapshot: this.#snapshot };
    return JSON.stringify(message);
  }

  #greet(stream: WebSocket): void {
    let peer: Peer | undefined;
    this.#alive.set(stream, true);
    stream.on('pong', () => this.#alive.set(stream, true));
    stream.on('error', () => stream.terminate());
    stream.on('message', (data) => {
      const message = readMessage(String(data));
      if (!message || (message.type === 'hello') === (peer !== undefined)) {
        this.#parts.hears.onRefused(peer?.proxy ?? '', 'it is not a message of this stream; the proxy is cut off');
        stream.close(1008, 'not a message of this stream');
        return;
      }
      if (message.type !== 'hello') this.#hear(peer!, message);
      else {
        peer = this.registry.join(message, stream);
        if (peer) void this.#welcome(peer, stream);
        else
          stream.close(
            NAME_TAKEN_CODE,
            `another proxy is linked as ${message.proxy}; start each with a --name of its own`,
          );
      }
      this.activity.wake();
    });
    stream.on('close', (code) => {
      if (!peer) return;
      this.registry.left(peer, code === GOODBYE_CODE);
      this.activity.wake();
    });
  }

  /** A proxy is told whom to send where when it is stored that it may be sending. */
  async #welcome(peer: Peer, stream: WebSocket): Promise<void> {
    if (!(await this.registry.store(peer))) return;
    try {
      this.#parts.check();
      stream.send(this.#text());
    } catch {
      stream.close(1001, 'control stops');
    }
  }

  #hear(peer: Peer, message: Exclude<FromProxy, { type: 'hello' }> | RefusedFindings): void {
    const { hears, term } = this.#parts;
    if (message.type === 'refused') hears.onRefused(peer.proxy, message.why);
    else if (message.type === 'counts') for (const counts of message.counts) hears.onCounts(counts);
    else if (message.type === 'identified') for (const one of message.identified) hears.onIdentified(one);
    else if (message.type === 'surveyed') this.#parts.survey.hear(peer, message, performance.now());
    else if (message.type === 'compared') hears.onCompared(message.comparison);
    else if (message.type === 'confirm') {
      const { id, user, from, theirs } = message;
      const { stream } = peer;
      const answer: FromControl = { type: 'confirmed', id };
      hears.onAsk(message.capability, { user, from, theirs, confirm: () => stream?.send(JSON.stringify(answer)) });
    } else if (message.type === 'flight') {
      const { flight } = message;
      peer.flights = [...peer.flights.filter((old) => old.capability !== flight.capability), flight];
    } else if (message.term === term && message.version >= peer.acked) {
      peer.acked = message.version;
      peer.flights = [...message.flights];
    }
  }

  #pingAll(): void {
    for (const stream of this.#server.clients) {
      if (!this.#alive.get(stream)) stream.terminate();
      else {
        this.#alive.set(stream, false);
        stream.ping();
      }
    }
  }
}

/** True if the request asks for the stream of a proxy. */
export const isLink = (request: IncomingMessage): boolean => request.url?.split('?')[0] === LINK_PATH;
