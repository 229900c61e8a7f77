import { type Checkpoint, type Database, hasHandoff, type OwnershipRow } from '@strangler/ledger';
import type { KafkaMessage } from 'kafkajs';
import type { Applier } from './apply/applier.ts';
import { UndecidedError } from './apply/large-transaction.ts';
import { untilUndecided } from './apply/prepare.ts';
import {
  namesIn,
  referredBy,
  type SourceContext,
  type Step,
  type StreamProgress,
  type Work,
  workOf,
} from './apply/work.ts';
import { collectGarbageAfter } from './collect-garbage.ts';
import { Assembler, type LargeTransaction } from './log/assemble.ts';
import { nextTick } from './log/continuity.ts';
import { isOurs } from './log/ours.ts';
import { decode } from './log/row-change.ts';
import { Spill } from './log/spill.ts';
import { SchemaChangedError } from './mapping/mapping.ts';
import { type RetryPolicy, retry } from './retry.ts';
import { sleep } from './sleep.ts';
import type { TopicPlace } from './standstill.ts';

/** Hears what has been applied, after its commit. */
export type PumpHooks = {
  /** Rows of a backfill. */
  readonly onCopied: (table: string, rows: number) => void;
  /** The last row of a table's backfill. */
  readonly onCopyEnd: (table: string) => void;
  /** Rows an application has changed. */
  readonly onApplied: (rows: number) => void;
};

/** What a pump moves, and how. */
export type PumpOptions = {
  readonly reading: SourceContext;
  readonly applier: Applier;
  /** The source's database, for the outcome of a barrier. */
  readonly source: Database;
  readonly retryPolicy: RetryPolicy;
  readonly hooks: PumpHooks;
  /** Answers wait for ticks to arrive: each is brought into the target at once. */
  readonly confirming: boolean;
  /** True once a crash of Connect cannot leave anything out any more. */
  readonly placed: () => boolean;
};

/** Source transactions are gathered up to this many rows before they are applied together. */
const MOST_ROWS = 4_000;
/** Or up to so many bytes of messages. */
const MOST_BYTES = 4 * 1024 * 1024;
/** How often a stream that applies nothing still moves its checkpoint. */
const IDLE_FLUSH_MS = 5_000;
const OUTCOME_POLL_MS = 20;

/** Moves messages of one topic into one target: decoded, assembled, gathered, applied. */
export class Pump {
  readonly #options: PumpOptions;
  readonly #assembler: Assembler;
  #steps: Step[] = [];
  #rows = 0;
  #bytes = 0;
  #large: LargeTransaction | undefined;
  #tick: number;
  #strict: boolean;
  #tickedAt: number | undefined;
  #progress: StreamProgress;
  #flushed: StreamProgress;
  #flushedAt = Date.now();
  /** How far it has come: the last message that is done with, and the rows of a large transaction gone through since. */
  #done: TopicPlace;
  /** When the last tick came through, and how late: milliseconds. */
  #seen: { readonly at: number; readonly lag: number } | undefined;

  constructor(options: PumpOptions, { position, kafkaOffset, tick }: Checkpoint) {
    this.#options = options;
    this.#assembler = new Assembler(position, BigInt(kafkaOffset), {
      open: () => new Spill(),
      wants: (row) => namesIn(options.reading, row),
    });
    this.#done = { offset: BigInt(kafkaOffset), rows: 0 };
    this.#tick = tick;
    this.#strict = tick !== 0;
    this.#progress = { position, kafkaOffset, tick };
    this.#flushed = this.#progress;
  }

  /** The lag the last tick came with, if one came within `silence` milliseconds; null is unknown. */
  lag(silence: number): number | null {
    return this.#seen && Date.now() - this.#seen.at <= silence ? this.#seen.lag : null;
  }

  /** How far it has come. */
  get place(): TopicPlace {
    return this.#done;
  }

  /** Gives back what it holds. */
  close(): void {
    this.#assembler.close();
  }

  /** Takes messages; on return everything in them is applied. Throws what must stop the stream, and StoppedError. */
  async take(messages: readonly KafkaMessage[]): Promise<void> {
    for (const message of messages) if (await this.#readOrApply(message)) await this.#flush();
    await this.#flush();
    await this.#flushIfIdle();
    const last = messages.at(-1);
    if (last) this.#done = { offset: BigInt(last.offset) + 1n, rows: 0 };
    if (this.#tickedAt === undefined) return;
    this.#seen = { at: Date.now(), lag: Math.max(0, Date.now() - this.#tickedAt) };
    this.#tickedAt = undefined;
  }

  /** Reads one message. What came before a change of the tables is applied before the stream stops, as they were then. */
  async #readOrApply(message: KafkaMessage): Promise<boolean> {
    try {
      return await this.#read(message);
    } catch (error) {
      if (error instanceof SchemaChangedError) await this.#flush();
      throw error;
    }
  }

  /** Reads one message; true if what has gathered should be applied now. */
  async #read(message: KafkaMessage): Promise<boolean> {
    const { value } = message;
    collectGarbageAfter(value?.length ?? 0);
    const unit = this.#assembler.push(decode(value, message.headers ?? {}), BigInt(message.offset), value ?? undefined);
    if (!unit) return false;
    if (unit.kind === 'large') {
      this.#large = unit;
      return true;
    }
    this.#bytes += value?.length ?? 0;
    const { reading, retryPolicy } = this.#options;
    const referred = reading.keysOfIds ? await retry(() => referredBy(reading, unit), retryPolicy) : [];
    const all = [...referred, ...workOf(reading, unit)];
    for (const work of all) if (work.kind === 'tick') this.#ticked(work.n);
    const before = this.#progress;
    this.#progress = this.#reached();
    let now = false;
    for (const [at, work] of all.entries()) {
      if (work.kind === 'tick') this.#tickedAt = work.at;
      else this.#steps.push({ work, progress: at === all.length - 1 ? this.#progress : before });
      this.#rows += rowsOf(work);
      now ||= work.kind === 'handoff' || work.kind === 'correction' || work.kind === 'copied';
    }
    return now || this.#rows >= MOST_ROWS || this.#bytes >= MOST_BYTES;
  }

  #reached(): StreamProgress {
    const { position, resumeFrom } = this.#assembler;
    return { position, kafkaOffset: Number(resumeFrom), tick: this.#tick };
  }

  /** Every tick must follow the one before, except in a source's first life until its place is stored. */
  #ticked(n: number): void {
    this.#tick = this.#strict ? nextTick(this.#tick, n) : n;
    this.#strict ||= this.#options.placed();
  }

  /** Applies what has gathered; behind an undecided barrier it waits, outside of any transaction. */
  async #flush(): Promise<void> {
    const { applier, retryPolicy } = this.#options;
    let steps = this.#steps;
    const large = this.#large;
    this.#steps = [];
    this.#rows = 0;
    this.#bytes = 0;
    this.#large = undefined;
    while (steps.length) {
      const prepared = await retry(() => applier.prepare(steps), retryPolicy);
      const { ready, barrier } = untilUndecided(prepared);
      if (ready.length) {
        const { progress } = ready.at(-1)!.step;
        if (!(await retry(() => applier.commit(ready, progress), retryPolicy))) continue;
        this.#committed(progress, steps.slice(0, ready.length));
      }
      if (!barrier) break;
      await this.#awaitOutcome(barrier);
      steps = steps.slice(ready.length);
    }
    if (large) await this.#applyLarge(large);
  }

  /** Applies a transaction that does not fit into memory; what came before it is applied already. */
  async #applyLarge(large: LargeTransaction): Promise<void> {
    const { applier, retryPolicy, reading, hooks } = this.#options;
    try {
      const ours = isOurs({ ...large, kind: 'transaction', rows: [large.head] });
      const progress = this.#reached();
      this.#progress = progress;
      const reached = (rows: number) => {
        this.#done = { offset: this.#done.offset, rows: Math.max(rows, this.#done.rows) };
      };
      if (ours && !large.rows.wanted) return; // an echo
      for (;;) {
        const done = await retry(() => applier.commitLarge(reading, large, progress, reached), retryPolicy).catch(
          undecided,
        );
        if (done instanceof UndecidedError) await this.#awaitOutcome(done.barrier);
        else if (done) break;
      }
      this.#committed(progress, []);
      if (!ours) hooks.onApplied(large.rows.wanted);
    } finally {
      large.rows.close();
    }
  }

  /** Progress made of our own rows alone is kept in memory: else two appliers would feed each other for ever. */
  async #flushIfIdle(): Promise<void> {
    const progress = this.#progress;
    if (progress === this.#flushed) return;
    const waited = this.#options.confirming && progress.tick > this.#flushed.tick;
    if (!waited && Date.now() - this.#flushedAt < IDLE_FLUSH_MS) return;
    const { applier, retryPolicy } = this.#options;
    if (await retry(() => applier.commit([], progress), retryPolicy)) this.#committed(progress, []);
  }

  #committed(progress: StreamProgress, steps: readonly Step[]): void {
    this.#flushed = progress;
    this.#flushedAt = Date.now();
    const { hooks } = this.#options;
    const copies = new Map<string, number>();
    let rows = 0;
    for (const { work } of steps) {
      if (work.kind === 'changes') rows += work.changes.length;
      if (work.kind === 'copy') copies.set(work.change.table.name, (copies.get(work.change.table.name) ?? 0) + 1);
    }
    for (const [table, count] of copies) hooks.onCopied(table, count);
    for (const { work } of steps) if (work.kind === 'copied') hooks.onCopyEnd(work.table);
    if (rows) hooks.onApplied(rows);
  }

  /** Waits for the grant in the target or the cancel in the source: one of them always comes, or force decides. */
  async #awaitOutcome(barrier: OwnershipRow): Promise<void> {
    const { applier, source, retryPolicy, reading } = this.#options;
    for (;;) {
      const outcome = await retry(() => applier.outcome(barrier.epoch), retryPolicy);
      if (outcome === 'overtaken') return;
      if (outcome === 'granted') return applier.decide(barrier, true);
      const cancelled = await source
        .use((session) => hasHandoff(session, reading.capability, barrier.epoch, 'cancel'))
        .catch(() => false); // the source may be down: then the grant comes
      if (cancelled) return applier.decide(barrier, false);
      await sleep(OUTCOME_POLL_MS, retryPolicy.signal);
    }
  }
}

/** An outcome to be waited for is no failure. */
function undecided(error: unknown): UndecidedError {
  if (error instanceof UndecidedError) return error;
  throw error;
}

function rowsOf(work: Work): number {
  if (work.kind === 'changes') return work.changes.length;
  return work.kind === 'copy' ? 1 : 0;
}
