import type { CrossReference } from '../mapping/cross-references.ts';
import { keyOf, type MappedTable, type Row } from '../mapping/mapping.ts';
import { chunks, nameOf, type Rows } from '../rows/aggregates.ts';
import type { RootImage } from '../rows/change.ts';
import type { RowStore } from '../rows/row-store.ts';

/** A row that may have no parent any more. */
type Suspect = {
  readonly row: Row;
  /** Whether the other side must hear what becomes of it: not if it has just sent the row as a correction. */
  readonly tell: boolean;
};

/** What a target transaction has done at both ends of one reference, by keys as texts. */
type Ends = {
  readonly written: Map<string, Suspect>;
  readonly removed: Map<string, Row>;
  readonly suspects: Map<string, Suspect>;
};

/** A row whose parent is not there. */
export type Orphan = Suspect & { readonly reference: CrossReference };

/**
 * Notes what a target transaction does to rows that refer to another user's, and to those they refer to; then finds which are
 * left without a parent. Notes are hints: what is so is read when it is asked, so an attempt that was rolled back does no harm.
 */
export class Touched {
  readonly #rows: Rows;
  readonly #ends: ReadonlyMap<CrossReference, Ends>;

  constructor(rows: Rows) {
    this.#rows = rows;
    this.#ends = new Map(
      rows.crossReferences.map((one) => [one, { written: new Map(), removed: new Map(), suspects: new Map() }]),
    );
  }

  /** The same rows, of which what is written and removed is noted. */
  watching(tell: boolean): Rows {
    return { ...this.#rows, store: (table) => this.#watched(table, this.#rows.store(table), tell) };
  }

  /** Has rows looked at that are here as if they had just been written. */
  doubt(images: readonly RootImage[]): void {
    for (const { table: name, row: root, children } of images) {
      for (const { table, row } of [...(root ? [{ table: name, row: root }] : []), ...children]) {
        for (const [{ child }, { written }] of this.#ends)
          if (child.name === table) written.set(keyOf(child, row), { row, tell: true });
      }
    }
  }

  #watched(table: MappedTable, store: RowStore, tell: boolean): RowStore {
    const below = [...this.#ends].filter(([{ child }]) => child === table).map(([, ends]) => ends);
    const above = [...this.#ends].filter(([{ parent }]) => parent === table).map(([, ends]) => ends);
    if (!below.length && !above.length) return store;
    return {
      ...store,
      async write(rows, there) {
        for (const { written } of below) for (const row of rows) written.set(keyOf(table, row), { row, tell });
        await store.write(rows, there);
      },
      async add(rows) {
        for (const { written } of below) for (const row of rows) written.set(keyOf(table, row), { row, tell });
        await store.add(rows);
      },
      async remove(rows) {
        for (const { removed } of above) for (const row of rows) removed.set(keyOf(table, row), row);
        await store.remove(rows);
      },
    };
  }

  /** Looks at what was noted since the last look, and keeps in mind only what has no parent by now. */
  async look(): Promise<void> {
    for (const [reference, { written, removed, suspects }] of this.#ends) {
      const ofWritten = await this.#parentless(reference, written, true);
      for (const [key, one] of await this.#parentless(reference, await this.#below(reference, removed), false))
        suspects.set(key, one);
      for (const [key, one] of ofWritten) suspects.set(key, one);
      written.clear();
      removed.clear();
    }
  }

  /**
   * The rows without a parent among those kept in mind, as they are now, and held; then there are none in mind any more. One
   * that has lost two parents is told once: if it stays, it is written, and looked at again.
   */
  async orphans(): Promise<Orphan[]> {
    const orphans = new Map<string, Orphan>();
    for (const [reference, { suspects }] of this.#ends) {
      if (!suspects.size) continue;
      const { child } = reference;
      const now = new Map<string, Suspect>();
      for (const chunk of chunks([...suspects.values()].map(({ row }) => row))) {
        for (const row of await this.#rows.store(child).read(child.key, chunk, true)) {
          const key = keyOf(child, row);
          now.set(key, { row, tell: suspects.get(key)!.tell });
        }
      }
      suspects.clear();
      for (const one of (await this.#parentless(reference, now, false)).values())
        orphans.set(nameOf(child, one.row), { ...one, reference });
    }
    return [...orphans.values()];
  }

  /** What refers to rows that were removed. */
  async #below({ child, pairs }: CrossReference, removed: ReadonlyMap<string, Row>): Promise<Map<string, Suspect>> {
    const found = new Map<string, Suspect>();
    for (const chunk of chunks([...removed.values()])) {
      const like = chunk.map((parent) => Object.fromEntries(pairs.map(([from, to]) => [from, parent[to]!])));
      const columns = pairs.map(([from]) => from);
      for (const row of await this.#rows.store(child).read(columns, like, true))
        found.set(keyOf(child, row), { row, tell: true });
    }
    return found;
  }

  /** Those of these rows whose parent is not there; nor may come yet, if `unlessWaiting`. What is there is kept from going. */
  async #parentless(
    { parent, pairs }: CrossReference,
    rows: ReadonlyMap<string, Suspect>,
    unlessWaiting: boolean,
  ): Promise<Map<string, Suspect>> {
    const named = [...rows].flatMap(([key, one]) => {
      const above = Object.fromEntries(pairs.map(([from, to]) => [to, one.row[from] ?? null]));
      return Object.values(above).includes(null) ? [] : [{ key, one, above, name: keyOf(parent, above) }];
    });
    const absent = new Map(named.map(({ name, above }) => [name, above]));
    for (const chunk of chunks([...absent.values()])) {
      for (const key of await this.#rows.store(parent).holdKeys(chunk)) absent.delete(keyOf(parent, key));
    }
    if (unlessWaiting && absent.size) {
      for (const name of await this.#rows.waiting(parent, [...absent.values()])) absent.delete(name);
    }
    return new Map(named.filter(({ name }) => absent.has(name)).map(({ key, one }) => [key, one]));
  }
}
