import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

/** How much one batch holds at most: rows, and bytes unless one row has more. */
export type BatchSize = { readonly rows: number; readonly bytes: number };

/** A late change that waits for the others of its aggregate: `root` names that. */
export type SpilledChange = { readonly root: string; readonly body: string };

/**
 * A source transaction too large for memory, in a file of its own that vanishes with the process: its messages by their
 * number in the transaction, each once, and later its late changes by aggregate.
 */
export class Spill {
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #insertName: StatementSync;
  readonly #insertLate: StatementSync;
  #closed = false;

  constructor() {
    const folder = mkdtempSync(join(tmpdir(), 'strangler-spill-'));
    this.#database = new DatabaseSync(join(folder, 'rows.sqlite'));
    this.#database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE');
    this.#database.exec(`CREATE TABLE rows (number INTEGER PRIMARY KEY, message BLOB);
      CREATE TABLE names (name TEXT NOT NULL, number INTEGER NOT NULL);
      CREATE INDEX by_name ON names (name);
      CREATE TABLE late (number INTEGER PRIMARY KEY, root TEXT NOT NULL, body TEXT NOT NULL)`);
    rmSync(folder, { recursive: true }); // the open file lives on until it is closed
    this.#insert = this.#database.prepare('INSERT OR IGNORE INTO rows (number, message) VALUES (?, ?)');
    this.#insertName = this.#database.prepare('INSERT INTO names (name, number) VALUES (?, ?)');
    this.#insertLate = this.#database.prepare('INSERT INTO late (root, body) VALUES (?, ?)');
    this.#database.exec('BEGIN');
  }

  /** Keeps a message; null for one whose content nobody wants. `names`: what rows it can be found by. */
  add(number: number, message: Buffer | null, names: readonly string[] = []): void {
    const { changes } = this.#insert.run(number, message);
    if (changes) for (const name of names) this.#insertName.run(name, number);
  }

  has(number: number): boolean {
    return this.#database.prepare('SELECT 1 FROM rows WHERE number = ?').get(number) !== undefined;
  }

  /** How many numbers there are, wanted or not. */
  get size(): number {
    return Number(this.#database.prepare('SELECT COUNT(*) AS n FROM rows').get()!.n);
  }

  /** How many messages somebody wants. */
  get wanted(): number {
    return Number(this.#database.prepare('SELECT COUNT(*) AS n FROM rows WHERE message IS NOT NULL').get()!.n);
  }

  /** The wanted messages in the order of their numbers. */
  *batches(size: BatchSize): Generator<Buffer[]> {
    const rows = this.#database.prepare('SELECT message FROM rows WHERE message IS NOT NULL ORDER BY number').iterate();
    yield* gather(
      rows,
      size,
      (row) => Buffer.from(row.message as Uint8Array),
      ({ length }) => length,
    );
  }

  /** The newest message that carries a row of this name. */
  find(name: string): Buffer | undefined {
    const found = this.#database
      .prepare('SELECT message FROM names JOIN rows USING (number) WHERE name = ? ORDER BY number DESC LIMIT 1')
      .get(name);
    return found && Buffer.from(found.message as Uint8Array);
  }

  addLate({ root, body }: SpilledChange): void {
    this.#insertLate.run(root, body);
  }

  /** Forgets the late changes: the transaction is applied again. */
  clearLate(): void {
    this.#database.exec('DELETE FROM late');
  }

  /** The late changes, whole aggregates together, in the order in which the aggregates first came. */
  *lateBatches(size: BatchSize): Generator<string[]> {
    const rows = this.#database
      .prepare('SELECT root, body, MIN(number) OVER (PARTITION BY root) AS first FROM late ORDER BY first, number')
      .iterate();
    let batch: string[] = [];
    let characters = 0;
    let last: unknown;
    for (const { root, body } of rows) {
      if (root !== last && batch.length && (batch.length >= size.rows || characters >= size.bytes)) {
        yield batch;
        batch = [];
        characters = 0;
      }
      last = root;
      batch.push(String(body));
      characters += String(body).length;
    }
    if (batch.length) yield batch;
  }

  /** Gives the file back. Safe to call twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#database.close();
  }
}

function* gather<R, T>(
  all: Iterable<R>,
  size: BatchSize,
  read: (row: R) => T,
  weigh: (item: T) => number,
): Generator<T[]> {
  let batch: T[] = [];
  let bytes = 0;
  for (const row of all) {
    const item = read(row);
    batch.push(item);
    bytes += weigh(item);
    if (batch.length < size.rows && bytes < size.bytes) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length) yield batch;
}
