import { type Direction, type Plan, streamName } from '@strangler/plan';
import type { Logger } from 'pino';
import { type Backfill, type Pulse, type SayProgress, startBackfill } from './capture/backfill.ts';
import { watchPremises } from './capture/capture-watch.ts';
import { type ConnectorConfig, monolithConnector, serviceConnector } from './capture/connector-config.ts';
import { Connect, watchConnectors } from './capture/connectors.ts';
import { startTicker } from './capture/ticker.ts';
import { ContinuityError } from './log/continuity.ts';
import { connectorName, parseAddress, syncedCapabilities } from './names.ts';
import { type QuarantineWatch, watchQuarantine } from './quarantine/watch.ts';
import { sleep } from './sleep.ts';
import { type Stream, startStream } from './stream.ts';

/** A running sync of every capability of a Plan. */
export interface Cdc {
  readonly streams: readonly Stream[];
  /** Open entries in the quarantine of a stream's target. */
  quarantined(stream: string): number;
  /** Resolves when every capability's existing rows are copied and its reverse connector stands. */
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
export function startCdc(plan: Plan, { log, say = () => {}, onApplied }: CdcOptions): Cdc {
  const abort = new AbortController();
  const connect = new Connect(plan.kafka!.connect);
  const watch = watchConnectors(connect, log);
  const capabilities = syncedCapabilities(plan);
  const tickers = databasesOf(plan, capabilities).map(({ url, every }) => startTicker(url, every, log));
  const backfills = new Map<string, Backfill>();
  const pulse: Pulse = { at: Date.now() };
  const streams: Stream[] = [];
  const premises: (() => Promise<void>)[] = [];
  const quarantines = new Map<string, QuarantineWatch>();

  const ensure = async (name: string, config: ConnectorConfig, fed: readonly Stream[]): Promise<void> => {
    const lost = (reason: string) => {
      const error = new ContinuityError(`connector ${name} cannot go on: ${reason}`);
      for (const stream of fed) stream.halt(error);
    };
    for (let attempt = 0; !abort.signal.aborted; attempt++) {
      try {
        await connect.put(name, config);
        return watch.add({ name, config, lost });
      } catch (error) {
        log.warn({ connector: name, reason: (error as Error).message }, 'connector not started yet');
        await sleep(Math.min(5_000, 200 * 2 ** attempt), abort.signal);
      }
    }
  };

  let placed = false;
  const awaitPlace = async (name: string): Promise<void> => {
    while (!placed && !abort.signal.aborted) {
      placed = await connect.placed(name).catch(() => false); // Connect is away; the next look will tell
      if (!placed) await sleep(POLL_MS, abort.signal);
    }
  };

  for (const capability of capabilities) {
    const start = (direction: Direction) =>
      startStream({
        plan,
        capability,
        direction,
        log,
        placed: () => direction === 'reverse' || placed,
        copying: () => direction === 'forward' && (backfills.get(capability)?.copying() ?? true),
        hooks: {
          onCopied: (table, rows) => backfills.get(capability)?.copied(table, rows),
          onCopyEnd: (table) => backfills.get(capability)?.copyEnded(table),
          onApplied: (rows) => onApplied?.(streamName(capability, direction), rows),
        },
      });
    const forward = start('forward');
    streams.push(forward, start('reverse'));
    for (const direction of ['forward', 'reverse'] as const) {
      quarantines.set(streamName(capability, direction), watchQuarantine(plan, capability, direction, log));
    }
    const reading = () => placed && forward.status().lag !== null;
    backfills.set(capability, startBackfill(plan, capability, reading, pulse, log, say));
  }

  const streamsFrom = (direction: Direction, names: readonly string[]) => {
    const wanted = names.map((capability) => streamName(capability, direction));
    return streams.filter(({ name }) => wanted.includes(name));
  };
  const forwards = streamsFrom('forward', capabilities);
  const forwardConnector = ensure(connectorName(plan, {}), monolithConnector(plan), forwards);
  const place = forwardConnector.then(() => awaitPlace(connectorName(plan, {})));
  const copied = Promise.all(
    capabilities.map(async (capability) => {
      await forwardConnector;
      await backfills.get(capability)!.finished;
      const reverse = streamsFrom('reverse', [capability]);
      await ensure(connectorName(plan, { capability }), serviceConnector(plan, capability), reverse);
      const lost = (error: ContinuityError) => {
        for (const stream of reverse) stream.halt(error);
      };
      if (!abort.signal.aborted) premises.push(watchPremises(plan, capability, connect, lost));
    }),
  ).then(() => {});
  copied.catch((err) => log.error({ err }, 'backfill refused'));

  let stopping: Promise<void> | undefined;
  const stop = async () => {
    abort.abort();
    await watch.stop();
    await place;
    await Promise.all(premises.map((stopWatching) => stopWatching()));
    await Promise.all([...backfills.values()].map((backfill) => backfill.stop()));
    await Promise.all(streams.map((stream) => stream.stop()));
    await Promise.all([...quarantines.values()].map((quarantine) => quarantine.stop()));
    await Promise.all(tickers.map((stopTicker) => stopTicker()));
  };
  const quarantined = (stream: string) => quarantines.get(stream)!.open();
  return { streams, quarantined, copied, stop: () => (stopping ??= stop()) };
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
