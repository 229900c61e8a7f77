import type { Failure, ReplySource } from '@strangler/compare';

/** Bytes of a body that are kept to compare; of a larger one nothing can be said. */
export const MOST_BODY_BYTES = 262_144;

/** One side’s reply as it goes to the comparing process: plain data. */
export type ShadowReply = (ReplySource & { readonly body: Uint8Array }) | Failure;

/** Gathers the reply of one side. */
export class Capture {
  #status = 0;
  // A header’s name may be any, __proto__ too.
  readonly #headers = new Map<string, string[]>();
  #chunks: Buffer[] = [];
  #size = 0;
  /** The reply has ended as it should. */
  whole = false;

  /** The head; headers as bytes, names and values in turn. */
  begin(status: number, raw: readonly Buffer[]): void {
    this.#status = status;
    for (let at = 0; at < raw.length; at += 2) {
      const name = raw[at]!.toString('latin1').toLowerCase();
      const value = raw[at + 1]!.toString('latin1');
      this.#headers.set(name, [...(this.#headers.get(name) ?? []), value]);
    }
  }

  add(chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#size <= MOST_BODY_BYTES) this.#chunks.push(Buffer.from(chunk));
    else this.#chunks = [];
  }

  /** Bytes it keeps in memory. */
  get bytes(): number {
    return this.#size <= MOST_BODY_BYTES ? this.#size : 0;
  }

  /** The whole reply. */
  get seen(): ShadowReply {
    const cut = this.#size > MOST_BODY_BYTES ? `its body has more than ${MOST_BODY_BYTES} bytes` : undefined;
    return { status: this.#status, headers: Object.fromEntries(this.#headers), body: Buffer.concat(this.#chunks), cut };
  }
}
