import { Client, type Dispatcher } from 'undici';

/** How long a connection is used before it is opened again, in milliseconds: so a moved address is noticed. */
const CONNECTION_TTL_MS = 60_000;

/** One connection to an upstream, one request at a time. */
export type Lane = {
  readonly client: Client;
  /** Requests that have ended on the connection as it is open now. */
  uses: number;
  readonly born: number;
};

export type Limits = { readonly connectTimeout: number; readonly headersTimeout: number; readonly idleTimeout: number };

/** The connections to one address: kept alive, the latest used first, none shared, nothing retried or pipelined. */
export class Upstream {
  readonly origin: string;
  /** What the paths of this upstream begin with. */
  readonly prefix: string;
  readonly #servername: string;
  readonly #options: Client.Options;
  readonly #ttl: number;
  readonly #sweeping: NodeJS.Timeout;
  readonly #idle: Lane[] = [];
  readonly #all = new Set<Lane>();

  constructor(url: URL, { connectTimeout, headersTimeout, idleTimeout }: Limits, ttl = CONNECTION_TTL_MS) {
    this.#ttl = ttl;
    this.origin = url.origin;
    this.prefix = url.pathname.replace(/\/$/, '');
    this.#servername = url.hostname;
    this.#options = {
      connectTimeout,
      headersTimeout,
      bodyTimeout: idleTimeout,
      pipelining: 1,
      allowH2: false,
      maxHeaderSize: 65_536,
    };
    this.#sweeping = setInterval(() => this.#sweep(), ttl).unref();
  }

  /** The connection for one more request; `fresh` never gives one that has been used. */
  take(fresh: boolean): Lane {
    while (!fresh) {
      const lane = this.#idle.pop();
      if (!lane) break;
      if (!this.#isOld(lane)) return lane;
      this.drop(lane);
    }
    const lane: Lane = { client: new Client(this.origin, this.#options), uses: 0, born: performance.now() };
    lane.client.on('disconnect', () => {
      lane.uses = 0;
    });
    this.#all.add(lane);
    return lane;
  }

  #isOld({ born }: Lane): boolean {
    return performance.now() - born >= this.#ttl;
  }

  /** Closes what is old before somebody would take it: after a peak nobody may, for long. */
  #sweep(): void {
    for (const lane of this.#idle.splice(0)) {
      if (this.#isOld(lane)) this.drop(lane);
      else this.#idle.push(lane);
    }
  }

  /** Sends a request on a lane that was taken; undici calls `handler`, also with what it refuses to send. */
  send(lane: Lane, options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    lane.client.dispatch({ ...options, servername: this.#servername } as Dispatcher.DispatchOptions, handler);
  }

  /** Gives a lane back once its request has ended. */
  give(lane: Lane): void {
    lane.uses++;
    this.#idle.push(lane);
  }

  /** Closes a lane that was taken: its request failed. */
  drop(lane: Lane): void {
    this.#all.delete(lane);
    if (!lane.client.destroyed) void lane.client.close();
  }

  /** Closes every connection at once. */
  async stop(): Promise<void> {
    clearInterval(this.#sweeping);
    this.#idle.length = 0;
    await Promise.all([...this.#all].map(({ client }) => client.destroy()));
    this.#all.clear();
  }
}
