import { Database, highestEpoch } from '@strangler/ledger';
import type { Plan, Side } from '@strangler/plan';
import { fileStore } from './file-store.ts';
import { mysqlStore } from './mysql-store.ts';
import type { SideDatabases } from './sides.ts';
import type { Store } from './store.ts';

/** Every database of the Plan, and the store of control’s state. */
export type Databases = {
  readonly store: Store;
  /** Of a capability with tables; `report` is for slow questions, so that no handoff waits behind them. */
  readonly of: (
    capability: string,
  ) => (SideDatabases & { readonly report: Readonly<Record<Side, Database>> }) | undefined;
  /** The highest epoch the monolith’s log holds of a capability; 0 without databases. */
  readonly highestEpoch: (capability: string) => Promise<number>;
  readonly close: () => Promise<void>;
};

/** Opens what the Plan names, lazily: a database that is away is an error of whoever asks it. */
export async function openDatabases(plan: Plan): Promise<Databases> {
  const opened: Database[] = [];
  const open = (url: string, writer: 'control' | 'reader') => {
    const database = new Database(url, writer);
    opened.push(database);
    return database;
  };
  // One writer per service database, however many capabilities share it: its replication origin admits one session.
  const services = new Map<string, { write: Database; watch: Database; report: Database }>();
  const trio = (url: string) => ({
    write: open(url, 'control'),
    watch: open(url, 'reader'),
    report: open(url, 'reader'),
  });
  const url = plan.monolith.database?.control;
  const monolith = url ? trio(url) : undefined;
  return {
    store: monolith && url ? mysqlStore(monolith.write, open(url, 'control')) : await fileStore(plan.control.state),
    of: (capability) => {
      const { tables, service } = plan.capabilities[capability]!;
      if (!monolith || !service.database || !Object.keys(tables).length) return undefined;
      const at = service.database.control;
      if (!services.has(at)) services.set(at, trio(at));
      const mine = services.get(at)!;
      return { monolith, service: mine, report: { monolith: monolith.report, service: mine.report } };
    },
    highestEpoch: async (capability) =>
      monolith ? monolith.watch.use((session) => highestEpoch(session, capability)) : 0,
    close: async () => {
      await Promise.all(opened.map((database) => database.close()));
    },
  };
}
