import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { forwarded } from './pass.ts';
import { pairs, passedOn, type RecordedUpstream } from './upstream.ts';

/** WebSockets and the like: once both ends have agreed, bytes go to and fro unseen. */
export class Tunnels {
  readonly #target: RecordedUpstream;
  readonly #ends = new Set<Duplex>();

  constructor(target: RecordedUpstream) {
    this.#target = target;
  }

  open(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const { method = 'GET', url: path = '/' } = request;
    const raw = [...forwarded(request), 'Connection', 'Upgrade', 'Upgrade', request.headers.upgrade ?? ''];
    const upstream = this.#target.request(method, path, raw, false);
    const answer = (reply: IncomingMessage, headers: readonly string[]) => {
      const lines = pairs(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`HTTP/1.1 ${reply.statusCode} ${reply.statusMessage}\r\n${lines.join('')}\r\n`);
    };
    socket.on('error', () => upstream.destroy());
    upstream.once('upgrade', (reply, other: Socket, first: Buffer) => {
      this.#join(socket, other);
      answer(reply, reply.rawHeaders);
      socket.write(first);
      other.write(head);
      socket.pipe(other).pipe(socket);
    });
    upstream.once('response', (reply) => {
      answer(reply, [...passedOn(reply, ['transfer-encoding']), 'Connection', 'close']);
      reply.pipe(socket);
    });
    upstream.once('error', () => socket.destroy());
    upstream.end();
  }

  /** Cuts them all. */
  stop(): void {
    for (const end of this.#ends) end.destroy();
  }

  /** One end goes with the other. */
  #join(socket: Duplex, other: Duplex): void {
    for (const end of [socket, other]) {
      this.#ends.add(end);
      end.once('close', () => this.#ends.delete(end));
      end.on('error', () => undefined); // its 'close' follows
    }
    socket.once('close', () => other.destroy());
    other.once('close', () => socket.destroy());
  }
}
