import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests of one connection that are under way at once; each has a connection to its side. */
export const MOST_UNANSWERED = 32;
/** Those behind them that wait. Reading stops for none of them: the end of a connection that is not read is not seen. */
export const MOST_WAITING = 1_000;
/** A request that waits keeps its head and as much of its body as fits its buffer: all of them together, so many bytes. */
export const MOST_WAITING_BYTES = 1_048_576;

/** True if no request behind this one of its connection is served (`_last`: the field Node looks at too). */
const isLast = (response: ServerResponse): boolean =>
  !response.shouldKeepAlive || (response as ServerResponse & { _last: boolean })._last;

/**
 * The requests of one connection, begun in the order they came; those that a client sends ahead wait for their turn.
 * None is begun behind one whose answer says that the connection closes (RFC 9112, 9.6): nobody would hear its answer,
 * and Node would take it for that of a request before it.
 */
export class Pipelined {
  readonly #socket: Socket;
  readonly #tooMany: () => void;
  /** `at`: how much had been read of the connection when it came. */
  readonly #waiting: { readonly start: () => void; readonly at: number }[] = [];
  readonly #unanswered = new Set<ServerResponse>();

  /** `tooMany` is called when the connection is ended because more would have to wait than may, or more bytes of it. */
  constructor(socket: Socket, tooMany: () => void) {
    this.#socket = socket;
    this.#tooMany = tooMany;
  }

  /** Begins a request, now or when it is its turn; never if its connection ends before. */
  add(response: ServerResponse, begin: () => void): void {
    if (this.#ends()) return;
    const start = () => {
      this.#unanswered.add(response);
      response.once('close', () => this.#onAnswered(response));
      begin();
    };
    if (this.#unanswered.size < MOST_UNANSWERED) {
      start();
    } else if (this.#waiting.length < MOST_WAITING && this.#waitingBytes() < MOST_WAITING_BYTES) {
      this.#waiting.push({ start, at: this.#socket.bytesRead });
    } else {
      this.#socket.destroy();
      this.#tooMany();
    }
  }

  #waitingBytes(): number {
    return this.#waiting[0] ? this.#socket.bytesRead - this.#waiting[0].at : 0;
  }

  #ends(): boolean {
    return !this.#socket.writable || [...this.#unanswered].some(isLast);
  }

  #onAnswered(response: ServerResponse): void {
    this.#unanswered.delete(response);
    if (this.#ends()) this.#waiting.length = 0;
    else this.#waiting.shift()?.start();
  }
}
