/** Follows one direction of a WebSocket, only far enough to know where a frame ends. */
export class Frames {
  #header: number[] = [];
  #payload = 0;

  /** True between two frames: where a frame of our own may be put. */
  get between(): boolean {
    return this.#payload === 0 && this.#header.length === 0;
  }

  /** Takes in a chunk; with `oneFrame` only up to the end of the current frame. Returns the bytes taken. */
  take(chunk: Buffer, oneFrame: boolean): number {
    let at = 0;
    while (at < chunk.length) {
      if (this.#payload > 0) {
        const part = Math.min(this.#payload, chunk.length - at);
        this.#payload -= part;
        at += part;
      } else {
        this.#header.push(chunk[at++]!);
        this.#readHeader();
      }
      if (oneFrame && this.between) break;
    }
    return at;
  }

  /** RFC 6455, section 5.2: two bytes, then 0, 2 or 8 of length, then 4 of mask. */
  #readHeader(): void {
    const header = this.#header;
    if (header.length < 2) return;
    const short = header[1]! & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    if (header.length < 2 + lengthBytes + (header[1]! & 0x80 ? 4 : 0)) return;
    const long = header.slice(2, 2 + lengthBytes).reduce((sum, byte) => sum * 256 + byte, 0);
    this.#payload = lengthBytes === 0 ? short : long;
    this.#header = [];
  }
}

/** A close frame, masked as clients must. */
export function closeFrame(code: number, masked: boolean): Buffer {
  const payload = Buffer.from([code >> 8, code & 0xff]);
  // A mask of zeros leaves the payload as it is.
  return masked ? Buffer.from([0x88, 0x82, 0, 0, 0, 0, ...payload]) : Buffer.from([0x88, 0x02, ...payload]);
}
