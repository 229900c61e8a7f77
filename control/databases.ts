import { Database, highestEpoch } from '@strangler/ledger';
import type { Plan, Side } from '@strangler/plan';
import { fileStores } from './file-store.ts';
import { mysqlLease, mysqlProxies, mysqlStore } from './mysql-store.ts';
import type { SideDatabases } from './sides.ts';
import type { LeaseStore, ProxyStore, Store } from './store.ts';

/**
 * Longest a statement of control may take, ms: a database that accepts and never answers is noticed well within a
 * lease. Reports count whole tables and keep nobody waiting.
 */
const STATEMENT_TIMEOUT_MS = 2_000;
const REPORT_TIMEOUT_MS = 10_000;

/** Everything control keeps. */
export type Stores = { readonly store: Store; readonly leases: LeaseStore; readonly proxies: ProxyStore };

/** Opens what control keeps: in the monolith’s database, or in files for a Plan without databases. */
export async function openStores(plan: Plan): Promise<Stores & { readonly close: () => Promise<void> }> {
  const url = plan.monolith.database?.control;
  if (!url) return { ...(await fileStores(plan.control.state)), close: async () => {} };
  const open = () => new Database(url, 'control', { statementTimeout: STATEMENT_TIMEOUT_MS, name: nameOf('monolith') });
  const [main, aside, lease] = [open(), open(), open()];
  const close = async () => {
    await Promise.all([main, aside, lease].map((database) => database.close()));
  };
  return { store: mysqlStore(main, aside), leases: mysqlLease(lease), proxies: mysqlProxies(aside), close };
}

const nameOf = (side: Side): string => `the ${side}’s database`;

/** The databases handoffs and gates look at. */
export type Databases = {
  /** Of a capability with tables; `report` is for slow questions, so that no handoff waits behind them. */
  readonly of: (
    capability: string,
  ) => (SideDatabases & { readonly report: Readonly<Record<Side, Database>> }) | undefined;
  /** The highest epoch the monolith’s log holds of a capability; 0 without databases. */
  readonly highestEpoch: (capability: string) => Promise<number>;
  readonly close: () => Promise<void>;
};

/** Opens them, lazily: a database that is away is an error of whoever asks it. */
export function openDatabases(plan: Plan): Databases {
  const opened: Database[] = [];
  const trio = (url: string, name: string) => {
    const options = { statementTimeout: STATEMENT_TIMEOUT_MS, name };
    const three = {
      write: new Database(url, 'control', options),
      watch: new Database(url, 'reader', options),
      report: new Database(url, 'reader', { statementTimeout: REPORT_TIMEOUT_MS, name }),
    };
    opened.push(...Object.values(three));
    return three;
  };
  // One writer per service database, however many capabilities share it: its replication origin admits one session.
  const services = new Map<string, ReturnType<typeof trio>>();
  const url = plan.monolith.database?.control;
  const monolith = url ? trio(url, nameOf('monolith')) : undefined;
  return {
    of: (capability) => {
      const { tables, service } = plan.capabilities[capability]!;
      if (!monolith || !service.database || !Object.keys(tables).length) return undefined;
      const at = service.database.control;
      const mine = services.get(at) ?? trio(at, nameOf('service'));
      services.set(at, mine);
      return { monolith, service: mine, report: { monolith: monolith.report, service: mine.report } };
    },
    highestEpoch: async (capability) =>
      monolith ? monolith.watch.use((session) => highestEpoch(session, capability)) : 0,
    close: async () => {
      await Promise.all(opened.map((database) => database.close()));
    },
  };
}
