import {
  type Database,
  dropLease,
  readRecords,
  readStates,
  takeLease,
  takeOver,
  writeHandoff,
  writeRecord,
  writeState,
} from '@strangler/ledger';
import type { Store } from './store.ts';

const LEASE = 'control';

/** Ends a transaction in which the compare-and-set has failed. */
class Overtaken extends Error {}

/** Keeps state in the monolith’s database. `aside` is a second session, so that leases and records never wait behind a handoff. */
export function mysqlStore(database: Database, aside: Database): Store {
  return {
    read: () => database.use(readStates),
    write: (row, also) =>
      database
        .use(async (session) => {
          await session.transaction(async () => {
            // A fresh capability has no row to lock: two controls meet at the primary key, and the lease keeps them apart.
            if (!(await writeState(session, row))) throw new Overtaken();
            if (also?.handoff) await writeHandoff(session, also.handoff);
            if (also?.takeOver) await takeOver(session, also.takeOver.stream, also.takeOver);
            if (also?.record) await writeRecord(session, also.record);
          });
          return true;
        })
        .catch((error: unknown) => {
          if (error instanceof Overtaken) return false;
          throw error;
        }),
    record: (record) => aside.use((session) => writeRecord(session, record)),
    records: (filter) => aside.use((session) => readRecords(session, filter)),
    lease: (holder, ttl) =>
      aside.use(async (session) => {
        if (ttl > 0) return takeLease(session, LEASE, holder, ttl);
        await dropLease(session, LEASE, holder);
        return false;
      }),
  };
}
