import { BUCKETS, type Side, type Subject, subjectHolds } from './words.ts';

/** Who owns whom in one capability: the service owns the buckets below the boundary; a pinned user is the exception. */
export type Ownership = {
  readonly boundary: number;
  readonly pins: Readonly<Record<string, Side>>;
};

/** A handoff under way: writes of its subject are held by every proxy. */
export type Moving = {
  readonly epoch: number;
  readonly subject: Subject;
  readonly from: Side;
  readonly to: Side;
};

/** Nobody has moved yet. */
export const NOBODY: Ownership = Object.freeze({ boundary: 0, pins: Object.freeze({}) });

/** True if the user is pinned to a side by name. */
export const isPinned = (ownership: Ownership, user: string): boolean => Object.hasOwn(ownership.pins, user);

/** The side that owns this user, who falls into `bucket`. */
export function sideOf(ownership: Ownership, user: string, bucket: number): Side {
  if (isPinned(ownership, user)) return ownership.pins[user]!;
  return bucket < ownership.boundary ? 'service' : 'monolith';
}

/** True if anybody is on the service or being handed over: from then on it matters whose a request is. */
export const isSplit = ({ boundary, pins, moving }: Ownership & { readonly moving?: Moving }): boolean =>
  boundary > 0 || moving !== undefined || Object.values(pins).includes('service');

/** True if this user's writes are held because a handoff is moving them. */
export function isMoving(ownership: Ownership, moving: Moving | undefined, user: string, bucket: number): boolean {
  return moving !== undefined && subjectHolds(moving.subject, user, bucket, isPinned(ownership, user));
}

/** The ownership after `moving` has been granted. Throws if a range does not touch the boundary it moves. */
export function afterHandoff(ownership: Ownership, moving: Moving): Ownership {
  const { subject, to } = moving;
  if (subject.user !== undefined) return { ...ownership, pins: { ...ownership.pins, [subject.user]: to } };
  const [near, far] = to === 'service' ? [subject.lo, subject.hi] : [subject.hi, subject.lo];
  if (near !== ownership.boundary) {
    throw new Error(
      `a handoff of buckets ${subject.lo}–${subject.hi} does not touch the boundary ${ownership.boundary}`,
    );
  }
  return { ...ownership, boundary: far };
}

/** The next slice, at most `slice` buckets wide, on the way from `boundary` to `target`; undefined when it is reached. */
export function nextSlice(boundary: number, target: number, slice: number): Subject | undefined {
  const aim = Math.max(0, Math.min(BUCKETS, target));
  if (aim > boundary) return { lo: boundary, hi: Math.min(aim, boundary + slice) };
  if (aim < boundary) return { lo: Math.max(aim, boundary - slice), hi: boundary };
  return undefined;
}
