import { CAPTURED, type Dialect, type Session, type Value } from '@strangler/ledger';
import { readStatement, type Stored } from './statement.ts';

/** One captured change of a row, as a log tells it. */
export type Logged = { readonly table: string; readonly before: Stored | null; readonly after: Stored | null };

/** One transaction in a database's log. */
export type LogEntry = {
  /** True if it carries the native sign of being ours. */
  readonly ours: boolean;
  readonly rows: readonly Logged[];
};

/** A database at rest: what it holds, and the part of its log that its stream may still read. */
export type Database = {
  readonly tables: Readonly<Record<string, readonly Stored[]>>;
  /** The number of the log's first entry; each entry's own is one more than the one before it. */
  readonly first: number;
  readonly log: readonly LogEntry[];
};

/** What tables have besides rows. */
type TableRules = {
  /** Columns that name a row; no two rows agree in all of them. */
  readonly key: readonly string[];
  /** Another set of columns in which no two rows may agree. */
  readonly unique?: readonly string[];
};

/** Tables of which only the log matters: nobody reads them. */
const WRITE_ONLY = ['strangler_correction', 'strangler_record'];

/** Statements about locks, of which nothing is seen where a transaction is one step. */
const LOCKS = /^SET (CONSTRAINTS|SESSION|LOCAL) |^SELECT pg_advisory_xact_lock\(|^UPDATE strangler_fence /;
/** Counters of what is kept: what is explored asks what is kept, not how often. */
const COUNTERS = /^INSERT INTO strangler_cause /;
/** How long the session waits for one, which it is told to wait again. */
const LOCK_LIMIT = /^SELECT (@@SESSION\.innodb_lock_wait_timeout|current_setting\('lock_timeout'\)) AS was$/;

/** The error of a row that breaks a key, as Postgres' driver throws it. */
class UniqueViolation extends Error {
  readonly code = '23505';
}

/** A database that transactions are running on. */
export class Working {
  readonly dialect: Dialect;
  readonly #rules: Readonly<Record<string, TableRules>>;
  readonly #captured: ReadonlySet<string>;
  #tables: Record<string, readonly Stored[]>;
  #log: LogEntry[];
  readonly #first: number;
  #open: Logged[] | undefined;

  constructor(dialect: Dialect, rules: Readonly<Record<string, TableRules>>, { tables, first, log }: Database) {
    this.dialect = dialect;
    this.#rules = rules;
    this.#captured = new Set([...CAPTURED, ...Object.keys(rules)]);
    this.#tables = { ...tables };
    this.#first = first;
    this.#log = [...log];
  }

  /** What it is after the transactions that were committed. */
  get database(): Database {
    return { tables: this.#tables, first: this.#first, log: this.#log };
  }

  rows(table: string): readonly Stored[] {
    return this.#tables[table] ?? [];
  }

  /** Replaces one row by another; null is none. Throws when a key is taken. */
  change(table: string, before: Stored | null, after: Stored | null): void {
    const rest = this.rows(table).filter((row) => row !== before);
    const rules = this.#rules[table];
    for (const columns of rules ? [rules.key, ...(rules.unique ? [rules.unique] : [])] : []) {
      if (after && rest.some((row) => columns.every((column) => row[column] === after[column]))) {
        throw new UniqueViolation(`${table}: (${columns.join(', ')}) is taken`);
      }
    }
    if (!WRITE_ONLY.includes(table)) this.#tables[table] = after ? sorted([...rest, after]) : rest;
    if (!this.#captured.has(table)) return;
    // Where an applier stands tells its own stream alone; in the other one’s log it is but a sign.
    this.#open!.push(table === 'strangler_checkpoint' ? { table, before: {}, after: {} } : { table, before, after });
  }

  /** One transaction; nothing has happened when it throws. */
  async transaction<T>(ours: boolean, work: () => Promise<T>): Promise<T> {
    if (this.#open) throw new Error('a transaction is open already');
    const before = { ...this.#tables };
    const rows: Logged[] = [];
    this.#open = rows;
    try {
      const result = await work();
      if (rows.length) this.#log.push({ ours, rows });
      return result;
    } catch (error) {
      this.#tables = before;
      throw error;
    } finally {
      this.#open = undefined;
    }
  }

  /** A session of ours: it understands the ledger's statements. */
  session(): Session {
    const savepoints: { tables: Record<string, readonly Stored[]>; logged: number }[] = [];
    const query = async <Row>(sql: string, values: readonly Value[] = []) => {
      if (/^SAVEPOINT /.test(sql)) savepoints.push({ tables: { ...this.#tables }, logged: this.#open!.length });
      else if (/^RELEASE SAVEPOINT /.test(sql)) savepoints.pop();
      else if (/^ROLLBACK TO SAVEPOINT /.test(sql)) {
        const { tables, logged } = savepoints.at(-1)!; // it stays until it is released
        this.#tables = tables;
        this.#open!.length = logged;
      } else if (LOCK_LIMIT.test(sql)) return { rows: [{ was: 0 }] as Row[], affected: 0 };
      else if (LOCKS.test(sql) || COUNTERS.test(sql)) return { rows: [] as Row[], affected: 0 };
      else return this.#run<Row>(sql, values);
      return { rows: [] as Row[], affected: 0 };
    };
    const alone: Session['query'] = (sql, values) =>
      this.#open ? query(sql, values) : this.transaction(true, () => query(sql, values));
    return {
      dialect: this.dialect,
      id: 1,
      usable: true,
      query: alone,
      transaction: (work) => this.transaction(true, work),
      close: async () => {},
    };
  }

  #run<Row>(sql: string, values: readonly Value[]) {
    const statement = readStatement(sql);
    const { rows, changes } = statement.run(this.rows(statement.table), values);
    for (const { before, after } of changes) {
      if (after && !before && this.#isTold(statement.table, after)) continue;
      this.change(statement.table, before, after && !before ? this.#numbered(statement.table, after) : after);
    }
    return { rows: rows as Row[], affected: changes.length };
  }

  /** That a row was overwritten is told once, or worlds that are alike would be told apart by how it came about. */
  #isTold(table: string, { status, row_key, table_name }: Stored): boolean {
    if (table !== 'strangler_quarantine' || status !== 'kept') return false;
    return this.rows(table).some(
      (row) => row.status === 'kept' && row.row_key === row_key && row.table_name === table_name,
    );
  }

  /** Ids that the database or chance would give; of what was overwritten, only that it was. */
  #numbered(table: string, row: Stored): Stored {
    if (table === 'strangler_quarantine' && row.status === 'kept') {
      const { status, cause, table_name, row_key } = row as Record<string, Value>;
      return { id: 0, status: status!, cause: cause!, table_name: table_name!, row_key: row_key! };
    }
    if (table === 'strangler_quarantine') return { id: this.rows(table).length + 1, ...row };
    return table === 'strangler_correction' ? { ...row, id: 'some' } : row;
  }
}

/** Rows in one order, so that equal tables are equal texts. */
const sorted = (rows: Stored[]): Stored[] =>
  rows
    .map((row) => ({ row, text: JSON.stringify(row) }))
    .sort((a, b) => (a.text < b.text ? -1 : 1))
    .map(({ row }) => row);
