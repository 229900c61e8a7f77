import {
  arrivedTick,
  barrierArrived,
  type Database,
  freeCheckpoint,
  type HandoffKind,
  type HandoffRow,
  hasHandoff,
  lastTick,
  provenTick,
  writeHandoff,
} from '@strangler/ledger';
import { directionInto, otherSide, type Side, streamName } from '@strangler/plan';

/** The two databases of a capability with tables, as a handoff sees them. */
export interface HandoffSides {
  /** Writes rows into the service’s log, in a transaction of their own; the monolith’s go with the state. */
  write(...rows: HandoffRow[]): Promise<void>;
  /** True if a side’s log holds this row. */
  has(side: Side, epoch: number, kind: HandoffKind): Promise<boolean>;
  /** True once everything before the barrier of this epoch has reached the side that receives. */
  arrived(into: Side, epoch: number): Promise<boolean>;
  /** Ends whatever session keeps the checkpoint of the stream into the monolith locked. */
  free(): Promise<void>;
  /** The number of a side’s last tick. Throws TickLostError. */
  tick(side: Side): Promise<number>;
  /** The last tick of a side whose past is all on the other one; 0 while anything is unproven. */
  proven(from: Side): Promise<number>;
  /** True once the service has everything the monolith’s log held before the tick after this one. */
  passed(tick: number): Promise<boolean>;
}

/** One session for writing and one for watching per database, so that neither waits for the other. */
export type SideDatabases = Readonly<Record<Side, { readonly write: Database; readonly watch: Database }>>;

/** The databases of a capability. */
export function sidesOf(capability: string, databases: SideDatabases): HandoffSides {
  const reverse = streamName(capability, 'reverse');
  const forward = streamName(capability, 'forward');
  return {
    write: (...rows) =>
      databases.service.write.use((session) =>
        session.transaction(async () => {
          for (const row of rows) await writeHandoff(session, row);
        }),
      ),
    has: (side, epoch, kind) => databases[side].write.use((session) => hasHandoff(session, capability, epoch, kind)),
    arrived: (into, epoch) =>
      databases[into].watch.use((session) =>
        barrierArrived(session, streamName(capability, directionInto(into)), epoch),
      ),
    free: () => databases.monolith.watch.use((session) => freeCheckpoint(session, reverse)),
    tick: (side) => databases[side].watch.use(lastTick),
    proven: (from) =>
      databases[otherSide(from)].watch.use((session) => provenTick(session, from === 'service' ? reverse : forward)),
    passed: (tick) => databases.service.watch.use(async (session) => (await arrivedTick(session, forward)) > tick),
  };
}
