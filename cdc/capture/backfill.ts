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
import { retry } from '../retry.ts';
import { sleep } from '../sleep.ts';

/** Somebody has moved already, so existing rows may not be copied any more. */
export class BackfillRefusedError extends Error {
  constructor(capability: string) {
    super(
      `${capability} cannot be copied: users have moved already, and a copy would overwrite what the service owns. ` +
        'Roll it back to 0 % and run `strangler remove` and `strangler init` to start over.',
    );
    this.name = 'BackfillRefusedError';
  }
}

/** When the last copied row of any capability came, ms: one connector copies one table after another for all of them. */
export type Pulse = { at: number };

/** Where a backfill says how far it is. */
export type SayProgress = (capability: string, status: BackfillStatus, rate: number) => void;

/** What a backfill works with. */
export type BackfillOptions = {
  readonly plan: Plan;
  readonly capability: string;
  /** True as soon as, and while, the log is being read. */
  readonly ready: () => boolean;
  readonly pulse: Pulse;
  readonly log: Logger;
  readonly say: SayProgress;
};

type Progress = { done: number; total: number; finished: boolean; startedAt: number | undefined };

const STORE_EVERY_MS = 500;
/** Without a row for so long, although the log is being read, a copy is asked for again, ms. */
const STALLED_MS = 20_000;

/**
 * The copy of a capability's existing rows: an incremental snapshot, signalled through strangler_signal as soon as the
 * log is being read. Rows come in the forward stream, in topic order, as does the end of each table: it feeds this.
 */
export class Backfill {
  readonly #options: BackfillOptions;
  readonly #database: Database;
  readonly #abort = new AbortController();
  readonly #tables = new Map<string, Progress>();
  #changed = false;
  #copying = true;
  /** Resolves at the end of the copy; rejects with BackfillRefusedError if users have moved already, with StoppedError when stopped. */
  readonly finished: Promise<void>;

  constructor(options: BackfillOptions) {
    this.#options = options;
    this.#database = new Database(options.plan.monolith.database!.applier, 'repair');
    this.finished = this.#run().then(() => {
      this.#copying = false;
    });
    this.finished.catch(() => {}); // whoever waits for it gets the error
  }

  /** True until it is known that nothing is left to copy. */
  copying(): boolean {
    return this.#copying;
  }

  copied(table: string, rows: number): void {
    const status = this.#tables.get(table);
    if (!status) return;
    status.startedAt ??= Date.now();
    status.done += rows;
    this.#progressed();
  }

  copyEnded(table: string): void {
    const status = this.#tables.get(table);
    if (!status) return;
    status.finished = true;
    this.#progressed();
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#database.close();
  }

  #progressed(): void {
    this.#options.pulse.at = Date.now();
    this.#changed = true;
  }

  async #run(): Promise<void> {
    const { ready } = this.#options;
    const { signal } = this.#abort;
    const unfinished = await this.#retry((session) => this.#begin(session));
    if (!unfinished.length) return;
    while (!ready() && !signal.aborted) await sleep(50, signal);
    await this.#ask(unfinished);
    while (!signal.aborted) {
      await sleep(STORE_EVERY_MS, signal);
      if (this.#changed) await this.#store();
      const left = unfinished.filter((table) => !this.#tables.get(table)!.finished);
      if (!left.length && !this.#changed) return; // a table may have ended while the tables were being stored
      await this.#askAgain(left);
    }
  }

  /** Notes what there is to copy, and gives the tables. Throws BackfillRefusedError. */
  async #begin(session: Session): Promise<string[]> {
    const { plan, capability } = this.#options;
    const known = await readBackfill(session, capability);
    const all = Object.entries(plan.capabilities[capability]!.tables);
    // First what others refer to: its keys need not be asked for then.
    const byKey = all.toSorted(([, a], [, b]) => Number(a.shared !== 'by-key') - Number(b.shared !== 'by-key'));
    const wanted = byKey.map(([table]) => table);
    const unfinished = wanted.filter((table) => !known.some((status) => status.table === table && status.finished));
    if (unfinished.length) await refuseIfMoved(session, capability);
    for (const table of unfinished) {
      const { rows } = await session.query<{ n: number }>(`SELECT COUNT(*) AS n FROM \`${table}\``);
      const status = { done: 0, total: Number(rows[0]!.n), finished: false };
      this.#tables.set(table, { ...status, startedAt: undefined });
      await writeBackfill(session, capability, { table, ...status });
    }
    return unfinished;
  }

  /** Asks Debezium for a snapshot of these tables. */
  async #ask(tables: readonly string[]): Promise<void> {
    const { plan, pulse } = this.#options;
    const schema = parseAddress(plan.monolith.database!.applier).database;
    const data = { 'data-collections': tables.map((table) => `${schema}.${table}`), type: 'incremental' };
    const message = { id: randomUUID(), type: 'execute-snapshot', data };
    await this.#retry((session) => session.transaction(() => writeSignal(session, message)));
    pulse.at = Date.now();
  }

  /** Where the log is being read and no row of the copy comes, Debezium has lost it on the way, with its own connection. */
  async #askAgain(left: readonly string[]): Promise<void> {
    const { capability, pulse, ready, log } = this.#options;
    if (!ready()) pulse.at = Date.now();
    if (Date.now() - pulse.at < STALLED_MS) return;
    log.warn({ capability, tables: left }, 'the copy has come to a standstill; asking for it again');
    for (const table of left) this.#tables.get(table)!.done = 0;
    await this.#ask(left);
  }

  async #store(): Promise<void> {
    const { capability, say } = this.#options;
    this.#changed = false;
    for (const [table, { startedAt = Date.now(), ...counts }] of this.#tables) {
      await this.#retry((session) => writeBackfill(session, capability, { table, ...counts }));
      if (counts.done) say(capability, { table, ...counts }, (counts.done * 1_000) / (Date.now() - startedAt + 1));
    }
  }

  /** Throws BackfillRefusedError, or StoppedError. */
  #retry<T>(task: (session: Session) => Promise<T>): Promise<T> {
    const { capability, log } = this.#options;
    return retry(() => this.#database.use(task), {
      signal: this.#abort.signal,
      isFatal: (error) => error instanceof BackfillRefusedError,
      onRetry: ({ message }) => log.warn({ capability, reason: message }, 'the copy waits for the database; retrying'),
    });
  }
}

async function refuseIfMoved(session: Session, capability: string): Promise<void> {
  const state = (await readStates(session)).find((row) => row.capability === capability);
  if ((await highestEpoch(session, capability)) > 0 || (state && state.boundary > 0))
    throw new BackfillRefusedError(capability);
}
