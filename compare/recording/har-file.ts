import { type FileHandle, open, unlink } from 'node:fs/promises';
import type { RecordingNote } from './har.ts';

/** How every recording of ours begins, and no other HAR. */
export const HEAD = '{"log":{"version":"1.2","creator":{"name":"strangler record","version":"0.1.0"},"_strangler":';
const TAIL = '\n]}}\n';

/**
 * A HAR that grows. Each write lays new entries and the end of the document over the old end, so that the file is a whole
 * HAR after every one of them, whatever becomes of the process. One entry is one line.
 */
export class HarFile {
  readonly #path: string;
  readonly #file: FileHandle;
  /** Where the document's end stands. */
  #end: number;
  #empty = true;
  #waiting: string[] = [];
  #backlog = 0;
  #writing: Promise<void> | undefined;
  #failure: Error | undefined;
  #closed = false;

  private constructor(path: string, file: FileHandle, end: number) {
    this.#path = path;
    this.#file = file;
    this.#end = end;
  }

  /** Makes the file, readable to nobody else; throws EEXIST if there is one. */
  static async create(path: string, note: RecordingNote): Promise<HarFile> {
    const file = await open(path, 'wx', 0o600);
    const head = `${HEAD}${JSON.stringify(note)},"entries":[`;
    await file.write(head + TAIL);
    return new HarFile(path, file, Buffer.byteLength(head));
  }

  /** Bytes of the document so far. */
  get size(): number {
    return this.#end + this.#backlog;
  }

  /** Bytes that wait to be written. */
  get backlog(): number {
    return this.#backlog;
  }

  /** Why nothing more can be written, if so. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Adds an entry, given as a line of JSON. */
  append(entry: string): void {
    if (this.#failure || this.#closed) return;
    const line = `${this.#empty ? '' : ','}\n${entry}`;
    this.#empty = false;
    this.#waiting.push(line);
    this.#backlog += Buffer.byteLength(line);
    this.#writing ??= this.#write();
  }

  /** Writes what waits, and closes the file. Safe to call twice. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#writing;
    await this.#file.sync().catch(() => undefined);
    await this.#file.close();
  }

  /** Closes and deletes it, because nothing will be recorded. */
  async remove(): Promise<void> {
    await this.close();
    await unlink(this.#path);
  }

  async #write(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const bytes = Buffer.from(this.#waiting.splice(0).join('') + TAIL);
        await this.#writeAt(bytes, this.#end);
        this.#end += bytes.length - TAIL.length;
        this.#backlog -= bytes.length - TAIL.length;
      }
    } catch (error) {
      this.#failure = error as Error;
    } finally {
      this.#writing = undefined;
    }
  }

  async #writeAt(bytes: Buffer, position: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, position + done);
      done += bytesWritten;
    }
  }
}
