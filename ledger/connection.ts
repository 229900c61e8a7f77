import type { Socket } from 'node:net';
import { sayDuration } from '@strangler/plan';
import type { Answer, Dialect, Session, Value } from './session.ts';

/** A connection as its driver gives it, ready for statements. */
export type Driver = {
  readonly dialect: Dialect;
  readonly id: number;
  run<Row>(sql: string, values: readonly Value[]): Promise<Answer<Row>>;
  /** Hears what the server says at the end of a connection that nobody was using. */
  onError(listener: (error: Error) => void): void;
  /** Says goodbye to the server. */
  end(): Promise<void>;
};

/** A database did not answer in time. Whether it has done what it was asked to do is not known. */
export class NoAnswerError extends Error {
  readonly code = 'NO_ANSWER';
  constructor(name: string, limit: number) {
    super(`no answer from ${name} within ${sayDuration(limit)}`);
    this.name = 'NoAnswerError';
  }
}

/** Longest wait for a server’s goodbye, ms. */
const GOODBYE_TIMEOUT_MS = 1_000;

/** A session over one driver’s connection: it knows when it is lost, and loses itself when there is no answer in time. */
export class Connection implements Session {
  readonly dialect: Dialect;
  readonly id: number;
  readonly #driver: Driver;
  readonly #socket: Socket;
  readonly #name: string;
  readonly #limit: number | undefined;
  /** Why it can no longer be used. */
  #lost: Error | undefined;

  constructor(
    driver: Driver,
    about: { readonly socket: Socket; readonly name: string; readonly statementTimeout: number | undefined },
  ) {
    this.dialect = driver.dialect;
    this.id = driver.id;
    this.#driver = driver;
    this.#socket = about.socket;
    this.#name = about.name;
    this.#limit = about.statementTimeout;
    const lose = (error?: Error) => {
      this.#lost ??= error ?? new Error('closed by the server');
    };
    driver.onError(lose);
    about.socket.on('error', lose);
    about.socket.on('close', () => lose());
    if (about.socket.destroyed) lose();
  }

  get usable(): boolean {
    return !this.#lost;
  }

  query<Row>(sql: string, values: readonly Value[] = []): Promise<Answer<Row>> {
    return this.#within(this.#limit, () => this.#driver.run<Row>(sql, values));
  }

  /** True if the server answers within `limit` milliseconds; if not, the session is lost. */
  async answers(limit: number): Promise<boolean> {
    return this.#within(limit, () => this.#driver.run('SELECT 1', [])).then(
      () => true,
      () => {
        this.#lose(new Error('it did not answer'));
        return false;
      },
    );
  }

  async transaction<T>(work: () => Promise<T>): Promise<T> {
    await this.query(this.dialect === 'mysql' ? 'START TRANSACTION' : 'BEGIN');
    try {
      const result = await work();
      await this.query('COMMIT');
      return result;
    } catch (error) {
      // A lost connection has rolled back by itself; of any other nobody knows what it would do next.
      await this.query('ROLLBACK').catch((cause: Error) => this.#lose(cause));
      throw error;
    }
  }

  async close(): Promise<void> {
    const lost = !this.usable;
    this.#lost ??= new Error('closed');
    if (!lost) {
      let timer: NodeJS.Timeout | undefined;
      const waited = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, GOODBYE_TIMEOUT_MS);
      });
      await Promise.race([this.#driver.end().catch(() => {}), waited]);
      clearTimeout(timer);
    }
    this.#socket.destroy();
  }

  #lose(error: Error): void {
    this.#lost ??= error;
    this.#socket.destroy();
  }

  async #within<T>(limit: number | undefined, ask: () => Promise<T>): Promise<T> {
    if (this.#lost) throw new Error(`the connection to ${this.#name} is lost: ${this.#lost.message}`);
    if (limit === undefined) return ask();
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const error = new NoAnswerError(this.#name, limit);
      late.reject(error);
      this.#lose(error);
    }, limit);
    try {
      return await Promise.race([late.promise, ask()]);
    } finally {
      clearTimeout(timer);
    }
  }
}
