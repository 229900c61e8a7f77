import type { Session } from '@strangler/ledger';
import { type Direction, type Side, sourceOf } from '@strangler/plan';
import type { Image, RowChange } from '../log/row-change.ts';
import { asStored, goneId, type KeyOfId } from '../mapping/captured-row.ts';
import {
  columnOf,
  keyOf,
  type MappedColumn,
  type MappedTable,
  type Mapping,
  type Row,
  tableOfChange,
} from '../mapping/mapping.ts';
import { canonical } from '../mapping/value-kinds.ts';
import { openStore } from './open-store.ts';
import { identityOf } from './places.ts';
import { openPlainStore } from './row-store.ts';

/** Rows shared by key as the source has them, for a target that may not have them yet. */
export type ReferredRows = { readonly table: MappedTable; readonly rows: readonly Row[] };

/** Asks the source's database; undefined if it has not answered for too long to be waited for. */
export type AskSource = <T>(task: (session: Session) => Promise<T>) => Promise<T | undefined>;

/** What is known of an id. */
type Known = {
  readonly key: string;
  /** The target has heard of the row from the log, or was given it to keep. */
  readonly told: boolean;
  /** The row as the source's database had it when it was asked; null if it had none. */
  readonly row?: Row | null;
};
type KnownIds = Map<MappedTable, Map<string, Known>>;

/** So many ids of a table are remembered; the oldest are asked for again. */
const MOST = 100_000;
const PAGE = 5_000;

/**
 * What the ids of rows shared by key stand for on the source of a stream: as its log tells it, row by row, else as its
 * database has it.
 */
export class KeysOfIds {
  readonly #mapping: Mapping;
  readonly #direction: Direction;
  readonly #side: Side;
  readonly #ask: AskSource;
  #known: KnownIds = new Map();
  /** By row that refers: what its ids stood for there. */
  readonly #then = new WeakMap<RowChange, KnownIds>();
  /** What was known before the present large transaction. */
  #before: { readonly transaction: string; readonly known: KnownIds } | undefined;
  #isRead = false;

  constructor(mapping: Mapping, direction: Direction, ask: AskSource) {
    this.#mapping = mapping;
    this.#direction = direction;
    this.#side = sourceOf(direction);
    this.#ask = ask;
  }

  /** What ids stood for when a row was written that `learn` was given. */
  readonly of =
    (row: RowChange): KeyOfId =>
    (parent, id) =>
      (this.#then.get(row) ?? this.#known).get(parent)?.get(id)?.key ?? goneId(id, this.#side);

  /**
   * Before the log is read from an earlier place on: what it has told the target is told again. The first time the ids that
   * are there are read, because the log may tell of a row's end before anybody has asked for it. Throws the driver's errors.
   */
  async startOver(): Promise<void> {
    for (const keys of this.#known.values())
      for (const [id, known] of keys) if (known.told) keys.set(id, { ...known, told: false });
    if (this.#isRead) return;
    for (const table of this.#mapping.values()) if (table.ownId) await this.#readAll(table);
    this.#isRead = true;
  }

  async #readAll(table: MappedTable): Promise<void> {
    const { name } = table.ownId!.column;
    let after: Row | null = null;
    for (let read = 0; read < MOST; read += PAGE) {
      const from: Row | null = after;
      const rows: readonly Row[] =
        (await this.#ask((session) => openPlainStore(session, identityOf(table), this.#side).page(from, PAGE))) ?? [];
      for (const row of rows) this.#remember(table, row[name]!, { key: keyOf(table, row), told: false });
      if (rows.length < PAGE) return;
      after = rows.at(-1)!;
    }
  }

  /** Goes back to what was known before a large transaction, if this is another try of the same. */
  beginLarge(transaction: string): void {
    if (this.#before?.transaction === transaction) this.#known = copyOf(this.#before.known);
    else this.#before = { transaction, known: copyOf(this.#known) };
  }

  /**
   * Takes in the rows of a source transaction. Gives the rows they refer to of which the log has not told, each time, so that
   * the target can have them first: they may come later, in the copy of existing rows. Throws the driver's errors.
   */
  async learn(rows: readonly RowChange[]): Promise<ReferredRows[]> {
    const begun = new Set<string>();
    for (const row of rows) this.#begin(row, begun);
    const used = this.#untoldIn(rows);
    for (const [parent, ids] of used) await this.#askFor(parent, ids);
    for (const row of rows) {
      this.#note(row);
      this.#follow(row);
    }
    return [...used].flatMap(([table, ids]) => {
      const there = [...ids].flatMap((id): readonly Row[] | Row => this.#known.get(table)?.get(id)?.row ?? []);
      return there.length ? [{ table, rows: there }] : [];
    });
  }

  /**
   * Before the first row that changes a row shared by key, it was as that says; but what was taken for gone stays so until it
   * is there again, because a row must be called the same to its end.
   */
  #begin(row: RowChange, begun: Set<string>): void {
    const table = this.#tableOf(row);
    if (!table?.ownId) return;
    for (const image of [row.before, row.after]) {
      const id = image && this.#idIn(table.ownId.column, image);
      const name = `${table.name} ${id}`;
      if (!id || begun.has(name)) continue;
      begun.add(name);
      const known = this.#known.get(table)?.get(id)?.key;
      if (row.op === 'c' || known === undefined || !this.#isGone(id, known)) this.#take(table, id, image, row);
    }
  }

  /** After it, it is as this one says; one that is gone is remembered, for rows that still refer to it. */
  #follow(row: RowChange): void {
    const table = this.#tableOf(row);
    const id = table?.ownId && row.after && this.#idIn(table.ownId.column, row.after);
    if (id) this.#take(table, id, row.after!, row);
  }

  /** Our own rows tell what an id stands for, and no more: they are dropped, and nobody knows whether the target has them. */
  #take(table: MappedTable, id: string, image: Image, { nativeSign }: RowChange): void {
    const key = this.#keyIn(table, image);
    if (key === undefined) return;
    const known = this.#known.get(table)?.get(id);
    this.#remember(table, id, { key, told: !nativeSign || (known?.told ?? false) });
  }

  /** Notes what the ids in a row stand for now. */
  #note(row: RowChange): void {
    const then: KnownIds = new Map();
    for (const [refers, id] of this.#idsIn(row)) {
      const known = this.#known.get(refers)?.get(id);
      if (known) put(then, refers, id, known);
    }
    if (then.size) this.#then.set(row, then);
  }

  #untoldIn(rows: readonly RowChange[]): Map<MappedTable, Set<string>> {
    const untold = new Map<MappedTable, Set<string>>();
    for (const row of rows) {
      for (const [refers, id] of this.#idsIn(row)) {
        if (this.#known.get(refers)?.get(id)?.told) continue;
        untold.set(refers, (untold.get(refers) ?? new Set()).add(id));
      }
    }
    return untold;
  }

  async #askFor(parent: MappedTable, ids: ReadonlySet<string>): Promise<void> {
    const known = (id: string) => this.#known.get(parent)?.get(id);
    const wanted = [...ids].filter((id) => known(id)?.row === undefined);
    const read = wanted.length && (await this.#ask((session) => readWithIds(session, parent, this.#side, wanted)));
    if (!read) return;
    const found = new Map(read.map((row) => [row[parent.ownId!.column.name]!, row]));
    for (const id of wanted) {
      const row = found.get(id);
      const said = known(id)?.key ?? goneId(id, this.#side);
      if (!row) this.#remember(parent, id, { key: said, told: false });
      else {
        const key = this.#isGone(id, said) ? keyOf(parent, row) : said;
        // One whose key is another by now is no row that the target wants: the log tells of it.
        this.#remember(parent, id, {
          key,
          told: false,
          row: keyOf(parent, row) === key ? withoutId(parent, row) : null,
        });
      }
    }
  }

  #isGone = (id: string, key: string): boolean => key === goneId(id, this.#side);

  #tableOf = ({ table }: RowChange): MappedTable | undefined => tableOfChange(this.#mapping, this.#direction, table);

  /** The ids of rows shared by key in an application's row. */
  #idsIn(row: RowChange): [MappedTable, string][] {
    const columns = row.nativeSign ? [] : (this.#tableOf(row)?.columns ?? []);
    return columns.flatMap((column) =>
      [row.before, row.after].flatMap((image): [MappedTable, string][] => {
        const id = column.refers && image && this.#idIn(column, image);
        return id ? [[column.refers!, id]] : [];
      }),
    );
  }

  #idIn(column: MappedColumn, image: Image): string | null {
    const own = column[this.#side];
    const value = image[own.name];
    return canonical(column.kind, this.#side === 'monolith' ? asStored(own, value) : value);
  }

  /** Undefined if a column is missing, of which whoever reads the row says so. */
  #keyIn(table: MappedTable, image: Image): string | undefined {
    const columns = table.key.map((name) => columnOf(table, name));
    if (columns.some((column) => image[column[this.#side].name] === undefined)) return undefined;
    return keyOf(table, Object.fromEntries(columns.map((column) => [column.name, this.#idIn(column, image)])));
  }

  #remember(table: MappedTable, id: string, known: Known): void {
    const keys = put(this.#known, table, id, known);
    if (keys.size > MOST) keys.delete(keys.keys().next().value!);
  }
}

function put(all: KnownIds, table: MappedTable, id: string, known: Known): Map<string, Known> {
  const keys = all.get(table) ?? new Map<string, Known>();
  all.set(table, keys);
  keys.delete(id);
  return keys.set(id, known);
}

const copyOf = (known: KnownIds): KnownIds => new Map([...known].map(([table, keys]) => [table, new Map(keys)]));

async function readWithIds(session: Session, parent: MappedTable, side: Side, ids: readonly string[]): Promise<Row[]> {
  const { column } = parent.ownId!;
  const { ownId: _, ...rest } = parent;
  const whole: MappedTable = { ...rest, columns: [column, ...parent.columns] };
  return openStore(session, whole, side).read(
    [column.name],
    ids.map((id) => ({ [column.name]: id })),
  );
}

const withoutId = ({ columns }: MappedTable, row: Row): Row =>
  Object.fromEntries(columns.map(({ name }) => [name, row[name]!]));
