import type { Socket } from 'node:net';
import { isSplit, type Snapshot, sideOf } from '@strangler/plan';
import { moves, type Write } from './flights.ts';
import { closeFrame, Frames } from './frames.ts';

/** Going away, of RFC 6455. */
const GOING_AWAY = 1001;
/** How long a socket may take to end after it was told, in milliseconds. */
const PARTING_MS = 1_000;
/** How long the other end may be silent after one has ended, in milliseconds. */
const HALF_OPEN_MS = 10_000;

/** One WebSocket that goes through: both ends, and whose writes it may carry. */
export class Tunnel {
  readonly write: Write | undefined;
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #down = new Frames();
  readonly #up = new Frames();
  #leaving = false;

  constructor(client: Socket, upstream: Socket, write: Write | undefined) {
    this.write = write;
    this.#client = client;
    this.#upstream = upstream;
    upstream.on('data', (chunk: Buffer) => this.#onDown(chunk));
    client.on('data', (chunk: Buffer) => this.#up.take(chunk, false));
    for (const end of [client, upstream]) end.once('end', () => this.#bound());
    client.once('close', () => this.#clientLeft());
    upstream.once('close', () => client.destroySoon());
  }

  /** Closes both ends with 1001, as soon as the frame being sent to the client has ended. */
  goAway(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    this.#upstream.unpipe(this.#client);
    this.#client.unpipe(this.#upstream);
    setTimeout(() => this.#client.destroy(), PARTING_MS).unref();
    if (this.#down.between) this.#part();
    else this.#upstream.resume();
  }

  /** What the client has sent comes to its end at the side, as a plain write does: then its fate is known. */
  #clientLeft(): void {
    this.#upstream.unpipe(this.#client).resume();
    this.#upstream.end();
    setTimeout(() => this.#upstream.destroy(), PARTING_MS).unref();
  }

  #bound(): void {
    for (const end of [this.#client, this.#upstream]) end.setTimeout(HALF_OPEN_MS, () => end.destroy());
  }

  #onDown(chunk: Buffer): void {
    const taken = this.#down.take(chunk, this.#leaving);
    if (!this.#leaving || this.#client.writableEnded) return;
    this.#client.write(chunk.subarray(0, taken));
    if (this.#down.between) this.#part();
  }

  #part(): void {
    this.#client.end(closeFrame(GOING_AWAY, false));
    if (this.#up.between) this.#upstream.end(closeFrame(GOING_AWAY, true));
    else this.#upstream.end();
    this.#client.resume();
    this.#upstream.resume();
  }
}

/** True if the snapshot takes this socket’s user away from its side, or has done so already; one of anybody may be of whoever has gone. */
export function mustLeave(write: Write | undefined, snapshot: Snapshot): boolean {
  const entry = write && snapshot.capabilities[write.capability];
  if (!write || !entry) return false;
  if (write.user === undefined) return isSplit(entry);
  return moves(write, write.capability, entry) || sideOf(entry, write.user, write.bucket) !== write.side;
}
