import type { Session } from '@strangler/ledger';
import type { Side } from '@strangler/plan';
import type { MappedTable } from '../mapping/mapping.ts';
import { unlessHeld, withKeys } from './own-ids.ts';
import { identityOf } from './places.ts';
import { openPlainStore, type RowStore } from './row-store.ts';

/** The rows of a table on one side, through a session of that side's database: with keys in the place of one side's ids. */
export function openStore(session: Session, table: MappedTable, side: Side): RowStore {
  const store = openPlainStore(session, table, side);
  const identities = (parent: MappedTable) => openPlainStore(session, identityOf(parent), side);
  if (table.ownId) return unlessHeld(session, table, side, store, identities(table));
  return table.columns.some(({ refers }) => refers) ? withKeys(table, side, store, identities) : store;
}
