import type { IncomingMessage } from 'node:http';
import { Transform, type TransformCallback } from 'node:stream';

/** Largest body that is read whole before its request is decided, in bytes. */
export const SMALL = 65_536;

/** A body is larger than the Plan allows. */
export class TooLarge extends Error {}
/** The client went before its body had come. */
export class Unfinished extends Error {}

/** Reads a small body whole; calls back once it is there, never if its client goes first. */
export function collect(request: IncomingMessage, done: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.once('end', () => done(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
}

/** A body that is passed on as it comes, with backpressure; fails with TooLarge beyond `limit` bytes, or Unfinished. */
export class Upload extends Transform {
  readonly #limit: number;
  #bytes = 0;

  constructor(request: IncomingMessage, limit: number) {
    super();
    this.#limit = limit;
    request.once('close', () => {
      if (!request.complete) this.destroy(new Unfinished('the client went before its body had come'));
    });
    request.pipe(this);
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#limit) done(new TooLarge(`the body is larger than ${this.#limit} bytes`));
    else done(null, chunk);
  }
}
