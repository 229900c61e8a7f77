import { NoAnswerError, openSession, type Session, type Value } from '@strangler/ledger';
import { PATIENCE_MS } from './enquiries.ts';

/** Sessions with one database; more would only wait there. */
const MOST_SESSIONS = 4;
/** Silence after which a session is closed, in milliseconds: before the server does it, who would complain in its log. */
const IDLE_MS = PATIENCE_MS * 2;

type Waiting = { readonly since: number; readonly go: () => void; readonly fail: (error: Error) => void };

/** Reads one database for requests that wait for it: a few sessions, opened when they are needed. */
export class Reader {
  readonly name: string;
  readonly #url: string;
  readonly #patience: number;
  readonly #open = new Set<Session>();
  readonly #idle: { readonly session: Session; readonly timer: NodeJS.Timeout }[] = [];
  #waiting: Waiting[] = [];
  #free = MOST_SESSIONS;
  #closed = false;

  /** `name`: what people call the database; `patience`: how long it may take to answer, ms. */
  constructor(url: string, name: string, patience = PATIENCE_MS) {
    this.#url = url;
    this.#patience = patience;
    this.name = name;
  }

  get dialect(): Session['dialect'] {
    return this.#url.startsWith('mysql:') ? 'mysql' : 'postgres';
  }

  /** The rows a SELECT gives. Throws the driver’s error or NoAnswerError; a session lost meanwhile is replaced once. */
  async rows<Row>(sql: string, values: readonly Value[]): Promise<Row[]> {
    await this.#turn();
    try {
      const kept = this.#takeIdle();
      if (!kept) return await this.#ask<Row>(await this.#connect(), sql, values);
      return await this.#ask<Row>(kept, sql, values).catch(async (error: Error) => {
        if (kept.usable || error instanceof NoAnswerError) throw error;
        return this.#ask<Row>(await this.#connect(), sql, values);
      });
    } finally {
      this.#pass();
    }
  }

  #takeIdle(): Session | undefined {
    for (;;) {
      const last = this.#idle.pop();
      if (!last) return undefined;
      clearTimeout(last.timer);
      if (last.session.usable) return last.session;
      void this.#drop(last.session);
    }
  }

  async #connect(): Promise<Session> {
    if (this.#closed) throw new Error('closed');
    const session = await openSession(this.#url, 'reader', { statementTimeout: this.#patience, name: this.name });
    this.#open.add(session);
    return session;
  }

  async #ask<Row>(session: Session, sql: string, values: readonly Value[]): Promise<Row[]> {
    try {
      return (await session.query<Row>(sql, values)).rows;
    } catch (error) {
      // A server that ends a session says so by an error like any other.
      if (session.usable) await session.query('SELECT 1').catch(() => session.close());
      throw error;
    } finally {
      if (this.#closed || !session.usable) void this.#drop(session);
      else this.#keep(session);
    }
  }

  #keep(session: Session): void {
    const timer = setTimeout(() => {
      this.#idle.splice(
        this.#idle.findIndex((one) => one.session === session),
        1,
      );
      void this.#drop(session);
    }, IDLE_MS);
    this.#idle.push({ session, timer: timer.unref() });
  }

  #drop(session: Session): Promise<void> {
    this.#open.delete(session);
    return session.close();
  }

  async #turn(): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    await new Promise<void>((go, fail) => this.#waiting.push({ since: performance.now(), go, fail }));
  }

  /** Gives the turn to whoever waits longest, but not to those who have given up. */
  #pass(): void {
    const now = performance.now();
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      if (now - next.since < this.#patience) {
        next.go();
        return;
      }
      next.fail(new NoAnswerError(this.name, this.#patience));
    }
    this.#free++;
  }

  /** Ends every session, also those in use. Safe to call twice. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { timer } of this.#idle.splice(0)) clearTimeout(timer);
    await Promise.all([...this.#open].map((session) => this.#drop(session)));
  }
}
