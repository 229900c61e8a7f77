import type { Snapshot } from '@strangler/plan';

/** True if a proxy with `present` in force may follow `next`: a greater term wins, within one term the greater version. */
export function mayFollow(
  present: Pick<Snapshot, 'term' | 'version'> | undefined,
  next: Pick<Snapshot, 'term' | 'version'>,
): boolean {
  if (!present || next.term !== present.term) return next.term > (present?.term ?? -1);
  return next.version >= present.version;
}
