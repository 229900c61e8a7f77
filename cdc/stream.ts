import { once } from 'node:events';
import { type ApplierRow, Database, isLost, lastTick, readCheckpoint, reportApplier } from '@strangler/ledger';
import {
  type Direction,
  groupOf,
  monolithTopic,
  type Plan,
  sayDuration,
  serviceTopic,
  streamName,
} from '@strangler/plan';
import type { Logger } from 'pino';
import { Applier } from './apply/applier.ts';
import { ApplierAheadError } from './apply/apply-steps.ts';
import { adviceFor, failureOf } from './apply/failures.ts';
import { UndecidedError } from './apply/large-transaction.ts';
import { openSource } from './capture/kafka-source.ts';
import { FatalStreamError } from './fatal-stream-error.ts';
import type { ContinuityError } from './log/continuity.ts';
import { type CrossReference, readCrossReferences } from './mapping/cross-references.ts';
import { type Mapping, MappingError, resolveMapping, SchemaChangedError } from './mapping/mapping.ts';
import { patiently } from './patiently.ts';
import { Pump, type PumpHooks } from './pump.ts';
import { type RetryPolicy, retry, StoppedError } from './retry.ts';
import { KeysOfIds } from './rows/keys-of-ids.ts';
import { LOOKING, sleep } from './sleep.ts';
import { Standstill } from './standstill.ts';
import { sayStopped } from './stopped.ts';

/** One direction of one capability's sync, running. */
export interface Stream {
  readonly name: string;
  status(): Omit<ApplierRow, 'age'>;
  /** Stops it loudly, because a piece of its source's log is gone; again and again without harm. */
  halt(error: ContinuityError): void;
  stop(): Promise<void>;
}

/** Which stream to start. */
export type StreamOptions = {
  readonly plan: Plan;
  readonly capability: string;
  readonly direction: Direction;
  readonly log: Logger;
  readonly hooks: PumpHooks;
  /**
   * True once Connect has stored where the source is read. Before, a crash of Connect leaves out a piece of the log; it
   * does no harm, because nothing is copied before either, and what is copied later is as it is then.
   */
  readonly placed: () => boolean;
  /** True while existing rows are being copied. */
  readonly copying: () => boolean;
};

const REPORT_MS = 500;
const POLL_MS = 1_000;
/** Without a tick for this long, the lag is infinite. */
const SILENCE_MS = 5_000;

const COPYING_AGAIN = 'a piece of the log is lost and not copied again yet: strangler recopy --apply';

const sayStalled = (ms: number, reason: string | null): string =>
  `nothing has come through for ${sayDuration(ms)}, although its source goes on${reason ? `: ${reason}` : ''}`;

/** What tells one mapping from another. */
const sayMapping = (mapping: Mapping): string =>
  JSON.stringify([...mapping.values()].map(({ name, columns, key }) => [name, columns, key]));

/** Starts a stream: its source's topic, read from its checkpoint on, into its target. Gives it at once. */
export const startStream = (options: StreamOptions): Stream => new RunningStream(options);

/** True if somebody waits for ticks: confirmed writes, or replies that are compared. */
const isAwaited = ({ confirmed, compare }: Plan['capabilities'][string], direction: Direction): boolean =>
  compare.share > 0 || (confirmed && direction === 'reverse');

class RunningStream implements Stream {
  readonly name: string;
  readonly #options: StreamOptions;
  readonly #urls: { readonly source: string; readonly target: string };
  readonly #log: Logger;
  readonly #abort = new AbortController();
  readonly #reporter: Database;
  readonly #source: Database;
  readonly #timer: NodeJS.Timeout;
  readonly #life: Promise<void>;
  readonly #retryPolicy: RetryPolicy;
  #applier: Applier | undefined;
  #pump: Pump | undefined;
  #mapping: Mapping | undefined;
  /** Ends the present reading. */
  #end: (error: Error) => void = () => {};
  /** A piece of the log has been skipped and is being copied again. */
  #lost = false;
  #state: ApplierRow['state'] = 'starting';
  #reason: string | null = null;
  #reporting: Promise<void> | undefined;
  readonly #standstill = new Standstill(performance.now());
  readonly #watching: Promise<void>;

  constructor(options: StreamOptions) {
    const { plan, capability, direction, log } = options;
    this.#options = options;
    this.name = streamName(capability, direction);
    this.#log = log.child({ stream: this.name });
    const monolith = plan.monolith.database!.applier;
    const service = plan.capabilities[capability]!.service.database!.applier;
    const forward = direction === 'forward';
    this.#urls = forward ? { source: monolith, target: service } : { source: service, target: monolith };
    this.#reporter = new Database(this.#urls.target, 'reader', LOOKING);
    this.#source = new Database(this.#urls.source, 'reader', LOOKING);
    this.#retryPolicy = {
      signal: this.#abort.signal,
      isFatal: (error) => error instanceof UndecidedError || error instanceof FatalStreamError,
      onRetry: (error) => {
        if (failureOf(error) !== 'stop') return this.#say(this.#pump ? 'waiting' : 'starting', adviceFor(error));
        if (this.#state !== 'stopped') this.#log.error({ err: error }, 'stream stopped; it goes on when this is fixed');
        this.#say('stopped', adviceFor(error));
      },
      onRecovered: () => this.#say(this.#pump ? 'running' : 'starting', null),
    };
    this.#timer = setInterval(() => this.#report(), REPORT_MS);
    this.#life = this.#live();
    this.#watching = this.#watch();
  }

  status(): Omit<ApplierRow, 'age'> {
    const copying = this.#lost || this.#options.copying();
    const reason = this.#reason ?? (this.#lost ? COPYING_AGAIN : null);
    const stalled = this.#state === 'stopped' ? 0 : this.#standstill.ms;
    return {
      sessionId: this.#applier?.sessionId ?? 0,
      ...(stalled
        ? { state: 'stalled', reason: sayStalled(stalled, reason) }
        : { state: this.#state === 'running' && copying ? 'backfilling' : this.#state, reason }),
      lag: this.#state === 'stopped' ? null : (this.#pump?.lag(SILENCE_MS) ?? null),
    };
  }

  halt(error: ContinuityError): void {
    this.#end(error);
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    clearInterval(this.#timer);
    await this.#life;
    await this.#watching;
    await this.#applier?.close();
    await this.#reporting;
    await this.#reporter.close();
    await this.#source.close();
  }

  async #live(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      try {
        const { mapping, crossReferences } = await retry(() => this.#map(), this.#retryPolicy);
        this.#mapping = mapping;
        const { plan, capability, direction } = this.#options;
        const url = this.#urls.target;
        const group = groupOf(plan, capability);
        this.#applier = new Applier({ capability, direction, mapping, crossReferences, group, url });
        const isByKey = [...mapping.values()].some(({ ownId }) => ownId);
        const keysOfIds = isByKey ? new KeysOfIds(mapping, direction, patiently(this.#source)) : undefined;
        while (!this.#abort.signal.aborted) await this.#read(this.#applier, mapping, keysOfIds);
      } catch (error) {
        if (error instanceof StoppedError) return;
        this.#say('stopped', sayStopped(error as Error));
        this.#log.error({ err: error }, 'stream stopped');
        await this.#applier?.close();
        await this.#fixed(error as Error);
      }
    }
  }

  /** Waits until somebody has dealt with what stopped the stream: the tables agree again, or the loss was skipped. */
  async #fixed(error: Error): Promise<void> {
    const { signal } = this.#abort;
    const aboutTables = error instanceof SchemaChangedError || error instanceof MappingError;
    const used = this.#mapping;
    let stood = this.#applier?.checkpoint;
    while (!signal.aborted) {
      await sleep(POLL_MS, signal);
      if (error instanceof ApplierAheadError) continue; // the other one moves on
      const now = await this.#reporter.use((session) => readCheckpoint(session, this.name)).catch(() => undefined);
      stood ??= now;
      if (now && stood && (now.kafkaOffset !== stood.kafkaOffset || now.position !== stood.position)) {
        this.#standstill.startOver(performance.now());
        return;
      }
      if (!aboutTables) continue;
      const mapping = (await this.#map().catch(() => undefined))?.mapping; // not yet
      if (mapping && (!used || sayMapping(mapping) !== sayMapping(used))) return;
    }
  }

  async #map(): Promise<{ readonly mapping: Mapping; readonly crossReferences: readonly CrossReference[] }> {
    const { plan, capability } = this.#options;
    const [monolith, service] =
      this.#options.direction === 'forward' ? [this.#source, this.#reporter] : [this.#reporter, this.#source];
    return monolith.use((a) =>
      service.use(async (b) => {
        const mapping = await resolveMapping(capability, plan.capabilities[capability]!, a, b);
        return { mapping, crossReferences: await readCrossReferences({ monolith: a, service: b }, mapping) };
      }),
    );
  }

  /** Reads the topic from the checkpoint on, until told to stop or the reader ends by itself. */
  async #read(applier: Applier, mapping: Mapping, keysOfIds: KeysOfIds | undefined): Promise<void> {
    const { plan, capability, direction, hooks, placed } = this.#options;
    const life = new AbortController();
    const retryPolicy = { ...this.#retryPolicy, signal: AbortSignal.any([this.#abort.signal, life.signal]) };
    const checkpoint = await retry(() => applier.start(), retryPolicy);
    await retry(async () => keysOfIds?.startOver(), retryPolicy);
    const pump = new Pump(
      {
        reading: { capability, direction, mapping, keysOfIds },
        applier,
        source: this.#source,
        retryPolicy: retryPolicy,
        hooks,
        placed,
        confirming: isAwaited(plan.capabilities[capability]!, direction),
      },
      checkpoint,
    );
    const ended = Promise.withResolvers<Error>();
    const end = (error: Error) => {
      life.abort(); // at once: nothing that comes after it may be taken
      ended.resolve(error);
    };
    this.#end = end;
    const open = () =>
      openSource({
        brokers: plan.kafka!.brokers,
        topic: direction === 'forward' ? monolithTopic(plan) : serviceTopic(plan, capability),
        reader: `strangler.${plan.name}.${capability}.${direction}`,
        from: BigInt(checkpoint.kafkaOffset),
        onMessages: async (messages) => {
          if (!life.signal.aborted) await pump.take(messages).catch(end);
        },
        onEnd: end,
      });
    // What ends a reading while it is being opened is told by `ended`, or by the stream's own end.
    const close = await retry(open, retryPolicy).catch((error: unknown) => {
      if (!(error instanceof StoppedError)) throw error;
    });
    if (close) {
      this.#pump = pump;
      this.#say('running', null);
    }
    const stopped = once(this.#abort.signal, 'abort').then(() => new StoppedError());
    const error = await (this.#abort.signal.aborted ? new StoppedError() : Promise.race([ended.promise, stopped]));
    await close?.();
    pump.close();
    this.#pump = undefined;
    if (error instanceof StoppedError || retryPolicy.isFatal?.(error)) throw error;
    this.#say('starting', error.message);
  }

  #say(state: ApplierRow['state'], reason: string | null): void {
    if (state === this.#state && reason === this.#reason) return;
    this.#state = state;
    this.#reason = reason;
    if (state !== 'stopped') this.#log.info({ state, reason }, 'stream');
  }

  /** Looks whether it comes any further while its source does. */
  async #watch(): Promise<void> {
    const { signal } = this.#abort;
    let stood = 0;
    while (!signal.aborted) {
      const unbegun = this.#applier?.checkpoint?.tick === 0; // as until the copy is done nobody reads the service’s log
      // A source that is away goes nowhere either.
      const tick = unbegun ? undefined : await this.#source.use(lastTick).catch(() => undefined);
      this.#standstill.look(this.#pump?.place, tick, performance.now());
      const { ms } = this.#standstill;
      if (ms && !stood) this.#log.error({ reason: this.status().reason }, 'stream stalled');
      if (!ms && stood) this.#log.info({ stood }, 'stream goes on');
      stood = ms;
      await sleep(POLL_MS, signal);
    }
  }

  #report(): void {
    this.#reporting ??= this.#reporter
      .use(async (session) => {
        this.#lost = await isLost(session, this.name);
        await reportApplier(session, this.name, this.status());
      })
      .catch(() => {}) // the target is away: the stream itself says so, and the age of the last report shows it
      .finally(() => {
        this.#reporting = undefined;
      });
  }
}
