import { randomUUID } from 'node:crypto';
import {
  Database,
  highestEpoch,
  readBackfill,
  readStates,
  type Session,
  writeBackfill,
  writeSignal,
} from '@strangler/ledger';
import type { BackfillStatus, Plan } from '@strangler/plan';
import type { Logger } from 'pino';
import { parseAddress } from '../names.ts';
import { sleep } from '../sleep.ts';

/** Somebody has moved already, so existing rows may not be copied any more. */
export class BackfillRefusedError extends Error {
  constructor(capability: string) {
    super(
      `${capability} cannot be copied: users have moved already, and a copy would overwrite what the service owns. ` +
        'Roll it back to 0 % and run `strangler remove` and `strangler init` to begin anew.',
    );
    this.name = 'BackfillRefusedError';
  }
}

type Progress = { done: number; total: number; finished: boolean; startedAt: number | undefined };

/** The copy of a capability's existing rows. Feed it from the forward stream; `finished` resolves at its end. */
export interface Backfill {
  readonly finished: Promise<void>;
  /** True until it is known that nothing is left to copy. */
  copying(): boolean;
  copied(table: string, rows: number): void;
  copyEnded(table: string): void;
  stop(): Promise<void>;
}

/** When the last copied row of any capability came, ms: one connector copies one table after another for all of them. */
export type Pulse = { at: number };

/** Where a backfill says how far it is. */
export type SayProgress = (capability: string, status: BackfillStatus, rate: number) => void;

const STORE_EVERY_MS = 500;
/** Without a row for so long, although the log is being read, a copy is asked for again, ms. */
const STALLED_MS = 20_000;

/**
 * Copies what of a capability is not copied yet, by an incremental snapshot signalled through strangler_signal once
 * `ready` says that the log is being read. Rows come in the forward stream, in topic order, as does the end of each table.
 */
export function startBackfill(
  plan: Plan,
  capability: string,
  ready: () => boolean,
  pulse: Pulse,
  log: Logger,
  say: SayProgress,
): Backfill {
  const abort = new AbortController();
  const url = plan.monolith.database!.applier;
  const database = new Database(url, 'repair');
  const tables = new Map<string, Progress>();
  let changed = false;
  let copying = true;

  const retry = async <T>(task: (session: Session) => Promise<T>): Promise<T | undefined> => {
    for (let attempt = 0; !abort.signal.aborted; attempt++) {
      try {
        return await database.use(task);
      } catch (error) {
        if (error instanceof BackfillRefusedError) throw error;
        log.warn({ capability, reason: (error as Error).message }, 'backfill waits');
        await sleep(Math.min(2_000, 50 * 2 ** attempt), abort.signal);
      }
    }
    return undefined;
  };

  const begin = async (session: Session): Promise<string[]> => {
    const known = await readBackfill(session, capability);
    const wanted = Object.keys(plan.capabilities[capability]!.tables);
    const unfinished = wanted.filter((table) => !known.some((status) => status.table === table && status.finished));
    if (unfinished.length) await refuseIfMoved(session, capability);
    for (const table of unfinished) {
      const { rows } = await session.query<{ n: number }>(`SELECT COUNT(*) AS n FROM \`${table}\``);
      const status = { done: 0, total: Number(rows[0]!.n), finished: false };
      tables.set(table, { ...status, startedAt: undefined });
      await writeBackfill(session, capability, { table, ...status });
    }
    return unfinished;
  };

  const signal = (session: Session, names: readonly string[]): Promise<void> => {
    const schema = parseAddress(url).database;
    const data = { 'data-collections': names.map((table) => `${schema}.${table}`), type: 'incremental' };
    return session.transaction(() => writeSignal(session, { id: randomUUID(), type: 'execute-snapshot', data }));
  };

  const store = async (): Promise<void> => {
    changed = false;
    for (const [table, { startedAt = Date.now(), ...counts }] of tables) {
      await retry((session) => writeBackfill(session, capability, { table, ...counts }));
      if (counts.done) say(capability, { table, ...counts }, (counts.done * 1_000) / (Date.now() - startedAt + 1));
    }
  };

  const run = async (): Promise<void> => {
    const unfinished = await retry(begin);
    if (!unfinished?.length) return;
    while (!ready() && !abort.signal.aborted) await sleep(50, abort.signal);
    await retry((session) => signal(session, unfinished));
    pulse.at = Date.now();
    while (!abort.signal.aborted) {
      await sleep(STORE_EVERY_MS, abort.signal);
      if (!ready()) pulse.at = Date.now();
      if (changed) await store();
      const left = unfinished.filter((table) => !tables.get(table)!.finished);
      if (!left.length && !changed) return; // a table may have ended while the tables were being stored
      if (Date.now() - pulse.at < STALLED_MS) continue;
      // The log is being read and no row of the copy comes: Debezium has lost it on the way, with its own connection.
      log.warn({ capability, tables: left }, 'the copy has come to a standstill, it is asked for again');
      for (const table of left) Object.assign(tables.get(table)!, { done: 0 });
      await retry((session) => signal(session, left));
      pulse.at = Date.now();
    }
  };

  return {
    finished: run().then(() => {
      copying = false;
    }),
    copying: () => copying,
    copied(table, rows) {
      const status = tables.get(table);
      if (!status) return;
      pulse.at = Date.now();
      status.startedAt ??= Date.now();
      status.done += rows;
      changed = true;
    },
    copyEnded(table) {
      const status = tables.get(table);
      if (!status) return;
      pulse.at = Date.now();
      status.finished = true;
      changed = true;
    },
    async stop() {
      abort.abort();
      await database.close();
    },
  };
}

async function refuseIfMoved(session: Session, capability: string): Promise<void> {
  const state = (await readStates(session)).find((row) => row.capability === capability);
  if ((await highestEpoch(session, capability)) > 0 || (state && state.boundary > 0))
    throw new BackfillRefusedError(capability);
}
