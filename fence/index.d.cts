/** A user as your application knows them: what the Plan's `user` gives for the request, as text or whole number. */
export type User = string | number | bigint;

export type FenceOptions = {
  /** The capability's name in the Plan. */
  readonly capability: string;
  /** Whose hash splits the users: the capability's `group` in the Plan, by default the Plan's `name`. */
  readonly group: string;
  /** The side this process is on: the monolith writes to MySQL, a service to Postgres. */
  readonly side: 'monolith' | 'service';
  /** Whose write a request is, after your own login; null if it is nobody's, which is not checked. */
  // biome-ignore lint/suspicious/noExplicitAny: whatever Express, or what goes by its conventions, calls a request.
  readonly user: (request: any, response: any) => User | null;
};

/** A transaction of Sequelize 6. */
// biome-ignore lint/suspicious/noExplicitAny: the same.
export type SequelizeTransaction = { afterCommit(done: (transaction: any) => void): void };
/** A client of pg. */
export type PgClient = { query(text: string): Promise<unknown> };

/** The fence of one capability in one database. */
export type Fence = {
  /**
   * Express middleware, after your login and before the capability's routes: notes whose write a request is. GET, HEAD
   * and OPTIONS pass as they are.
   */
  // biome-ignore lint/suspicious/noExplicitAny: the same.
  readonly middleware: (request: any, response: any, next: (error?: unknown) => void) => void;
  /**
   * Looks after a Sequelize: in a request the middleware has seen, each transaction is checked as its first statement,
   * and each write outside of one gets a transaction of its own. Call once, at start.
   */
  readonly sequelize: (sequelize: object) => void;
  /**
   * Checks a transaction that is open, before it writes: a Sequelize transaction, or a pg client after BEGIN. `user` is
   * the request's unless given; a job must give it. Throws GivenAwayError; from then on the transaction takes no more
   * statements and can only be rolled back. Throws FenceSetupError, and the driver's errors.
   */
  readonly check: (handle: SequelizeTransaction | PgClient, user?: User) => Promise<void>;
  /** Runs work in a checked transaction of a client of this pg pool: BEGIN, check, work, COMMIT, or ROLLBACK. */
  readonly transaction: <T, Client = PgClient>(
    pool: { connect(): unknown },
    work: (client: Client) => Promise<T>,
    user?: User,
  ) => Promise<T>;
};

/** Throws FenceSetupError if the options are wrong. */
export function createFence(options: FenceOptions): Fence;

/**
 * The write's user does not belong to this side (any more), and its transaction wrote nothing. Code `given-away`: status
 * 409 and the header `strangler-fence: given-away`. Code `stale`, 409 with that header: the transaction had begun to read
 * before a handoff of some user nearby, and may be begun again. Code `given-away-midway`, status 503: an earlier
 * transaction of the same request has been committed.
 */
export class GivenAwayError extends Error {
  readonly code: 'given-away' | 'given-away-midway' | 'stale';
  readonly status: 409 | 503;
  readonly headers: Readonly<Record<string, string>>;
}

/** The fence cannot do its work as it was set up; the message names the next step. Nothing was written. */
export class FenceSetupError extends Error {
  readonly code: 'fence-setup';
}

/** Express error handler, before your own: answers a GivenAwayError, and passes on everything else. */
export function answerGivenAway(
  error: unknown,
  // biome-ignore lint/suspicious/noExplicitAny: the same.
  request: any,
  // biome-ignore lint/suspicious/noExplicitAny: the same.
  response: any,
  next: (error?: unknown) => void,
): void;
