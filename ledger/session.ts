/** Which database system a session talks to. */
export type Dialect = 'mysql' | 'postgres';

/** Something a statement takes or gives. */
export type Value = string | number | bigint | boolean | null | Date | Buffer;

/** Rows a statement gave, and how many it changed. */
export type Answer<Row> = { readonly rows: Row[]; readonly affected: number };

/** One connection. Statements use `?` for parameters in both dialects. Not to be shared by two tasks at once. */
export interface Session {
  readonly dialect: Dialect;
  /** The connection’s id in its server: what to end when a lock must be freed. */
  readonly id: number;
  /** False once the connection is lost, or nobody knows what has become of its last transaction: open another one. */
  readonly usable: boolean;
  /** Throws the driver’s error, or NoAnswerError when there is a time-out. */
  query<Row = Record<string, unknown>>(sql: string, values?: readonly Value[]): Promise<Answer<Row>>;
  /** Runs `work` in one transaction; rolls back when it throws. */
  transaction<T>(work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** How a session is kept. */
export type SessionOptions = {
  /**
   * Longest a statement may take, ms; unset: for ever. Enforced here, by a timer that ends the connection, because a
   * server that is cut off does not say so; and by the server a little earlier, so that a lock is named as such. The
   * server also ends a session that has been silent for five times as long, so that a process that is frozen or cut off
   * keeps no lock and no replication origin.
   */
  readonly statementTimeout?: number;
  /** What errors call the database; unset: by its address, without the login. */
  readonly name?: string;
};
