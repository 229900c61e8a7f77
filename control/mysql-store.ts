import {
  acquireLease,
  type Database,
  databaseTime,
  forgetProxy,
  isTerm,
  readProxies,
  readRecords,
  readStates,
  registerProxy,
  releaseLease,
  renewLease,
  type Session,
  takeOver,
  writeHandoff,
  writeRecord,
  writeState,
} from '@strangler/ledger';
import type { LeaseStore, ProxyStore, Store } from './store.ts';

const LEASE = 'control';

/** Ends a transaction in which the compare-and-set has failed. */
class Overtaken extends Error {}

/** Keeps state in the monolith’s database. `aside` is a second session, so that records never wait behind a handoff. */
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
    now: () => aside.use(databaseTime),
    record: (record) => aside.use((session) => writeRecord(session, record)),
    records: (filter) => aside.use((session) => readRecords(session, filter)),
  };
}

/** Keeps the lease in the monolith’s database. */
export const mysqlLease = (database: Database): LeaseStore => ({
  acquire: (holder, ttl) => database.use((session) => acquireLease(session, LEASE, holder, ttl)),
  renew: (term, ttl) => database.use((session) => renewLease(session, LEASE, term, ttl)),
  release: (term) => database.use((session) => releaseLease(session, LEASE, term)),
});

/** Keeps the names of proxies in the monolith’s database. */
export function mysqlProxies(database: Database): ProxyStore {
  const during = (term: number, task: (session: Session) => Promise<void>) =>
    database.use((session) =>
      session.transaction(async () => {
        if (!(await isTerm(session, LEASE, term))) return false;
        await task(session);
        return true;
      }),
    );
  return {
    names: () => database.use(readProxies),
    register: (name, term) => during(term, (session) => registerProxy(session, name)),
    forget: (name, term, record) =>
      during(term, async (session) => {
        await forgetProxy(session, name);
        if (record) await writeRecord(session, record);
      }),
  };
}
