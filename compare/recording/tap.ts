import { createHash } from 'node:crypto';

/** What went by. */
export interface TappedBody {
  /** Undefined if it was more than the cap. */
  readonly bytes: Uint8Array | undefined;
  readonly size: number;
  readonly sha256: string;
}

/** Sees the bytes of a body go by, and keeps them up to a cap. */
export class Tap {
  readonly #cap: number;
  readonly #hash = createHash('sha256');
  #chunks: Buffer[] = [];
  #size = 0;
  #ended = false;

  constructor(cap: number) {
    this.#cap = cap;
  }

  add(chunk: Buffer): void {
    if (this.#ended) return;
    this.#size += chunk.length;
    this.#hash.update(chunk);
    if (this.#size <= this.#cap) this.#chunks.push(chunk);
    else this.#chunks = [];
  }

  /** To be asked once; what comes later does not count. */
  end(): TappedBody {
    this.#ended = true;
    const bytes = this.#size <= this.#cap ? Buffer.concat(this.#chunks) : undefined;
    return { bytes, size: this.#size, sha256: this.#hash.digest('hex') };
  }
}
