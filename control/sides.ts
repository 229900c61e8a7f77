import {
  barrierArrived,
  type Database,
  type HandoffKind,
  type HandoffRow,
  hasHandoff,
  writeHandoff,
} from '@strangler/ledger';
import { directionInto, type Side, streamName } from '@strangler/plan';

/** The two databases of a capability with tables, as a handoff sees them. */
export interface Sides {
  /** Writes a row into the service’s log, in a transaction of its own; the monolith’s go with the state. */
  write(row: HandoffRow): Promise<void>;
  /** True if a side’s log holds this row. */
  has(side: Side, epoch: number, kind: HandoffKind): Promise<boolean>;
  /** True once everything before the barrier of this epoch has reached the side that receives. */
  arrived(into: Side, epoch: number): Promise<boolean>;
}

/** One session for writing and one for watching per database, so that neither waits for the other. */
export type SideDatabases = Readonly<Record<Side, { readonly write: Database; readonly watch: Database }>>;

/** The databases of a capability. */
export function sidesOf(capability: string, databases: SideDatabases): Sides {
  return {
    write: (row) => databases.service.write.use((session) => session.transaction(() => writeHandoff(session, row))),
    has: (side, epoch, kind) => databases[side].write.use((session) => hasHandoff(session, capability, epoch, kind)),
    arrived: (into, epoch) =>
      databases[into].watch.use((session) =>
        barrierArrived(session, streamName(capability, directionInto(into)), epoch),
      ),
  };
}
