import { createHash } from 'node:crypto';
import { type QuarantineEntry, quarantine, type Session } from '@strangler/ledger';
import type { Cause } from '@strangler/plan';
import { keyOf, type MappedTable, type Row } from '../mapping/mapping.ts';
import { userIn } from '../mapping/user-column.ts';
import { nameOf, type Root } from '../rows/aggregates.ts';
import type { Change, CorrectedBy } from '../rows/change.ts';
import type { KeptLate } from './apply-late.ts';
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
  readonly cause: 'inapplicable' | 'behind-inapplicable';
  readonly provenance: Provenance;
  readonly detail: string | null;
};

/** What has rows of the target overwritten. */
export type Overwriting = {
  readonly cause: Extract<Cause, 'overwritten' | 'copied' | 'corrected'> | CorrectedBy['cause'];
  readonly operation: string | null;
  /** Digests of rows that the other side has kept already. */
  readonly kept: ReadonlySet<string>;
};

/** One text for rows that are alike, wherever they are; what `touched` names decides nothing. */
export function digestOf(table: MappedTable, row: Row): string {
  const values = table.columns.map(({ name }) => (table.touched.includes(name) ? null : row[name]));
  return createHash('sha256')
    .update(JSON.stringify([table.name, values]))
    .digest('hex')
    .slice(0, 16);
}

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

/** An image as it is kept. */
export const json = (row: Row | null): string | null => row && JSON.stringify(row);

/** Keeps changes that are not applied; a person must look. `roots` in the order of the changes. */
export async function keepInapplicable(
  session: Session,
  roots: readonly Root[],
  all: readonly Inapplicable[],
): Promise<void> {
  const entries = all.map(({ change: { table, before, after, user }, cause, provenance, detail }, at) => ({
    table,
    entry: {
      ...({ ...provenance, status: 'open', cause, table: table.name, key: keyOf(table, (after ?? before)!) } as const),
      ...{ aggregate: nameOf(roots[at]!.table, roots[at]!.key), user: user || null },
      ...{ before: json(before), after: json(after) },
      ...{ owner: null, epoch: null, detail, resolution: null, operation: null },
    },
  }));
  await keepAll(session, entries);
}

/** Keeps late changes that are not applied, and those whose place was that of an owner's row. */
export async function keepLate(session: Session, all: readonly KeptLate[], provenance: Provenance): Promise<void> {
  const entries = all.map(({ change, late, root, disposition, retried, detail = null }): Keeping => {
    const { table, before, after, user, epoch } = change;
    const entry: QuarantineEntry = {
      ...provenance,
      ...LATE[disposition],
      cause: causeOf({ change, late, disposition, retried }),
      ...{ table: table.name, key: keyOf(table, (after ?? before)!), aggregate: root, user },
      ...{ before: json(before), after: json(after), owner: json(late.rivals[0] ?? late.current) },
      ...{ epoch, detail, operation: null },
    };
    return { table, entry };
  });
  await keepAll(session, entries);
}

const LATE = {
  open: { status: 'open', resolution: null },
  superseded: { status: 'superseded', resolution: 'the owner’s row holds' },
  applied: { status: 'kept', resolution: 'applied: the owner had not changed the row since' },
} as const;

function causeOf({ change, late, disposition, retried }: Omit<KeptLate, 'root'>): Cause {
  const isRogue = change.epoch === null;
  if (disposition === 'open') {
    if (changedHands({ change, late })) return 'changed-hands';
    return isRogue ? 'rogue-write' : 'late-write';
  }
  if (disposition === 'applied') return isRogue ? 'rogue-applied' : 'late-applied';
  if (isRogue) return 'rogue-superseded';
  return retried ? 'retried-purchase' : 'late-superseded';
}

/** True if a late row is of another user than the one it was of, or than the owner’s row. */
export function changedHands({ change, late }: Pick<KeptLate, 'change' | 'late'>): boolean {
  if ('each' in change.table.user) return false; // another key, but everybody’s all the same
  const rows = [change.before, change.after, late.current].filter((row) => row !== null);
  return new Set(rows.map((row) => userIn(change.table, row))).size > 1;
}

/** Keeps rows that had to give way to the owner's row for the same thing. */
export async function keepLosers(
  session: Session,
  losers: readonly Loser[],
  provenance: Provenance,
  { cause, operation, kept }: Overwriting,
): Promise<void> {
  const unkept = losers.filter(({ table, row }) => !kept.has(digestOf(table, row)));
  const entries = unkept.map(({ table, row, root, winner }): Keeping => {
    const entry: QuarantineEntry = {
      ...{ ...provenance, status: 'superseded', cause: operation === null ? 'retried-purchase' : cause, operation },
      ...{ table: table.name, key: keyOf(table, row), aggregate: root, user: userIn(table, row) ?? null },
      ...{ before: null, after: json(row), owner: json(winner), epoch: null, detail: null },
      resolution: 'deleted: the owner has another row for the same thing',
    };
    return { table, entry };
  });
  await keepAll(session, entries);
}
