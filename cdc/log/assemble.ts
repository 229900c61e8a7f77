import { FatalStreamError } from '../fatal-stream-error.ts';
import { NEXT_STEP } from './continuity.ts';
import { isAfter, sayPosition } from './position.ts';
import type { RowChange, SourceEvent } from './row-change.ts';
import type { Spill } from './spill.ts';

/** One whole transaction of the source, in its own order. */
export type SourceTransaction = {
  readonly kind: 'transaction';
  readonly id: string;
  readonly rows: readonly RowChange[];
  readonly position: string;
};

/** One whole transaction too large for memory: `rows` holds the messages of those rows that somebody wants. */
export type LargeTransaction = {
  readonly kind: 'large';
  readonly id: string;
  /** Its first captured row. */
  readonly head: RowChange;
  readonly rows: Spill;
  readonly position: string;
};

/** What comes out of a source's topic, in order. `read` is a row of a backfill, `copied` the end of a table's copy. */
export type Unit =
  | SourceTransaction
  | LargeTransaction
  | { readonly kind: 'read'; readonly row: RowChange }
  | { readonly kind: 'copied'; readonly table: string };

/** The topic does not tell a transaction whole: a piece of the log is missing. The stream must stop. */
export class AssemblyError extends FatalStreamError {
  constructor(message: string) {
    super(`${message}: a piece of the source's log is missing. ${NEXT_STEP}`);
    this.name = 'AssemblyError';
  }
}

const REMEMBERED = 1_000;

/** How transactions too large for memory are kept aside. */
export type Spilling = {
  readonly open: () => Spill;
  /** What a row of a large transaction can be found by; undefined if nobody wants its content. */
  readonly wants: (row: RowChange) => readonly string[] | undefined;
};

type Row = { readonly row: RowChange; readonly message: Buffer };
type Open = {
  readonly first: bigint;
  /** Begun before this stream knew any position: it may be what a crash cut short, and repeats come before it comes again. */
  readonly unplaced: boolean;
  readonly rows: Map<number, Row>;
  bytes: number;
  large?: Large;
};
type Large = { readonly spill: Spill; head: RowChange; position: string };

/** A transaction with more than this goes to a file. */
const MOST_ROWS = 5_000;
const MOST_BYTES = 16 * 1024 * 1024;

/**
 * Puts source transactions together from BEGIN, rows and END. After a crash of Connect they come again, whole or in
 * part, with or without a BEGIN (docs/how-it-works.md#assembly): a row counts once by its number, a transaction once by its position.
 */
export class Assembler {
  readonly #open = new Map<string, Open>();
  /** The last ones given out, oldest first: a repeat may be an END alone, which says no position in MySQL. */
  readonly #given = new Set<string>();
  /** An END alone that this life knows nothing of: what comes after it tells whether it was a repeat. */
  #doubtful: { readonly id: string; readonly count: number } | undefined;
  #position: string | null;
  #next: bigint;
  /** Begun in the middle of the topic, maybe of a transaction: what came before does not matter (`strangler recopy`). */
  readonly #joined: boolean;
  readonly #spilling: Spilling | undefined;

  /** Starts after the commit position of a checkpoint, at its Kafka offset. Without `spilling` everything is in memory. */
  constructor(position: string | null, offset: bigint, spilling?: Spilling) {
    this.#position = position;
    this.#next = offset;
    this.#joined = position === null && offset > 0n;
    this.#spilling = spilling;
  }

  /** The commit position of the last transaction given out. */
  get position(): string | null {
    return this.#position;
  }

  /** The Kafka offset to start from again: the first record of the oldest transaction not given out. */
  get resumeFrom(): bigint {
    let oldest = this.#next;
    for (const { first } of this.#open.values()) if (first < oldest) oldest = first;
    return oldest;
  }

  /** Takes the event of a message at a Kafka offset; gives what it completes. Throws AssemblyError, ForeignLogError. */
  push(event: SourceEvent, offset: bigint, message: Buffer = EMPTY): Unit | undefined {
    this.#next = offset + 1n;
    switch (event.kind) {
      case 'begin':
        this.#opened(event.transaction, offset);
        return undefined;
      case 'row':
        return this.#row(event, offset, message);
      case 'end':
        return this.#end(event.transaction, event.count, event.lsn);
      case 'copied':
        return event;
      default:
        return undefined;
    }
  }

  #opened(id: string, offset: bigint): Open {
    const known = this.#open.get(id);
    if (known) return known;
    const unplaced = this.#joined && this.#position === null;
    const open: Open = { first: offset, unplaced, rows: new Map(), bytes: 0 };
    this.#open.set(id, open);
    return open;
  }

  #row(row: RowChange, offset: bigint, message: Buffer): Unit | undefined {
    if (row.transaction === null) {
      if (row.op === 'r') return { kind: 'read', row };
      throw new AssemblyError(`a change of ${row.table} belongs to no transaction`);
    }
    const open = this.#opened(row.transaction, offset);
    if (open.large) this.#spill(open.large, row, message);
    else if (!open.rows.has(row.order)) {
      open.rows.set(row.order, { row, message });
      open.bytes += message.length;
      if (this.#spilling && (open.rows.size > MOST_ROWS || open.bytes > MOST_BYTES))
        this.#enlarge(open, this.#spilling);
    }
    return undefined;
  }

  /** From now on the transaction is in a file. */
  #enlarge(open: Open, { open: openSpill }: Spilling): void {
    const { row } = open.rows.values().next().value!;
    open.large = { spill: openSpill(), head: row, position: sayPosition(row.place) };
    for (const one of open.rows.values()) this.#spill(open.large, one.row, one.message);
    open.rows.clear();
  }

  #spill(large: Large, row: RowChange, message: Buffer): void {
    const names = this.#spilling!.wants(row);
    large.spill.add(row.order, names ? message : null, names);
    if (row.order < large.head.order) large.head = row;
    const position = sayPosition(row.place);
    if (isAfter(position, large.position)) large.position = position;
  }

  #end(id: string, count: number, lsn: bigint | null): Unit | undefined {
    const open = this.#open.get(id);
    this.#open.delete(id);
    if (this.#joined && this.#position === null && !beginsAtOne(open)) return drop(open);
    if (open?.large) return this.#endLarge(id, open.large, count, lsn);
    if (!open?.rows.size) {
      if (count === 0 || this.#given.has(id)) return undefined;
      if (lsn !== null && !isAfter(`lsn/${lsn}`, this.#position)) return undefined;
      if (open || lsn !== null) throw new AssemblyError(`transaction ${id} came without its ${count} rows`);
      this.#doubtful = { id, count };
      return undefined;
    }
    const rows = [...open.rows.values()].map(({ row }) => row).sort((a, b) => a.order - b.order);
    const position = lsn === null ? lastPosition(rows) : `lsn/${lsn}`;
    const repeated = !isAfter(position, this.#position);
    this.#decide(repeated);
    if (repeated) return undefined;
    if (rows.length !== count) {
      throw new AssemblyError(`transaction ${id} has ${rows.length} of its ${count} rows`);
    }
    this.#position = position;
    this.#remember(id);
    this.#forgetInterrupted();
    return { kind: 'transaction', id, rows, position };
  }

  #endLarge(id: string, { spill, head, position: last }: Large, count: number, lsn: bigint | null): Unit | undefined {
    const position = lsn === null ? last : `lsn/${lsn}`;
    const repeated = !isAfter(position, this.#position);
    this.#decide(repeated);
    const { size } = spill;
    if (repeated || size !== count) spill.close();
    if (repeated) return undefined;
    if (size !== count) throw new AssemblyError(`transaction ${id} has ${size} of its ${count} rows`);
    this.#position = position;
    this.#remember(id);
    this.#forgetInterrupted();
    return { kind: 'large', id, head, rows: spill, position };
  }

  /** Gives back what large transactions hold that have not come to their end. */
  close(): void {
    for (const open of this.#open.values()) drop(open);
    this.#open.clear();
  }

  /**
   * An END alone was a repeat if a repeat follows it. If something new follows, it was the last one applied before this
   * life, or a transaction whose rows are gone; the last one of this life is remembered, so then it is the latter.
   */
  #decide(repeated: boolean): void {
    const doubtful = this.#doubtful;
    this.#doubtful = undefined;
    if (!doubtful || repeated || !this.#given.size) return;
    throw new AssemblyError(`transaction ${doubtful.id} came without its ${doubtful.count} rows`);
  }

  #remember(id: string): void {
    this.#given.add(id);
    if (this.#given.size > REMEMBERED) this.#given.delete(this.#given.values().next().value!);
  }

  /** Commits come in order, so whatever was begun before the one just given out was a repeat cut short. */
  #forgetInterrupted(): void {
    for (const [id, open] of this.#open) {
      const row = open.large?.head ?? open.rows.values().next().value?.row;
      if (row?.place.dialect === 'mysql' && isAfter(sayPosition(row.place), this.#position)) {
        if (open.unplaced) continue;
        throw new AssemblyError(`transaction ${id} was never completed`);
      }
      this.#open.delete(id);
      drop(open);
    }
  }
}

const EMPTY = Buffer.alloc(0);

const beginsAtOne = (open: Open | undefined): boolean => (open?.large ? open.large.spill.has(1) : !!open?.rows.has(1));

const drop = (open: Open | undefined): undefined => open?.large?.spill.close() as undefined;

function lastPosition(rows: readonly RowChange[]): string {
  let last = sayPosition(rows[0]!.place);
  for (const row of rows) {
    const position = sayPosition(row.place);
    if (isAfter(position, last)) last = position;
  }
  return last;
}
