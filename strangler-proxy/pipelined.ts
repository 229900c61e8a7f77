import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests of one connection that are under way at once; each has a connection to its side. */
export const MOST_UNANSWERED = 32;
/** Those behind them that wait. Reading stops for none of them: the end of a connection that is not read is not seen. */
export const MOST_WAITING = 1_000;
/** A request that waits keeps its head and as much of its body as fits its buffer: all of them together, so many bytes. */
export const MOST_WAITING_BYTES = 1_048_576;

/** The requests of one connection, begun in the order they came; those that a client sends ahead wait for their turn. */
export class Pipelined {
  readonly #socket: Socket;
  readonly #tooMany: () => void;
  /** `at`: how much had been read of the connection when it came. */
  readonly #waiting: { readonly start: () => void; readonly at: number }[] = [];
  #unanswered = 0;

  /** `tooMany` is called when the connection is ended because more would have to wait than may, or more bytes of it. */
  constructor(socket: Socket, tooMany: () => void) {
    this.#socket = socket;
    this.#tooMany = tooMany;
  }

  /** Begins a request, now or when it is its turn; never if its connection ends before. */
  add(response: ServerResponse, begin: () => void): void {
    if (this.#socket.destroyed) return;
    const start = () => {
      this.#unanswered++;
      response.once('close', () => this.#onAnswered());
      begin();
    };
    if (this.#unanswered < MOST_UNANSWERED) {
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

  #onAnswered(): void {
    this.#unanswered--;
    if (this.#socket.writable) this.#waiting.shift()?.start();
    else this.#waiting.length = 0;
  }
}
