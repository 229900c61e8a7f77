import { NEXT_STEP } from './continuity.ts';
import { isAfter, sayPosition } from './position.ts';
import type { RowChange, SourceEvent } from './row-change.ts';

/** One whole transaction of the source, in its own order. */
export type SourceTransaction = {
  readonly kind: 'transaction';
  readonly id: string;
  readonly rows: readonly RowChange[];
  readonly position: string;
};

/** What comes out of a source's topic, in order. `read` is a row of a backfill, `copied` the end of a table's copy. */
export type Unit =
  | SourceTransaction
  | { readonly kind: 'read'; readonly row: RowChange }
  | { readonly kind: 'copied'; readonly table: string };

/** The topic does not tell a transaction whole: a piece of the log is missing. The stream must stop. */
export class AssemblyError extends Error {
  constructor(message: string) {
    super(`${message}: a piece of the source's log is missing. ${NEXT_STEP}`);
    this.name = 'AssemblyError';
  }
}

const REMEMBERED = 1_000;

type Open = { readonly first: bigint; readonly rows: Map<number, RowChange> };

/**
 * Puts source transactions together from BEGIN, rows and END. After a crash of Connect they come again, whole or in
 * part, with or without a BEGIN (design.md §5): a row counts once by its number, a transaction once by its position.
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

  /** Starts after the commit position of a checkpoint, at its Kafka offset. */
  constructor(position: string | null, offset: bigint) {
    this.#position = position;
    this.#next = offset;
    this.#joined = position === null && offset > 0n;
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

  /** Takes the event at a Kafka offset; gives what it completes. Throws AssemblyError, ForeignLogError. */
  push(event: SourceEvent, offset: bigint): Unit | undefined {
    this.#next = offset + 1n;
    switch (event.kind) {
      case 'begin':
        this.#opened(event.transaction, offset);
        return undefined;
      case 'row':
        return this.#row(event, offset);
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
    const open = { first: offset, rows: new Map<number, RowChange>() };
    this.#open.set(id, open);
    return open;
  }

  #row(row: RowChange, offset: bigint): Unit | undefined {
    if (row.transaction === null) {
      if (row.op === 'r') return { kind: 'read', row };
      throw new AssemblyError(`a change of ${row.table} belongs to no transaction`);
    }
    const { rows } = this.#opened(row.transaction, offset);
    if (!rows.has(row.order)) rows.set(row.order, row);
    return undefined;
  }

  #end(id: string, count: number, lsn: bigint | null): Unit | undefined {
    const open = this.#open.get(id);
    this.#open.delete(id);
    if (this.#joined && this.#position === null && !open?.rows.has(1)) return undefined;
    if (!open?.rows.size) {
      if (count === 0 || this.#given.has(id)) return undefined;
      if (lsn !== null && !isAfter(`lsn/${lsn}`, this.#position)) return undefined;
      if (open || lsn !== null) throw new AssemblyError(`transaction ${id} came without its ${count} rows`);
      this.#doubtful = { id, count };
      return undefined;
    }
    const rows = [...open.rows.values()].sort((a, b) => a.order - b.order);
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
    for (const [id, { rows }] of this.#open) {
      const row = rows.values().next().value;
      if (row?.place.dialect === 'mysql' && isAfter(sayPosition(row.place), this.#position)) {
        throw new AssemblyError(`transaction ${id} was never completed`);
      }
      this.#open.delete(id);
    }
  }
}

function lastPosition(rows: readonly RowChange[]): string {
  let last = sayPosition(rows[0]!.place);
  for (const row of rows) {
    const position = sayPosition(row.place);
    if (isAfter(position, last)) last = position;
  }
  return last;
}
