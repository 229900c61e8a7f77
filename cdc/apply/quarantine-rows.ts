import { type QuarantineEntry, quarantine, type Session } from '@strangler/ledger';
import { keyOf, type MappedTable, type Row } from '../mapping/mapping.ts';
import { nameOf, type Root } from '../rows/aggregates.ts';
import type { Change } from '../rows/change.ts';
import type { NotAppliedLate } from './apply-late.ts';
import type { Loser } from './apply-owned.ts';
import { cutEntry } from './cut.ts';
import { Isolation } from './isolate.ts';

/** Where a kept row came from. */
export type Provenance = {
  readonly stream: string;
  readonly position: string;
  /** Null for a row of a backfill. */
  readonly transaction: string | null;
};

/** A change that is kept because the target does not take it, or because one before it was not taken. */
export type Inapplicable = {
  readonly change: Change & { readonly user: string | null };
  readonly reason: 'inapplicable' | 'behind-inapplicable';
  readonly provenance: Provenance;
  readonly detail: string | null;
};

/** An entry, and the table of its row. */
export type Keeping = { readonly table: MappedTable; readonly entry: QuarantineEntry };

/**
 * Keeps entries inside a transaction; one that the target does not take whole (too large a statement, for one), without
 * its long values. Throws TargetRefusesError if it does not take that either.
 */
export async function keepAll(session: Session, all: readonly Keeping[]): Promise<void> {
  const put = (entries: readonly QuarantineEntry[]) => quarantine(session, entries);
  await new Isolation(session, undefined).each(
    all,
    (some) => put(some.map(({ entry }) => entry)),
    ({ table, entry }) => put([cutEntry(table, entry)]),
  );
}

const json = (row: Row | null): string | null => row && JSON.stringify(row);

/** Keeps changes that are not applied; a person must look. `roots` in the order of the changes. */
export async function keepInapplicable(
  session: Session,
  roots: readonly Root[],
  all: readonly Inapplicable[],
): Promise<void> {
  const entries = all.map(({ change: { table, before, after, user }, reason, provenance, detail }, at) => ({
    table,
    entry: {
      ...({ ...provenance, status: 'open', reason, table: table.name, key: keyOf(table, (after ?? before)!) } as const),
      ...{ aggregate: nameOf(roots[at]!.table, roots[at]!.key), user, before: json(before), after: json(after) },
      ...{ owner: null, epoch: null, detail, resolution: null },
    },
  }));
  await keepAll(session, entries);
}

/** Keeps late changes that are not applied. */
export async function keepLate(
  session: Session,
  all: readonly NotAppliedLate[],
  provenance: Provenance,
): Promise<void> {
  const entries = all.map(({ change, late, root, disposition, detail = null }): Keeping => {
    const { table, before, after, user, epoch } = change;
    const settled = disposition === 'superseded';
    const entry: QuarantineEntry = {
      ...provenance,
      status: settled ? 'superseded' : 'open',
      reason: settled ? 'superseded' : epoch === null ? 'rogue-write' : 'late-write',
      table: table.name,
      key: keyOf(table, (after ?? before)!),
      aggregate: root,
      user,
      before: json(before),
      after: json(after),
      owner: json(late.rivals[0] ?? late.current),
      epoch,
      detail,
      resolution: settled ? 'the owner’s row holds' : null,
    };
    return { table, entry };
  });
  await keepAll(session, entries);
}

/** Keeps rows that had to give way to the owner's row for the same thing. */
export async function keepLosers(session: Session, losers: readonly Loser[], provenance: Provenance): Promise<void> {
  const entries = losers.map(({ table, row, root, winner }): Keeping => {
    const entry: QuarantineEntry = {
      ...provenance,
      status: 'superseded',
      reason: 'superseded',
      table: table.name,
      key: keyOf(table, row),
      aggregate: root,
      user: userOf(table, row),
      before: null,
      after: json(row),
      owner: json(winner),
      epoch: null,
      detail: null,
      resolution: 'deleted: the owner has another row for the same thing',
    };
    return { table, entry };
  });
  await keepAll(session, entries);
}

const userOf = (table: MappedTable, row: Row): string | null =>
  'column' in table.user ? (row[table.user.column] ?? null) : null;
