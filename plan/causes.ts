/**
 * Causes that are counted, and whose rows are not kept: `born` took the place of nothing, and both databases have it;
 * `declared` is what the Plan says that others than a row's user write.
 */
export const COUNTED_ONLY = ['born', 'declared'] as const;

/** Why a row was kept (docs/quarantine.md#causes). */
export const CAUSES = [
  'late-write',
  'rogue-write',
  'changed-hands',
  'inapplicable',
  'behind-inapplicable',
  'retried-purchase',
  'late-superseded',
  'rogue-superseded',
  'late-applied',
  'rogue-applied',
  'overwritten',
  'corrected',
  'copied',
  'orphaned',
  'recopied',
  'repaired',
  'decided',
  'undone',
  ...COUNTED_ONLY,
] as const;

/** Why a row was kept. */
export type Cause = (typeof CAUSES)[number];

/**
 * Causes that keep users from moving forward until somebody has called each row expected. The others are by design (a
 * purchase made twice), somebody's own doing, or wait for a decision as long as they are open.
 */
export const SUSPECT: readonly Cause[] = [
  'late-write',
  'rogue-write',
  'changed-hands',
  'late-superseded',
  'rogue-superseded',
  'late-applied',
  'rogue-applied',
  'overwritten',
  'corrected',
  'copied',
  'orphaned',
];

/** Whose a kept row is: null if nobody knows, empty if it is nobody's (`unowned`, `shared`), its own name if everybody’s (`split: none`). */
export function sayWhose(user: string | null, row: string): string {
  if (user === null) return 'an unknown user';
  if (user === row) return 'everybody';
  return user === '' ? 'nobody' : `user ${user}`;
}
