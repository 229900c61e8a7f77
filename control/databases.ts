import { Database, highestEpoch } from '@strangler/ledger';
import type { Plan, Side } from '@strangler/plan';
import { fileStore } from './file-store.ts';
import { mysqlStore } from './mysql-store.ts';
import type { SideDatabases } from './sides.ts';
import type { Store } from './store.ts';

/**
 * Longest a statement of control may take, ms: a database that accepts and never answers is noticed well within a
 * lease. Reports count whole tables and keep nobody waiting.
 */
const STATEMENT = 2_000;
const REPORT = 10_000;

/** Opens the store of control’s state: the monolith’s database, or a file for a Plan without databases. */
export async function openStore(plan: Plan): Promise<{ readonly store: Store; readonly close: () => Promise<void> }> {
  const url = plan.monolith.database?.control;
  if (!url) return { store: await fileStore(plan.control.state), close: async () => {} };
  const options = { statementTimeout: STATEMENT, name: nameOf('monolith') };
  const [main, aside] = [new Database(url, 'control', options), new Database(url, 'control', options)];
  const close = async () => {
    await Promise.all([main.close(), aside.close()]);
  };
  return { store: mysqlStore(main, aside), close };
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
    const options = { statementTimeout: STATEMENT, name };
    const three = {
      write: new Database(url, 'control', options),
      watch: new Database(url, 'reader', options),
      report: new Database(url, 'reader', { statementTimeout: REPORT, name }),
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
