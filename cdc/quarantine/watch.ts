import { countQuarantine, Database, type KeptEntry, readQuarantine, settleQuarantine } from '@strangler/ledger';
import { type Direction, otherSide, type Plan, sourceOf, streamName } from '@strangler/plan';
import type { Logger } from 'pino';
import { openRows, type Rows } from '../aggregates.ts';
import { disposeLate } from '../apply-late.ts';
import { isRefusal } from '../failures.ts';
import { type Mapping, resolveMapping } from '../mapping.ts';
import { LOOKING, patience } from '../patience.ts';
import { cutFrom } from './cut.ts';
import { changesFrom } from './dispute.ts';

/** Looks after one stream's quarantine: how many entries are open, and which of them no longer matter. */
export type QuarantineWatch = { open(): number; stop(): Promise<void> };

const EVERY = 1_000;
const AT_ONCE = 200;

/** Starts looking once a second; a database that is away is asked again at the next look. */
export function watchQuarantine(plan: Plan, capability: string, direction: Direction, log: Logger): QuarantineWatch {
  const stream = streamName(capability, direction);
  const side = otherSide(sourceOf(direction));
  const one = plan.capabilities[capability]!;
  const databases = {
    monolith: new Database(plan.monolith.database!.applier, 'reader', LOOKING),
    service: new Database(one.service.database!.applier, 'reader', LOOKING),
  };
  const abort = new AbortController();
  let mapping: Mapping | undefined;
  const map = () => databases.monolith.use((a) => databases.service.use((b) => resolveMapping(capability, one, a, b)));
  let open = 0;
  let after = 0;
  const look = async () => {
    open = (await databases[side].use((session) => countQuarantine(session, stream))).open;
    if (!open) return;
    mapping ??= await map();
    const known = mapping;
    await databases[side].use(async (session) => {
      const reasons = ['late-write', 'rogue-write'] as const;
      const entries = await readQuarantine(session, { stream, status: 'open', reasons, after, limit: AT_ONCE });
      after = entries.length < AT_ONCE ? 0 : entries.at(-1)!.id;
      const moot = await mootAmong(openRows(session, known, side), entries);
      const settled = await settleQuarantine(session, moot, 'superseded', 'the owner has made it so meanwhile');
      if (settled) log.info({ stream, entries: moot }, 'superseded: what the owner wrote since has made them moot');
    });
  };
  const run = async () => {
    while (!abort.signal.aborted) {
      await look().catch(() => {
        mapping = undefined; // a table may have changed; that a target is away says the stream itself
      });
      await patience(EVERY, abort.signal);
    }
  };
  const life = run();
  return {
    open: () => open,
    async stop() {
      abort.abort();
      await life;
      await Promise.all(Object.values(databases).map((database) => database.close()));
    },
  };
}

/** The entries whose late write the owner has superseded by now, whole aggregates of one source transaction only. */
async function mootAmong(rows: Rows, entries: readonly KeptEntry[]): Promise<number[]> {
  const moot: number[] = [];
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
    if (disposed?.every(({ disposition }) => disposition === 'superseded')) moot.push(...together.map(({ id }) => id));
  }
  return moot;
}
