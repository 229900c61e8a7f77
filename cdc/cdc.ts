import { type Direction, type Plan, streamName } from '@strangler/plan';
import type { Logger } from 'pino';
import { Backfill, type Pulse, type SayProgress } from './capture/backfill.ts';
import { watchPremises } from './capture/capture-watch.ts';
import { type ConnectorConfig, monolithConnector, serviceConnector } from './capture/connector-config.ts';
import { Connect, watchConnectors } from './capture/connectors.ts';
import { startTicker } from './capture/ticker.ts';
import { ContinuityError } from './log/continuity.ts';
import { connectorName, parseAddress, syncedCapabilities } from './names.ts';
import { type QuarantineWatch, watchQuarantine } from './quarantine/watch.ts';
import { retry, StoppedError } from './retry.ts';
import { sleep } from './sleep.ts';
import { type Stream, startStream } from './stream.ts';

/** A running sync of every capability of a Plan. */
export interface Cdc {
  readonly streams: readonly Stream[];
  /** Open entries in the quarantine of a stream's target. */
  quarantined(stream: string): number;
  /** Resolves when every capability's existing rows are copied and its reverse connector runs; rejects when stopped before. */
  readonly copied: Promise<void>;
  stop(): Promise<void>;
}

/** What a sync is started with. */
export type CdcOptions = {
  readonly log: Logger;
  readonly say?: SayProgress;
  /** Rows applied, per stream. */
  readonly onApplied?: (stream: string, rows: number) => void;
};

/**
 * Starts the sync of a Plan that `init` has prepared: tickers, the monolith's connector, streams; then the backfill of
 * what is not copied yet; then each service's connector. Gives it at once; everything is retried until stopped.
 */
export const startCdc = (plan: Plan, options: CdcOptions): Cdc => new RunningCdc(plan, options);

class RunningCdc implements Cdc {
  readonly streams: readonly Stream[];
  readonly copied: Promise<void>;
  readonly #plan: Plan;
  readonly #options: CdcOptions;
  readonly #abort = new AbortController();
  readonly #connect: Connect;
  readonly #connectors: ReturnType<typeof watchConnectors>;
  readonly #backfills = new Map<string, Backfill>();
  readonly #quarantines = new Map<string, QuarantineWatch>();
  /** What else runs; each is its stop. */
  readonly #watches: (() => Promise<void>)[];
  readonly #place: Promise<void>;
  /** True as soon as the monolith's connector knows from where in the log it goes on. */
  #placed = false;
  #stopping: Promise<void> | undefined;

  constructor(plan: Plan, options: CdcOptions) {
    this.#plan = plan;
    this.#options = options;
    this.#connect = new Connect(plan.kafka!.connect);
    this.#connectors = watchConnectors(this.#connect, options.log);
    const capabilities = syncedCapabilities(plan);
    this.#watches = databasesOf(plan, capabilities).map(({ url, every }) => startTicker(url, every, options.log));
    const pulse = { at: Date.now() };
    this.streams = capabilities.flatMap((capability) => this.#startCapability(capability, pulse));
    const name = connectorName(plan, {});
    const forward = this.#ensure(name, monolithConnector(plan), this.#streamsFrom('forward', capabilities));
    this.#place = forward.then(() => this.#awaitPlace(name)).catch(unlessStopped);
    const copied = Promise.all(capabilities.map((capability) => this.#finish(capability, forward)));
    this.copied = copied.then(() => {});
    this.copied.catch(unlessStopped).catch((err) => options.log.error({ err }, 'the copy was refused'));
  }

  quarantined(stream: string): number {
    return this.#quarantines.get(stream)!.open();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#abort.abort();
    await this.#connectors.stop();
    await this.#place;
    await Promise.all([...this.#backfills.values()].map((backfill) => backfill.stop()));
    await this.copied.catch(() => {}); // nothing more is started from here on
    await Promise.all(this.streams.map((stream) => stream.stop()));
    await Promise.all([...this.#quarantines.values()].map((quarantine) => quarantine.stop()));
    await Promise.all(this.#watches.map((stopWatching) => stopWatching()));
  }

  #startCapability(capability: string, pulse: Pulse): Stream[] {
    const { log, say = () => {} } = this.#options;
    const plan = this.#plan;
    const forward = this.#startStream(capability, 'forward');
    const reverse = this.#startStream(capability, 'reverse');
    for (const direction of ['forward', 'reverse'] as const) {
      this.#quarantines.set(streamName(capability, direction), watchQuarantine(plan, capability, direction, log));
    }
    const ready = () => this.#placed && forward.status().lag !== null;
    this.#backfills.set(capability, new Backfill({ plan, capability, ready, pulse, log, say }));
    return [forward, reverse];
  }

  #startStream(capability: string, direction: Direction): Stream {
    const backfill = () => this.#backfills.get(capability);
    return startStream({
      ...{ plan: this.#plan, capability, direction, log: this.#options.log },
      placed: () => direction === 'reverse' || this.#placed,
      copying: () => direction === 'forward' && (backfill()?.copying() ?? true),
      hooks: {
        onCopied: (table, rows) => backfill()?.copied(table, rows),
        onCopyEnd: (table) => backfill()?.copyEnded(table),
        onApplied: (rows) => this.#options.onApplied?.(streamName(capability, direction), rows),
      },
    });
  }

  #streamsFrom(direction: Direction, capabilities: readonly string[]): readonly Stream[] {
    const wanted = capabilities.map((capability) => streamName(capability, direction));
    return this.streams.filter(({ name }) => wanted.includes(name));
  }

  /** Puts a connector in place and watches it; `fed` are halted when it cannot go on. Throws StoppedError. */
  async #ensure(name: string, config: ConnectorConfig, fed: readonly Stream[]): Promise<void> {
    const { log } = this.#options;
    await retry(() => this.#connect.put(name, config), {
      signal: this.#abort.signal,
      onRetry: ({ message }) => log.warn({ connector: name, reason: message }, 'connector not started yet; retrying'),
    });
    const onLost = (reason: string) => {
      const error = new ContinuityError(`connector ${name} cannot go on: ${reason}`);
      for (const stream of fed) stream.halt(error);
    };
    this.#connectors.add({ name, config, onLost });
  }

  async #awaitPlace(name: string): Promise<void> {
    const { signal } = this.#abort;
    while (!this.#placed && !signal.aborted) {
      this.#placed = await this.#connect.placed(name).catch(() => false); // Connect is away; the next look will tell
      if (!this.#placed) await sleep(POLL_MS, signal);
    }
  }

  /** The service's log is captured only when every row is copied: the copy is no write of the service. */
  async #finish(capability: string, forward: Promise<void>): Promise<void> {
    const plan = this.#plan;
    await forward;
    await this.#backfills.get(capability)!.finished;
    const reverse = this.#streamsFrom('reverse', [capability]);
    await this.#ensure(connectorName(plan, { capability }), serviceConnector(plan, capability), reverse);
    const onLost = (error: ContinuityError) => {
      for (const stream of reverse) stream.halt(error);
    };
    if (!this.#abort.signal.aborted) this.#watches.push(watchPremises(plan, capability, this.#connect, onLost));
  }
}

/** Being stopped is no failure. */
function unlessStopped(error: unknown): void {
  if (!(error instanceof StoppedError)) throw error;
}

/** Between two ticks of a database, ms; sooner where an answer waits for one. */
const TICK_MS = 1_000;
const CONFIRMING_TICK_MS = 20;

const POLL_MS = 250;

/** One address per database, and how often it ticks: a database ticks once, however many capabilities live in it. */
function databasesOf(plan: Plan, capabilities: readonly string[]): { url: string; every: number }[] {
  const { monolith } = plan;
  const distinct = new Map<string, { url: string; every: number }>();
  const add = ({ applier }: { applier: string }, every: number) => {
    const { host, port, database } = parseAddress(applier);
    const name = `${host}:${port}/${database}`;
    distinct.set(name, { url: applier, every: Math.min(every, distinct.get(name)?.every ?? every) });
  };
  add(monolith.database!, TICK_MS);
  for (const name of capabilities) {
    const { service, confirmed } = plan.capabilities[name]!;
    add(service.database!, confirmed ? CONFIRMING_TICK_MS : TICK_MS);
  }
  return [...distinct.values()];
}
