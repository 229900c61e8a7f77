/** How long, in ms, a flag must have kept still before it may rise again. */
export const CALM_MS = 1_000;

/** One flag over time: what is published of it, what was last seen, and when that changed. */
export type Steady = { readonly published: number; readonly seen: number; readonly changedAt: number };

/** A percentage that counts at once, whatever was before: the first one read, or one we wrote ourselves. */
export const settled = (percentage: number): Steady => ({
  published: percentage,
  seen: percentage,
  changedAt: Number.NEGATIVE_INFINITY,
});

/**
 * Takes what the source says now. Down counts at once. Up counts at once after a calm while; from a flag that flips
 * faster than that, only when it has kept still: so a flapping flag falls once and does not swing.
 */
export function observe(was: Steady, seen: number, now: number): Steady {
  const calm = now - was.changedAt >= CALM_MS;
  const published = calm || seen < was.published ? seen : was.published;
  if (seen !== was.seen) return { published, seen, changedAt: now };
  return published === was.published ? was : { ...was, published };
}

/** When to look again although nothing is heard; undefined if nothing is held back. */
export const dueAt = (steady: Steady): number | undefined =>
  steady.published === steady.seen ? undefined : steady.changedAt + CALM_MS;
