import type { IncomingMessage } from 'node:http';
import { Transform, type TransformCallback } from 'node:stream';

/** Where a body is: still to come from the client, here but not passed on whole, or all of it sent on. */
export type BodyState = 'coming' | 'here' | 'sent';

/** Largest body that is read whole before its request is decided, in bytes. */
export const SMALL_BODY_BYTES = 65_536;

/** A body is larger than the Plan allows. */
export class TooLarge extends Error {}
/** The proxy has cut it, because its user moves and it has not come whole. */
export class Cut extends Error {}
/** The client went before its body had been passed on. */
export class Unfinished extends Error {}

/**
 * Reads a body until it has come whole, or until there are more than `most` bytes of it: then the rest stays unread.
 * Calls back once with what it has read, never if its client goes first.
 */
export function collect(request: IncomingMessage, most: number, onRead: (read: Buffer, whole: boolean) => void): void {
  const chunks: Buffer[] = [];
  let size = 0;
  const end = (whole: boolean) => {
    request.off('data', onData).off('end', onEnd);
    onRead(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks), whole);
  };
  const onEnd = () => end(true);
  const onData = (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
    if (size <= most) return;
    request.pause();
    end(false);
  };
  request.on('data', onData).once('end', onEnd);
}

/**
 * A body that is passed on as it comes, with backpressure, after what has been read of it already; fails with TooLarge
 * beyond `limit` bytes, or Unfinished.
 */
export class Upload extends Transform {
  readonly #request: IncomingMessage;
  readonly #limit: number;
  #bytes = 0;

  constructor(request: IncomingMessage, limit: number, read: Buffer | undefined) {
    super();
    this.#request = request;
    this.#limit = limit;
    this.on('error', () => {}); // it may fail before anybody sends it, or after its answer
    // Node drops what of a body has not been read when its client goes, also if all of it has come.
    request.once('close', () => {
      if (!request.readableEnded) this.destroy(new Unfinished('the client went before its body had been passed on'));
    });
    if (read) this.write(read);
    request.pipe(this);
  }

  /** How far it has come. */
  get state(): BodyState {
    if (this.readableEnded) return 'sent';
    return this.#request.complete ? 'here' : 'coming';
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#limit) done(new TooLarge(`the body is larger than ${this.#limit} bytes`));
    else done(null, chunk);
  }
}
