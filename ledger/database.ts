import { openSession, type Session, type Writer } from './session.ts';

/**
 * One database as one writer sees it: hands its single session to one task at a time, in order, and opens another
 * after an error that may have broken it. Opens lazily, so a database that is away harms only those who ask for it.
 */
export class Database {
  readonly #url: string;
  readonly #writer: Writer;
  #session: Session | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(url: string, writer: Writer) {
    this.#url = url;
    this.#writer = writer;
  }

  /** Runs `task` with the session, alone. Rejects with its error, or the driver’s when there is no connection. */
  use<T>(task: (session: Session) => Promise<T>): Promise<T> {
    const turn = this.#queue.then(() => this.#run(task));
    this.#queue = turn.catch(() => {});
    return turn;
  }

  async #run<T>(task: (session: Session) => Promise<T>): Promise<T> {
    if (this.#closed) throw new Error('the database session is closed');
    this.#session ??= await openSession(this.#url, this.#writer);
    try {
      return await task(this.#session);
    } catch (error) {
      const broken = this.#session;
      this.#session = undefined;
      await broken.close();
      throw error;
    }
  }

  /** Closes the session after the tasks already asked for. Safe to call twice. */
  async close(): Promise<void> {
    await this.#queue;
    this.#closed = true;
    await this.#session?.close();
    this.#session = undefined;
  }
}
