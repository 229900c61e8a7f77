import type { Session } from '@strangler/ledger';
import { type Direction, type Side, sourceOf } from '@strangler/plan';
import type { Image, RowChange } from '../log/row-change.ts';
import { asStored, goneId, type KeyOfId, toRow } from '../mapping/captured-row.ts';
import {
  keyOf,
  type MappedColumn,
  type MappedTable,
  type Mapping,
  type Row,
  tableOfChange,
} from '../mapping/mapping.ts';
import { canonical } from '../mapping/value-kinds.ts';
import { openStore } from './open-store.ts';

/** Rows shared by key as the source has them, for a target that may not have them yet. */
export type ReferredRows = { readonly table: MappedTable; readonly rows: readonly Row[] };

/** Lends a session of the source's database. */
type AskSource = <T>(task: (session: Session) => Promise<T>) => Promise<T>;

/** So many ids of a table are remembered; the oldest are asked for again. */
const MOST = 100_000;

/**
 * What the ids of rows shared by key stand for on the source of a stream: as its log tells it, else as its database has it.
 * They are remembered, because such rows keep their key.
 */
export class KeysOfIds {
  readonly #mapping: Mapping;
  readonly #direction: Direction;
  readonly #side: Side;
  readonly #ask: AskSource;
  readonly #known = new Map<MappedTable, Map<string, string>>();

  constructor(mapping: Mapping, direction: Direction, ask: AskSource) {
    this.#mapping = mapping;
    this.#direction = direction;
    this.#side = sourceOf(direction);
    this.#ask = ask;
  }

  readonly of: KeyOfId = (parent, id) => this.#known.get(parent)?.get(id) ?? goneId(id, this.#side);

  /**
   * Takes in the rows of a source transaction. Gives the rows they refer to of which the log has not told, so that the target
   * can have them first: they may come later, in the copy of existing rows. Throws the driver's errors.
   */
  async learn(rows: readonly RowChange[]): Promise<ReferredRows[]> {
    for (const row of rows) this.#learnFrom(row);
    const found: ReferredRows[] = [];
    for (const [parent, ids] of this.#unknownIn(rows)) {
      const read = await this.#ask((session) => readWithIds(session, parent, this.#side, [...ids]));
      for (const row of read) this.#remember(parent, row[parent.ownId!.column.name]!, keyOf(parent, row));
      if (read.length) found.push({ table: parent, rows: read.map((row) => withoutId(parent, row)) });
    }
    return found;
  }

  /** What the target is told of as well. Not our own rows: they are dropped, and nobody knows whether it has them. */
  #learnFrom({ table: name, before, after, nativeSign }: RowChange): void {
    const table = tableOfChange(this.#mapping, this.#direction, name);
    if (!table?.ownId || nativeSign) return;
    for (const [image, isNow] of [[before, false] as const, [after, true] as const]) {
      const id = image && this.#idIn(table.ownId.column, image);
      if (!id || (!isNow && this.#known.get(table)?.has(id))) continue;
      this.#remember(table, id, keyOf(table, toRow(table, this.#side, image)));
    }
  }

  #unknownIn(rows: readonly RowChange[]): Map<MappedTable, Set<string>> {
    const unknown = new Map<MappedTable, Set<string>>();
    for (const { table: name, before, after, nativeSign } of rows) {
      const table = nativeSign ? undefined : tableOfChange(this.#mapping, this.#direction, name);
      for (const column of table?.columns ?? []) {
        const { refers } = column;
        if (!refers) continue;
        for (const image of [before, after]) {
          const id = image && this.#idIn(column, image);
          if (!id || this.#known.get(refers)?.has(id)) continue;
          const ids = unknown.get(refers) ?? new Set();
          unknown.set(refers, ids.add(id));
        }
      }
    }
    return unknown;
  }

  #idIn(column: MappedColumn, image: Image): string | null {
    const own = column[this.#side];
    const value = image[own.name];
    return canonical(column.kind, this.#side === 'monolith' ? asStored(own, value) : value);
  }

  #remember(table: MappedTable, id: string, key: string): void {
    const keys = this.#known.get(table) ?? new Map<string, string>();
    this.#known.set(table, keys);
    keys.delete(id);
    keys.set(id, key);
    if (keys.size > MOST) keys.delete(keys.keys().next().value!);
  }
}

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
