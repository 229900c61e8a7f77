import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  type CapabilitySnapshot,
  type Comparison,
  type Counts,
  type Flight,
  type FromControl,
  type FromProxy,
  LINK_PATH,
  type Snapshot,
} from '@strangler/plan';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Ask } from './confirmations.ts';
import { type Refused, readMessage } from './link-message.ts';
import type { ProxyView } from './readiness.ts';
import { Wake } from './wake.ts';

/** Close code by which a proxy says: I stop, and none of my writes is under way any more. */
export const GOODBYE = 1000;

const MAX_MESSAGE = 1_048_576;
const PING_EVERY = 1_000;
/** A lost proxy is shown for so long at least, ms. */
const REMEMBER = 60_000;

type Peer = {
  readonly proxy: string;
  readonly pid: number;
  socket: WebSocket | undefined;
  lostAt: number | undefined;
  acked: number;
  flights: Flight[];
};

/** Who is told what proxies say of their traffic. */
export type Hears = {
  readonly counts: (counts: Counts) => void;
  readonly compared: (comparison: Comparison) => void;
  readonly asks: (capability: string, ask: Ask) => void;
  /** Something this proxy said cannot be used, and why. */
  readonly refused: (proxy: string, why: string) => void;
};

/** The stream to every proxy: snapshots down; acknowledgements, writes under way and counts up. */
export class Link {
  /** Names this life of control. */
  readonly life = randomUUID();
  readonly words = new Wake();
  readonly #server = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE });
  readonly #peers = new Map<string, Peer>();
  readonly #picture: () => Readonly<Record<string, CapabilitySnapshot>>;
  readonly #hears: Hears;
  readonly #alive = new WeakMap<WebSocket, boolean>();
  readonly #ping = setInterval(() => this.#pingAll(), PING_EVERY);
  readonly #remember: number;
  #snapshot: Snapshot;

  /** `writeFate`: the longest of the Plan, ms. */
  constructor(picture: () => Readonly<Record<string, CapabilitySnapshot>>, hears: Hears, writeFate: number) {
    this.#picture = picture;
    this.#hears = hears;
    this.#remember = Math.max(REMEMBER, writeFate);
    this.#snapshot = { life: this.life, version: 0, capabilities: {} };
    this.publish();
  }

  /** Sends everybody a snapshot of the present state and gives its version. */
  publish(): number {
    const version = this.#snapshot.version + 1;
    this.#snapshot = Object.freeze({ life: this.life, version, capabilities: this.#picture() });
    const message: FromControl = { type: 'snapshot', snapshot: this.#snapshot };
    const text = JSON.stringify(message);
    for (const { socket } of this.#peers.values()) socket?.send(text);
    return version;
  }

  /** Every proxy connected, and those lost not long ago. */
  views(): readonly ProxyView[] {
    const now = performance.now();
    for (const [key, { lostAt }] of this.#peers) {
      if (lostAt !== undefined && now - lostAt > this.#remember) this.#peers.delete(key);
    }
    return [...this.#peers.values()].map(({ proxy, pid, lostAt, acked, flights }) => ({
      proxy,
      pid,
      ...(lostAt !== undefined && { lostAt }),
      acked,
      flights,
    }));
  }

  /** Takes over the connection of a proxy whose token has been checked. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#server.handleUpgrade(request, socket, head, (stream) => this.#greet(stream));
  }

  /** Closes every stream; proxies go on with the last snapshot. Safe to call twice. */
  async stop(): Promise<void> {
    clearInterval(this.#ping);
    for (const { socket } of this.#peers.values()) socket?.close(1001, 'control stops');
    this.#peers.clear();
    this.#server.close();
    for (const stream of this.#server.clients) stream.terminate();
  }

  #greet(stream: WebSocket): void {
    let peer: Peer | undefined;
    this.#alive.set(stream, true);
    stream.on('pong', () => this.#alive.set(stream, true));
    stream.on('error', () => stream.terminate());
    stream.on('message', (data) => {
      const message = readMessage(String(data));
      if (!message || (message.type === 'hello') === (peer !== undefined)) {
        this.#hears.refused(peer?.proxy ?? '', 'it is not a message of this stream; the proxy is cut off');
        stream.close(1008, 'not a message of this stream');
        return;
      }
      if (message.type === 'hello') {
        peer = this.#join(stream, message);
        const first: FromControl = { type: 'snapshot', snapshot: this.#snapshot };
        stream.send(JSON.stringify(first));
      } else this.#hear(peer!, message);
      this.words.wake();
    });
    stream.on('close', (code) => {
      const key = `${peer?.proxy} ${peer?.pid}`;
      if (!peer || this.#peers.get(key) !== peer) return;
      peer.socket = undefined;
      if (code === GOODBYE) this.#peers.delete(key);
      else peer.lostAt = performance.now();
      this.words.wake();
    });
  }

  /** A process that comes back knows its own writes; another process of the same name does not know those of the old one. */
  #join(stream: WebSocket, { proxy, pid }: FromProxy & { type: 'hello' }): Peer {
    const key = `${proxy} ${pid}`;
    this.#peers.get(key)?.socket?.terminate();
    const peer: Peer = { proxy, pid, socket: stream, lostAt: undefined, acked: 0, flights: [] };
    this.#peers.set(key, peer);
    return peer;
  }

  #hear(peer: Peer, message: Exclude<FromProxy, { type: 'hello' }> | Refused): void {
    if (message.type === 'refused') this.#hears.refused(peer.proxy, message.why);
    else if (message.type === 'counts') for (const counts of message.counts) this.#hears.counts(counts);
    else if (message.type === 'compared') this.#hears.compared(message.comparison);
    else if (message.type === 'confirm') {
      const { id, user, from, theirs } = message;
      const { socket } = peer;
      const answer: FromControl = { type: 'confirmed', id };
      this.#hears.asks(message.capability, { user, from, theirs, confirm: () => socket?.send(JSON.stringify(answer)) });
    } else if (message.type === 'drained') {
      const { flight } = message;
      peer.flights = [...peer.flights.filter((old) => old.capability !== flight.capability), flight];
    } else if (message.life === this.life && message.version >= peer.acked) {
      peer.acked = message.version;
      peer.flights = [...message.flights];
    }
  }

  #pingAll(): void {
    for (const { socket } of this.#peers.values()) {
      if (!socket) continue;
      if (!this.#alive.get(socket)) socket.terminate();
      else {
        this.#alive.set(socket, false);
        socket.ping();
      }
    }
  }
}

/** True if the request asks for the stream of a proxy. */
export const isLink = (request: IncomingMessage): boolean => request.url?.split('?')[0] === LINK_PATH;
