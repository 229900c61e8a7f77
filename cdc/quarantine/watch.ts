import {
  countQuarantine,
  Database,
  type KeptEntry,
  openSession,
  pruneQuarantine,
  readQuarantine,
  type Session,
  settleQuarantine,
} from '@strangler/ledger';
import { type Direction, otherSide, type Plan, type Side, sourceOf, streamName } from '@strangler/plan';
import type { Logger } from 'pino';
import { cutFrom } from '../apply/cut.ts';
import { disposeLate } from '../apply/dispose-late.ts';
import { isRefusal } from '../apply/failures.ts';
import { type Mapping, resolveMapping } from '../mapping/mapping.ts';
import { openRows, type Rows } from '../rows/aggregates.ts';
import { LOOKING, sleep } from '../sleep.ts';
import { changesFrom } from './dispute.ts';

/** Looks after one stream's quarantine: how many entries are open, which of them no longer matter, and which are old. */
export type QuarantineWatch = { open(): number; stop(): Promise<void> };

const POLL_MS = 1_000;
/** Between two looks for what is older than the Plan wants it kept. */
const PRUNE_MS = 60_000;
const AT_ONCE = 200;

/** Starts looking once a second; a database that is away is asked again at the next look. */
export function watchQuarantine(plan: Plan, capability: string, direction: Direction, log: Logger): QuarantineWatch {
  const stream = streamName(capability, direction);
  const side = otherSide(sourceOf(direction));
  const one = plan.capabilities[capability]!;
  const url = (of: Side) => (of === 'monolith' ? plan.monolith : one.service).database!.applier;
  const databases = {
    monolith: new Database(url('monolith'), 'reader', LOOKING),
    service: new Database(url('service'), 'reader', LOOKING),
  };
  const abort = new AbortController();
  let open = 0;
  const count = async () => {
    open = (await databases[side].use((session) => countQuarantine(session, stream))).open;
  };
  const map = () => databases.monolith.use((a) => databases.service.use((b) => resolveMapping(capability, one, a, b)));
  const settling = new Settling({ stream, side, url: url(side), map, log, signal: abort.signal });
  const repeat = async (look: () => Promise<void>, every = POLL_MS) => {
    while (!abort.signal.aborted) {
      await look();
      await sleep(every, abort.signal);
    }
  };
  const lives = [
    repeat(() => count().catch(() => {})), // that a target is away says the stream itself
    repeat(async () => {
      if (open) await settling.look();
    }),
    repeat(async () => {
      await databases[side]
        .use((session) => prune(session, stream, one.keepFor))
        .catch((err) => log.warn({ err, stream }, 'what was kept long enough is not forgotten yet; retrying'));
    }, PRUNE_MS),
  ];
  return {
    open: () => open,
    async stop() {
      abort.abort();
      await settling.close(); // which ends what it is looking at
      await Promise.all(lives);
      await settling.close();
      await Promise.all(Object.values(databases).map((database) => database.close()));
    },
  };
}

/** Forgets what has been kept long enough, piece by piece. */
async function prune(session: Session, stream: string, keepFor: number): Promise<void> {
  while (await pruneQuarantine(session, stream, keepFor));
}

type SettlingOptions = {
  readonly stream: string;
  /** Whose database keeps the entries, and its address. */
  readonly side: Side;
  readonly url: string;
  readonly map: () => Promise<Mapping>;
  readonly log: Logger;
  readonly signal: AbortSignal;
};

/** Settles what has become superseded. Its session has no limit: what is below a row may take long to find without an index. */
class Settling {
  readonly #options: SettlingOptions;
  #session: Session | undefined;
  #mapping: Mapping | undefined;
  #after = 0;
  #said: string | undefined;

  constructor(options: SettlingOptions) {
    this.#options = options;
  }

  /** Looks at some entries, the next ones each time. What goes wrong is said once. */
  async look(): Promise<void> {
    try {
      await this.#settle();
      this.#said = undefined;
    } catch (error) {
      this.#mapping = undefined; // a table may have changed
      const { message } = error as Error;
      const { log, stream, signal } = this.#options;
      if (signal.aborted || message === this.#said) return;
      this.#said = message;
      log.error(
        { err: error, stream },
        'cannot tell which late writes the owner has since written itself; they stay open',
      );
    }
  }

  async #settle(): Promise<void> {
    const { stream, side, url, map, log, signal } = this.#options;
    this.#mapping ??= await map();
    if (!this.#session?.usable) this.#session = await openSession(url, 'reader');
    if (signal.aborted) return;
    const session = this.#session;
    const causes = ['late-write', 'rogue-write', 'changed-hands'] as const;
    const after = this.#after;
    const entries = await readQuarantine(session, { stream, status: 'open', causes, after, limit: AT_ONCE });
    this.#after = entries.length < AT_ONCE ? 0 : entries.at(-1)!.id;
    const superseded = await supersededAmong(openRows(session, this.#mapping, side), entries);
    const settled = await settleQuarantine(session, superseded, 'superseded', 'the owner has made it so meanwhile');
    if (settled) log.info({ stream, entries: superseded }, 'superseded: the owner has since written the same values');
  }

  async close(): Promise<void> {
    await this.#session?.close();
  }
}

/** The entries whose late write the owner has superseded by now, whole aggregates of one source transaction only. */
async function supersededAmong(rows: Rows, entries: readonly KeptEntry[]): Promise<number[]> {
  const superseded: number[] = [];
  const groups = [...Map.groupBy(entries, ({ aggregate, position }) => `${aggregate} ${position}`).values()];
  if (entries.length === AT_ONCE && groups.length > 1) groups.pop(); // cut short; it comes first the next time but one
  for (const together of groups) {
    if (together.some((entry) => cutFrom(entry).length)) continue; // nobody can tell whether the owner has made it so
    const changes = changesFrom(rows.mapping, together).map((change) => ({
      ...change,
      user: change.entry.user,
      epoch: null,
    }));
    // What the owner cannot even be asked about (a key it cannot hold) it has not made so.
    const disposed = await disposeLate(rows, changes, false).catch((error: unknown) => {
      if (!isRefusal(error)) throw error;
    });
    if (disposed?.every(({ disposition }) => disposition === 'superseded'))
      superseded.push(...together.map(({ id }) => id));
  }
  return superseded;
}
