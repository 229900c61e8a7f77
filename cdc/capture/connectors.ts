import type { Logger } from 'pino';
import { sleep } from '../sleep.ts';
import { type ConnectorConfig, withPlaceholder } from './connector-config.ts';

/** What Connect says of a connector and its task. */
export type ConnectorState = {
  readonly state: 'RUNNING' | 'FAILED' | 'STARTING' | 'PAUSED' | 'STOPPED';
  readonly reason: string | undefined;
  /** The database no longer has the log from where the connector is: no restart fixes that. */
  readonly lost: boolean;
};

/** Connect refused a request, or cannot be reached. */
export class ConnectError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ConnectError';
  }
}

/** Kafka Connect's REST interface, as far as we use it. */
export class Connect {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url.replace(/\/$/, '');
  }

  /** Creates a connector, or changes it if its configuration differs. Throws ConnectError. */
  async put(name: string, config: ConnectorConfig): Promise<void> {
    const present = await this.config(name);
    const wanted: ConnectorConfig = { ...withPlaceholder(config, present), name };
    if (present && JSON.stringify(sorted(present)) === JSON.stringify(sorted(wanted))) return;
    await this.#request('PUT', `/connectors/${name}/config`, wanted);
  }

  /** How a connector is configured; undefined if there is none. */
  async config(name: string): Promise<ConnectorConfig | undefined> {
    return (await this.#request('GET', `/connectors/${name}/config`)) as ConnectorConfig | undefined;
  }

  /** How a connector does; undefined if there is none. */
  async state(name: string): Promise<ConnectorState | undefined> {
    type Status = { connector: { state: string; trace?: string }; tasks: { state: string; trace?: string }[] };
    const status = (await this.#request('GET', `/connectors/${name}/status`)) as Status | undefined;
    if (!status) return undefined;
    const worst = [status.connector, ...status.tasks].find(({ state }) => state === 'FAILED');
    const trace = worst?.trace;
    const { state } = status.connector;
    const byHand = state === 'PAUSED' || state === 'STOPPED';
    const running = state === 'RUNNING' && status.tasks[0]?.state === 'RUNNING';
    return {
      state: worst ? 'FAILED' : byHand ? state : running ? 'RUNNING' : 'STARTING',
      reason: trace && cause(trace),
      lost: trace !== undefined && LOST.test(trace),
    };
  }

  /** Where a connector is in its log, as it has stored it; undefined if it has stored nothing yet. */
  async offset(name: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    type Offsets = { offsets: { offset: Record<string, unknown> }[] };
    const found = (await this.#request('GET', `/connectors/${name}/offsets`)) as Offsets | undefined;
    return found?.offsets[0]?.offset;
  }

  /** True once Connect has stored where a connector is in its log, so that it goes on from there after a crash. */
  async placed(name: string): Promise<boolean> {
    return (await this.offset(name)) !== undefined;
  }

  /** Which of Debezium's two connectors Connect does not have. */
  async missingPlugins(): Promise<string[]> {
    const present = (await this.#request('GET', '/connector-plugins')) as { class: string }[];
    return PLUGINS.filter((plugin) => !present.some((one) => one.class === plugin));
  }

  /** Starts whatever has failed of a connector again. */
  async restart(name: string): Promise<void> {
    await this.#request('POST', `/connectors/${name}/restart?includeTasks=true&onlyFailed=true`);
  }

  /**
   * Stops a connector, forgets its place in the log, and deletes it; what is not there is no error. Throws ConnectError,
   * also if its place cannot be forgotten: a connector of the same name would go on from there.
   */
  async remove(name: string): Promise<void> {
    if (!(await this.state(name))) return;
    await this.#request('PUT', `/connectors/${name}/stop`);
    for (const until = Date.now() + STOP_TIMEOUT_MS; ; ) {
      try {
        await this.#request('DELETE', `/connectors/${name}/offsets`);
        break;
      } catch (error) {
        // A task that was waiting to try again takes its time to stop.
        if (Date.now() > until) throw error;
        await sleep(100, AbortSignal.timeout(1_000));
      }
    }
    await this.#request('DELETE', `/connectors/${name}`);
  }

  async #request(method: string, path: string, body?: unknown): Promise<unknown> {
    let response: Response;
    try {
      response = await fetch(`${this.#url}${path}`, {
        method,
        signal: AbortSignal.timeout(15_000),
        ...(body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
      });
    } catch (error) {
      throw new ConnectError(`Kafka Connect does not answer at ${this.#url}; is it running?`, { cause: error });
    }
    const text = await response.text();
    if (response.status === 404) return undefined;
    if (!response.ok)
      throw new ConnectError(`Kafka Connect answered ${method} ${path} with ${response.status}: ${text}`);
    return text ? JSON.parse(text) : undefined;
  }
}

const STOP_TIMEOUT_MS = 60_000;
const PLUGINS = ['io.debezium.connector.mysql.MySqlConnector', 'io.debezium.connector.postgresql.PostgresConnector'];

/** What both connectors and MySQL say when the log does not reach back to where the connector is. */
const LOST =
  /no longer available on the server|purged|first log file name in binary log index|can't be decoded from|replication slot .* does not exist/i;

const sorted = (config: ConnectorConfig) => Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1));

/** The last cause of a Java stack trace: what actually went wrong. */
function cause(trace: string): string {
  const lines = trace.split('\n');
  return (lines.findLast((line) => line.startsWith('Caused by: ')) ?? lines[0]!)
    .replace('Caused by: ', '')
    .replace(/^[\w.]+\.(\w+): /, '$1: ')
    .replace(/starting at \w+OffsetContext.*, but this is/, 'where it left off, but this is') // a screenful
    .slice(0, 500);
}

const POLL_MS = 1_000;
const LONGEST_BACKOFF_MS = 30_000;

/** A connector to look after; `onLost` is called at every look once its log is gone. */
export type Watched = {
  readonly name: string;
  readonly config: ConnectorConfig;
  readonly onLost: (reason: string) => void;
};

/** Looks after connectors: starts again what has failed, waiting longer each time, and puts back what is gone. */
export function watchConnectors(connect: Connect, log: Logger): { add(one: Watched): void; stop(): Promise<void> } {
  const abort = new AbortController();
  const lives: Promise<void>[] = [];
  const watch = async ({ name, config, onLost }: Watched) => {
    let wait = 0;
    while (!abort.signal.aborted) {
      await sleep(POLL_MS, abort.signal);
      const state = await connect.state(name).catch(() => null); // the next look will tell
      if (state === undefined) await connect.put(name, config).catch(() => {});
      if (state?.state === 'RUNNING') wait = 0;
      if (state?.lost) onLost(state.reason ?? 'its log is gone');
      if (state?.state !== 'FAILED' || state.lost) continue;
      log.warn({ connector: name, reason: state.reason, wait }, 'connector failed; starting it again');
      await sleep(wait, abort.signal);
      wait = Math.min(LONGEST_BACKOFF_MS, wait * 2 || 1_000);
      if (!abort.signal.aborted) await connect.restart(name).catch((err) => log.warn({ err }, 'restart refused'));
    }
  };
  return {
    add: (one) => void lives.push(watch(one)),
    async stop() {
      abort.abort();
      await Promise.all(lives);
    },
  };
}
