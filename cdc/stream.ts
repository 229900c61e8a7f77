import { type ApplierRow, Database, hasHandoff, type OwnershipRow, reportApplier } from '@strangler/ledger';
import { type Direction, groupOf, monolithTopic, type Plan, serviceTopic, sourceOf, streamName } from '@strangler/plan';
import type { KafkaMessage } from 'kafkajs';
import type { Logger } from 'pino';
import { Applier } from './applier.ts';
import { Assembler, AssemblyError } from './assemble.ts';
import { ContinuityError, nextTick } from './continuity.ts';
import { openSource } from './kafka-source.ts';
import { UnconvertibleError } from './kinds.ts';
import { MappingError, resolveMapping } from './mapping.ts';
import { patience } from './patience.ts';
import { ForeignLogError } from './position.ts';
import { decode, UndecodableError } from './row-change.ts';
import { SignsDisagreeError } from './signs.ts';
import { type Progress, type Step, workOf } from './steps.ts';
import { ApplierAheadError } from './target-transaction.ts';
import { UnknownUserError } from './users.ts';

/** What a stream tells whoever watches it. */
export type StreamHooks = {
  /** Rows of a backfill have been applied. */
  readonly copied?: (table: string, rows: number) => void;
  /** The last row of a table's backfill has been applied. */
  readonly copyEnded?: (table: string) => void;
  /** Changes have been applied. */
  readonly applied?: (rows: number) => void;
};

/** One direction of one capability's sync, running. */
export interface Stream {
  readonly name: string;
  status(): Omit<ApplierRow, 'age'>;
  stop(): Promise<void>;
}

/** Which stream to start. */
export type StreamOptions = {
  readonly plan: Plan;
  readonly capability: string;
  readonly direction: Direction;
  readonly log: Logger;
  readonly hooks?: StreamHooks;
};

const REPORT_EVERY = 500;
const IDLE_FLUSH = 5_000;
const SILENCE = 5_000;
const OUTCOME_POLL = 20;
const MAX_ROWS = 4_000;

/** Errors after which nothing may be applied until a person has looked. */
const LOUD = [
  ApplierAheadError,
  AssemblyError,
  ContinuityError,
  ForeignLogError,
  MappingError,
  SignsDisagreeError,
  UnconvertibleError,
  UndecodableError,
  UnknownUserError,
];

/** Starts a stream: its source's topic, read from its checkpoint on, into its target. Gives it at once. */
export function startStream(options: StreamOptions): Stream {
  return new RunningStream(options);
}

class RunningStream implements Stream {
  readonly name: string;
  readonly #options: StreamOptions;
  readonly #log: Logger;
  readonly #abort = new AbortController();
  readonly #reporter: Database;
  readonly #source: Database;
  readonly #timer: NodeJS.Timeout;
  readonly #life: Promise<void>;
  #applier: Applier | undefined;
  #assembler = new Assembler(null, 0n);
  #steps: Step[] = [];
  #rows = 0;
  #tick = 0;
  #progress: Progress = { position: null, kafkaOffset: 0, tick: 0 };
  #flushedAt = Date.now();
  #flushed: Progress | undefined;
  #state: ApplierRow['state'] = 'starting';
  #reason: string | null = null;
  #lag: number | null = null;
  #tickSeen = 0;
  #reporting = false;
  #closeSource: () => Promise<void> = async () => {};

  constructor(options: StreamOptions) {
    this.#options = options;
    this.name = streamName(options.capability, options.direction);
    this.#log = options.log.child({ stream: this.name });
    const { monolith, service } = this.#addresses();
    const forward = sourceOf(options.direction) === 'monolith';
    this.#reporter = new Database(forward ? service : monolith, 'reader');
    this.#source = new Database(forward ? monolith : service, 'reader');
    this.#timer = setInterval(() => void this.#report(), REPORT_EVERY);
    this.#life = this.#live();
  }

  status(): Omit<ApplierRow, 'age'> {
    const silent = Date.now() - this.#tickSeen > SILENCE;
    return {
      sessionId: this.#applier?.sessionId ?? 0,
      state: this.#state,
      reason: this.#reason,
      lag: silent || this.#state === 'stopped' ? null : this.#lag,
    };
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    clearInterval(this.#timer);
    await this.#life;
    await this.#closeSource();
    await this.#applier?.close();
    await this.#reporter.close();
    await this.#source.close();
  }

  #addresses(): { monolith: string; service: string } {
    const { plan, capability } = this.#options;
    return {
      monolith: plan.monolith.database!.applier,
      service: plan.capabilities[capability]!.service.database!.applier,
    };
  }

  async #live(): Promise<void> {
    const { plan, capability, direction } = this.#options;
    await this.#persist('starting', async () => {
      const applier = this.#applier ?? (await this.#openApplier());
      const checkpoint = await applier.start();
      this.#progress = { position: checkpoint.position, kafkaOffset: checkpoint.kafkaOffset, tick: checkpoint.tick };
      this.#flushed = this.#progress;
      this.#tick = checkpoint.tick;
      this.#assembler = new Assembler(checkpoint.position, BigInt(checkpoint.kafkaOffset));
      this.#steps = [];
      this.#rows = 0;
      this.#closeSource = await openSource({
        brokers: plan.kafka!.brokers,
        topic: direction === 'forward' ? monolithTopic(plan) : serviceTopic(plan, capability),
        reader: `strangler.${plan.name}.${capability}.${direction}`,
        from: BigInt(checkpoint.kafkaOffset),
        take: (messages, heartbeat) => this.#take(messages, heartbeat),
        ended: (error) => {
          this.#say('waiting', error.message);
          void this.#live();
        },
      });
      this.#say('running', null);
    });
  }

  async #openApplier(): Promise<Applier> {
    const { plan, capability, direction } = this.#options;
    const { monolith, service } = this.#addresses();
    const one = new Database(monolith, 'reader');
    const two = new Database(service, 'reader');
    try {
      const mapping = await one.use((a) =>
        two.use((b) => resolveMapping(capability, plan.capabilities[capability]!, a, b)),
      );
      const url = direction === 'forward' ? service : monolith;
      this.#applier = new Applier({ capability, direction, mapping, group: groupOf(plan, capability), url });
      this.#mapping = mapping;
      return this.#applier;
    } finally {
      await one.close();
      await two.close();
    }
  }
  #mapping: Awaited<ReturnType<typeof resolveMapping>> = new Map();

  /** Takes one batch of messages; on return everything in it is applied, or the stream has stopped. */
  async #take(messages: readonly KafkaMessage[], heartbeat: () => Promise<void>): Promise<void> {
    if (this.#state === 'stopped' || this.#abort.signal.aborted) return;
    try {
      for (const message of messages) {
        if (this.#read(message)) await this.#flush(heartbeat);
        if (this.#abort.signal.aborted) return;
      }
      await this.#flush(heartbeat);
      await heartbeat().catch(() => {});
    } catch (error) {
      this.#stopLoudly(error as Error);
    }
  }

  /** Reads one message; true if what has gathered should be applied now. */
  #read(message: KafkaMessage): boolean {
    const { capability, direction } = this.#options;
    const unit = this.#assembler.push(decode(message.value), BigInt(message.offset));
    if (!unit) return false;
    let now = false;
    const all = workOf({ capability, direction, mapping: this.#mapping }, unit);
    for (const [at, work] of all.entries()) {
      if (work.kind === 'tick') {
        this.#tick = nextTick(this.#tick, work.n);
        this.#tickSeen = Date.now();
        this.#lag = Math.max(0, this.#tickSeen - work.at);
        continue;
      }
      this.#steps.push({ work, progress: at === all.length - 1 ? this.#here() : this.#progress });
      if (work.kind === 'changes') this.#rows += work.changes.length;
      if (work.kind === 'copy') this.#rows += 1;
      now ||= work.kind === 'handoff' || work.kind === 'correction' || work.kind === 'copied';
    }
    this.#progress = this.#here();
    return now || this.#rows >= MAX_ROWS;
  }

  #here(): Progress {
    return {
      position: this.#assembler.position,
      kafkaOffset: Number(this.#assembler.resumeFrom),
      tick: this.#tick,
    };
  }

  /** Applies what has gathered; behind an undecided barrier it waits, outside of any transaction. */
  async #flush(heartbeat: () => Promise<void>): Promise<void> {
    const applier = this.#applier!;
    let steps = this.#steps;
    this.#steps = [];
    this.#rows = 0;
    while (steps.length) {
      const prepared = await this.#persist('waiting', () => applier.prepare(steps), heartbeat);
      const stuck = prepared.findIndex(({ undecided }) => undecided);
      const ready = stuck < 0 ? prepared : prepared.slice(0, stuck);
      if (ready.length) {
        const { progress } = ready.at(-1)!.step;
        await this.#persist('waiting', () => applier.commit(ready, progress), heartbeat);
        this.#committed(
          progress,
          ready.map(({ step }) => step),
        );
      }
      if (stuck < 0) break;
      await this.#awaitOutcome(prepared[stuck]!.undecided!, heartbeat);
      steps = steps.slice(stuck);
    }
    const progress = this.#progress;
    if (Date.now() - this.#flushedAt < IDLE_FLUSH || progress === this.#flushed) return;
    await this.#persist('waiting', () => applier.commit([], progress), heartbeat);
    this.#committed(progress, []);
  }

  #committed(progress: Progress, steps: readonly Step[]): void {
    this.#flushed = progress;
    this.#flushedAt = Date.now();
    const { hooks } = this.#options;
    const copies = new Map<string, number>();
    let rows = 0;
    for (const { work } of steps) {
      if (work.kind === 'changes') rows += work.changes.length;
      if (work.kind === 'copy') copies.set(work.change.table.name, (copies.get(work.change.table.name) ?? 0) + 1);
    }
    for (const [table, count] of copies) hooks?.copied?.(table, count);
    for (const { work } of steps) if (work.kind === 'copied') hooks?.copyEnded?.(work.table);
    if (rows) hooks?.applied?.(rows);
  }

  /** Waits for the grant in the target or the cancel in the source: one of them always comes. */
  async #awaitOutcome(barrier: OwnershipRow, heartbeat: () => Promise<void>): Promise<void> {
    const { capability } = this.#options;
    for (let beat = Date.now(); ; await patience(OUTCOME_POLL, this.#abort.signal)) {
      const granted = await this.#persist('waiting', () => this.#applier!.granted(barrier.epoch), heartbeat);
      if (granted) return this.#applier!.decide(barrier, false);
      const cancelled = await this.#source
        .use((session) => hasHandoff(session, capability, barrier.epoch, 'cancel'))
        .catch(() => false); // the source may be down: then the grant comes
      if (cancelled) return this.#applier!.decide(barrier, true);
      if (Date.now() - beat > 1_000) {
        beat = Date.now();
        await heartbeat().catch(() => {});
      }
    }
  }

  /** Does something until it works; only errors that a person must look at come through. */
  async #persist<T>(
    meanwhile: 'starting' | 'waiting',
    task: () => Promise<T>,
    heartbeat?: () => Promise<void>,
  ): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        const result = await task();
        if (attempt > 0) this.#say('running', null);
        return result;
      } catch (error) {
        if (this.#abort.signal.aborted) return undefined as T;
        if (LOUD.some((kind) => error instanceof kind)) {
          if (meanwhile === 'waiting') throw error;
          this.#stopLoudly(error as Error);
          return undefined as T;
        }
        this.#say(meanwhile, (error as Error).message || String(error));
        await heartbeat?.().catch(() => {});
        await patience(Math.min(2_000, 20 * 2 ** Math.min(attempt, 7)), this.#abort.signal);
      }
    }
  }

  #stopLoudly(error: Error): void {
    if (this.#abort.signal.aborted) return;
    this.#say('stopped', error.message);
    this.#log.error({ err: error }, 'stream stopped');
    void this.#closeSource();
  }

  #say(state: ApplierRow['state'], reason: string | null): void {
    if (this.#state === 'stopped' || (state === this.#state && reason === this.#reason)) return;
    this.#state = state;
    this.#reason = reason;
    if (state !== 'stopped') this.#log.info({ state, reason }, 'stream');
  }

  async #report(): Promise<void> {
    if (this.#reporting) return;
    this.#reporting = true;
    try {
      await this.#reporter.use((session) => reportApplier(session, this.name, this.status()));
    } catch {
      // the target is away: the stream itself says so, and the age of the last report shows it
    } finally {
      this.#reporting = false;
    }
  }
}
