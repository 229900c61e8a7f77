import {
  countKept,
  type Database,
  lastSurvey,
  lastVerify,
  readApplier,
  readBackfill,
  readCauses,
  type Session,
} from '@strangler/ledger';
import { type Direction, otherSide, type Side, sourceOf, streamName } from '@strangler/plan';
import { countsOf } from './corrections.ts';
import type { SyncReport } from './gates.ts';

const POLL_MS = 250;
const DIRECTIONS: readonly Direction[] = ['forward', 'reverse'];

/** The newest report on a capability’s sync, and when it was read (ms, monotonic). */
export type SyncWatch = { latest(): SyncReport | undefined; readAt(): number; stop(): Promise<void> };

/** Keeps reading what the appliers, the backfill, the quarantine and the verifier have left in the databases. */
export function watchSync(capability: string, databases: Readonly<Record<Side, Database>>): SyncWatch {
  let latest: SyncReport | undefined;
  let readAt = Number.NEGATIVE_INFINITY;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const look = async () => {
    const report = await readSync(capability, databases);
    latest = report;
    readAt = performance.now();
    if (!stopped) timer = setTimeout(() => void look(), POLL_MS);
  };
  void look();
  return {
    latest: () => latest,
    readAt: () => readAt,
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

/** Reads it once; what cannot be read is named in `unreadable`. */
export async function readSync(capability: string, databases: Readonly<Record<Side, Database>>): Promise<SyncReport> {
  const unreadable: string[] = [];
  const ask = async <T>(side: Side, what: string, read: (session: Session) => Promise<T>): Promise<T | undefined> => {
    try {
      return await databases[side].use(read);
    } catch (error) {
      unreadable.push(`${what} cannot be read from the ${side}’s database: ${(error as Error).message}`);
      return undefined;
    }
  };
  const target = (direction: Direction) => otherSide(sourceOf(direction));
  const streams = DIRECTIONS.map(async (direction) => {
    const stream = streamName(capability, direction);
    const row = await ask(target(direction), stream, (session) => readApplier(session, stream));
    return {
      stream,
      direction,
      state: row?.state ?? ('unknown' as const),
      ...(row?.reason && { reason: row.reason }),
      lag: row?.lag ?? null,
      silent: row?.age ?? Number.POSITIVE_INFINITY,
    };
  });
  const kept = DIRECTIONS.map((direction) =>
    ask(target(direction), 'the quarantine', (session) => readCauses(session, streamName(capability, direction))),
  );
  const backfill = ask('monolith', 'the backfill', (session) => readBackfill(session, capability));
  const verify = ask('monolith', 'the last verify', (session) => lastVerify(session, capability));
  const survey = ask('monolith', 'the last survey', (session) => lastSurvey(session, capability));
  const causes = (await Promise.all(kept)).map((rows) => rows ?? []);
  const counts = causes.map(countKept);
  const verified = await verify;
  const surveyed = await survey;
  return {
    streams: await Promise.all(streams),
    backfill: (await backfill) ?? [],
    quarantine: {
      open: counts.reduce((sum, { open }) => sum + open, 0),
      settled: counts.reduce((sum, { settled }) => sum + settled, 0),
    },
    corrections: DIRECTIONS.flatMap((direction, at) => countsOf(capability, direction, causes[at]!)),
    ...(verified && {
      verified: {
        at: verified.at,
        begun: verified.begun,
        rows: verified.compared,
        mismatches: verified.mismatches,
        age: verified.age,
      },
    }),
    ...(surveyed && { surveyed: { at: surveyed.at, changes: surveyed.changes, detail: surveyed.detail } }),
    unreadable,
  };
}
