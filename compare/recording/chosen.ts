import { inScope } from '../rules/scope.ts';
import { isRead } from './is-read.ts';
import type { Recorded, Recording } from './recording.ts';
import type { Source } from './side.ts';

export interface Choice {
  /** True to send writes too, to both sides. */
  readonly writes: boolean;
  /** Routes that change nothing whatever their method. */
  readonly asReads?: readonly string[];
  /** If there are any, only these routes are played. */
  readonly only?: readonly string[];
  /** Host names that are played (the one with most requests). */
  readonly hosts?: readonly string[];
}

/** The entries to be played; counts the others by why not. */
export function chosen(
  { entries, unusable }: Recording,
  sources: readonly Source[],
  { writes, asReads = [], only = [], hosts }: Choice,
  leftOut: Map<string, number>,
): Recorded[] {
  const wanted = new Set(hosts ?? [mostFrequentHost(entries)]);
  const leave = (why: string, count = 1) => {
    leftOut.set(why, (leftOut.get(why) ?? 0) + count);
    return false;
  };
  for (const [why, count] of unusable) leave(`unusable: the entry ${why}`, count);
  return entries.filter(({ method, path, origin, hasCandidate }) => {
    if (!/^https?:/.test(origin)) return leave(`not HTTP: ${origin.replace(/:.*/, '')}`);
    const { host } = new URL(origin);
    if (!wanted.has(host)) return leave(`of another host: ${host}`);
    if (only.length > 0 && !inScope({ routes: only }, { method, path }, 200))
      return leave('not among the routes to play');
    if (sources.includes('candidate') && !hasCandidate) return leave('not asked of the candidate when it was recorded');
    const sent = sources.some((source) => typeof source === 'object');
    return !sent || writes || isRead(method, path, asReads) || leave('writes');
  });
}

function mostFrequentHost(entries: readonly Recorded[]): string {
  const counts = new Map<string, number>();
  for (const { origin } of entries) {
    if (/^https?:/.test(origin)) counts.set(new URL(origin).host, (counts.get(new URL(origin).host) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? '';
}
