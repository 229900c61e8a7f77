import type { Connection } from './connection.ts';
import { openSession } from './open-session.ts';
import type { Session, SessionOptions } from './session.ts';
import type { Writer } from './writer.ts';

/** A session whose last task was longer ago, or failed, is asked whether it still lives before the next task, ms. */
const IDLE_MS = 100;
/** Longest wait for that answer, ms. */
const CHECK_TIMEOUT_MS = 1_000;

/** How a database is lent. */
export type DatabaseOptions = SessionOptions & {
  /** Makes a new session ready before any task gets it; a session for which this throws is closed. */
  readonly onOpen?: (session: Session) => Promise<void>;
};

/**
 * One database as one writer sees it: hands its single session to one task at a time, in order. A session that is lost
 * is dropped where that is noticed, and one that was lost before a task began (the server was restarted, say) is
 * replaced first, so that the task does not fail for it. A task that has begun is never repeated: what it has sent may
 * have been done. Opens lazily, so a database that is away harms only those who ask for it.
 */
export class Database {
  readonly #url: string;
  readonly #writer: Writer;
  readonly #options: DatabaseOptions;
  #session: Connection | undefined;
  #answeredAt = Number.NEGATIVE_INFINITY;
  #queue: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(url: string, writer: Writer, options: DatabaseOptions = {}) {
    this.#url = url;
    this.#writer = writer;
    this.#options = options;
  }

  /** The id of the present session in its server; 0 while there is none. */
  get sessionId(): number {
    return this.#session?.usable ? this.#session.id : 0;
  }

  /** Runs `task` with the session, alone. Rejects with its error, or the driver’s when there is no connection. */
  use<T>(task: (session: Session) => Promise<T>): Promise<T> {
    const turn = this.#queue.then(() => this.#run(task));
    this.#queue = turn.catch(() => {});
    return turn;
  }

  async #run<T>(task: (session: Session) => Promise<T>): Promise<T> {
    if (this.#closed) throw new Error('the database session is closed');
    const session = await this.#living();
    try {
      const result = await task(session);
      this.#answeredAt = performance.now();
      return result;
    } catch (error) {
      this.#answeredAt = Number.NEGATIVE_INFINITY; // whoever comes next asks whether it was more than a statement that failed
      throw error;
    } finally {
      if (!session.usable) await this.#drop();
    }
  }

  async #living(): Promise<Session> {
    const known = this.#session;
    const fresh = performance.now() - this.#answeredAt < IDLE_MS;
    if (known?.usable && (fresh || (await known.answers(CHECK_TIMEOUT_MS)))) return known;
    await this.#drop();
    const session = await openSession(this.#url, this.#writer, this.#options);
    try {
      await this.#options.onOpen?.(session);
    } catch (error) {
      await session.close();
      throw error;
    }
    this.#session = session;
    return session;
  }

  async #drop(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }

  /** Closes the session after the tasks already asked for. Safe to call twice. */
  async close(): Promise<void> {
    await this.#queue;
    this.#closed = true;
    await this.#drop();
  }
}
