/** One of the two places a capability can live. */
export type Side = 'monolith' | 'service';

/** The other side. */
export const otherSide = (side: Side): Side => (side === 'monolith' ? 'service' : 'monolith');

/** How many buckets users are spread over; a boundary is a number of buckets, so 1 bucket is 0.01 %. */
export const BUCKETS = 10_000;

/** Buckets `lo` (included) to `hi` (excluded), or one pinned user: what a handoff moves. */
export type Subject = { readonly lo: number; readonly hi: number; readonly user?: string };

/** True if a handoff of `subject` moves the user of this bucket; a pinned user moves only by name. */
export function subjectHolds(subject: Subject, user: string, bucket: number, pinned: boolean): boolean {
  if (subject.user !== undefined) return subject.user === user;
  return !pinned && bucket >= subject.lo && bucket < subject.hi;
}
