const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY] = [0x7b, 0x7d, 0x5b, 0x5d];
const isBlank = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** One element of `log.entries`, and where in the file it stands. */
export interface Piece {
  readonly at: number;
  readonly length: number;
  /** Undefined if it was larger than `mostOfOne`. */
  readonly bytes: Buffer | undefined;
}

/** `log.version` and all the rest are small; what is not is no HAR. */
const MOST_AROUND_BYTES = 32 * 1024 * 1024;
/** Inside the root object, inside `log`, inside `entries`. */
const [IN_ROOT, IN_LOG, IN_ENTRIES] = [1, 2, 3];

/**
 * Cuts a HAR into its entries while it is read, so that no file is too large and one that was cut off still yields every
 * entry that is whole. Knows where texts, objects and arrays begin and end, and nothing else of JSON.
 */
export class HarSplitter {
  readonly #mostOfOne: number;
  #offset = 0;
  #depth = 0;
  #inText = false;
  #escaped = false;
  /** The last text outside of entries: before a `{` or `[` that is its name. */
  #text: number[] = [];
  #inLog = false;
  #entries: 'to come' | 'inside' | 'over' = 'to come';
  #pieceAt = -1;
  #piece: Buffer[] = [];
  #before: Buffer[] = [];
  #after: Buffer[] = [];
  #aroundSize = 0;

  /** `mostOfOne`: bytes of an entry, beyond which it is passed over. */
  constructor(mostOfOne = 64 * 1024 * 1024) {
    this.#mostOfOne = mostOfOne;
  }

  /** The entries that end in these bytes, which follow on those given before. */
  push(chunk: Buffer): Piece[] {
    const found: Piece[] = [];
    let copied = 0; // what of this chunk is in #piece or #around already, or in neither
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (this.#inText) {
        this.#passText(byte);
        continue;
      }
      if (byte === QUOTE) {
        this.#inText = true;
        this.#text = [];
      }
      const between = this.#entries === 'inside' && this.#depth === IN_ENTRIES;
      if (between && byte === CLOSE_ARRAY) {
        this.#endPiece(chunk, copied, at, found);
        copied = at;
        this.#entries = 'over';
      } else if (between && (byte === COMMA || isBlank(byte))) {
        this.#endPiece(chunk, copied, at, found);
        copied = at + 1;
      } else if (between && this.#pieceAt < 0) {
        this.#pieceAt = this.#offset + at;
        copied = at;
      }
      if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        this.#depth++;
        const name = String.fromCharCode(...this.#text);
        if (this.#depth === IN_LOG && name === 'log') this.#inLog = true;
        if (this.#depth === IN_ENTRIES && this.#inLog && name === 'entries' && byte === OPEN_ARRAY) {
          if (this.#entries === 'to come') {
            this.#keepAround(chunk.subarray(copied, at + 1));
            copied = at + 1;
            this.#entries = 'inside';
          }
        }
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        this.#depth--;
        if (this.#depth === IN_ROOT) this.#inLog = false;
        if (this.#entries === 'inside' && this.#depth === IN_ENTRIES) {
          this.#endPiece(chunk, copied, at + 1, found);
          copied = at + 1;
        }
      }
    }
    if (this.#pieceAt >= 0) this.#keepPiece(chunk.subarray(copied));
    else if (this.#entries !== 'inside') this.#keepAround(chunk.subarray(copied));
    this.#offset += chunk.length;
    return found;
  }

  /** What stands around the entries, and whether the file was whole; the text is closed where the file was cut off. */
  end(): { readonly around: string; readonly whole: boolean } {
    const before = Buffer.concat(this.#before).toString();
    const whole = this.#depth === 0 && !this.#inText;
    if (whole || this.#entries === 'to come') return { around: before + Buffer.concat(this.#after).toString(), whole };
    return { around: `${before}]}}`, whole };
  }

  #passText(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === BACKSLASH) this.#escaped = true;
    else if (byte === QUOTE) this.#inText = false;
    else if (this.#depth <= IN_LOG && this.#text.length < 32) this.#text.push(byte);
  }

  #endPiece(chunk: Buffer, from: number, to: number, found: Piece[]): void {
    if (this.#pieceAt < 0) return;
    const length = this.#offset + to - this.#pieceAt;
    const kept = length <= this.#mostOfOne;
    found.push({
      at: this.#pieceAt,
      length,
      bytes: kept ? Buffer.concat([...this.#piece, chunk.subarray(from, to)]) : undefined,
    });
    this.#pieceAt = -1;
    this.#piece = [];
  }

  /** One that is too large is not even collected. */
  #keepPiece(bytes: Buffer): void {
    if (this.#offset + bytes.length <= this.#pieceAt + this.#mostOfOne) this.#piece.push(bytes);
  }

  #keepAround(bytes: Buffer): void {
    this.#aroundSize += bytes.length;
    if (this.#aroundSize > MOST_AROUND_BYTES) return;
    (this.#entries === 'over' ? this.#after : this.#before).push(Buffer.from(bytes));
  }
}
