import type { BackfillStatus, Capability, CauseCount, StreamStatus, SurveyDetail } from '@strangler/plan';
import { sayDuration } from '@strangler/plan';

/** What the databases say of a capability’s sync. */
export type SyncReport = {
  readonly streams: readonly (StreamStatus & {
    /** Milliseconds since the applier last reported. */
    readonly silent: number;
  })[];
  readonly backfill: readonly BackfillStatus[];
  readonly quarantine: { readonly open: number; readonly settled: number };
  /** What the sync has overwritten, superseded or applied late. */
  readonly corrections: readonly CauseCount[];
  readonly verified?: {
    readonly at: string;
    /** When it began, by the clock that `lostAt` is of. */
    readonly begun: string;
    readonly rows: number;
    readonly mismatches: number;
    readonly age: number;
  };
  /** The last survey. */
  readonly surveyed?: { readonly at: string; readonly changes: number; readonly detail: SurveyDetail };
  /** Why some of it could not be read. */
  readonly unreadable: readonly string[];
};

/** Longest silence of an applier, and longest age of the report, ms. */
export const SILENCE_MS = 2_000;

/**
 * What keeps users from moving forward, each as a sentence; empty if nothing does. `age`: milliseconds since the report
 * was read. Nothing keeps users from moving back.
 */
export function gatesOf(
  { tables, guard }: Pick<Capability, 'tables' | 'guard'>,
  report: SyncReport | undefined,
  age: number,
  lostAt: string | null,
): string[] {
  const names = Object.keys(tables);
  if (!names.length) return [];
  if (!report) return ['the state of the sync has not been read yet'];
  const closed = [...report.unreadable];
  if (age > SILENCE_MS) closed.push(`the state of the sync was last read ${sayDuration(age)} ago`);
  const unfinished = names.filter((name) => !report.backfill.some(({ table, finished }) => table === name && finished));
  if (unfinished.length) closed.push(`the backfill of ${unfinished.join(', ')} is not finished; strangler cdc does it`);
  for (const stream of report.streams) {
    if (stream.state !== 'running' && stream.state !== 'waiting') {
      closed.push(`${stream.stream} is ${stream.state}${stream.reason ? `: ${stream.reason}` : ''}`);
    } else if (stream.silent > SILENCE_MS) {
      closed.push(`${stream.stream} has been silent for ${sayDuration(stream.silent)}`);
    } else if (stream.lag === null) {
      closed.push(`the lag of ${stream.stream} is not known`);
    } else if (stream.lag > guard.lag) {
      closed.push(`the lag of ${stream.stream} is ${sayDuration(stream.lag)}, above ${sayDuration(guard.lag)}`);
    }
  }
  if (report.quarantine.open) closed.push(`${report.quarantine.open} rows in quarantine wait for a decision`);
  if (!report.verified) closed.push('nothing has been verified yet; run strangler verify');
  else if (lostAt !== null && report.verified.begun <= lostAt) {
    closed.push('the service’s database was given up; copy again, then run strangler verify');
  } else if (report.verified.mismatches) closed.push(`the last verify found ${report.verified.mismatches} mismatches`);
  else if (report.verified.age > guard.verifiedWithin) {
    closed.push(
      `the last verify is ${sayDuration(report.verified.age)} old, above ${sayDuration(guard.verifiedWithin)}`,
    );
  }
  return closed;
}
