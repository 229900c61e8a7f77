import { type HandoffRow, readHandoffs, type Session } from '@strangler/ledger';
import { bucketOf, type Side } from '@strangler/plan';
import { NOBODY } from './mapping/user-column.ts';

/** Who takes a user's writes: a side, or nobody can say while a handoff of theirs is under way. */
export type OwnerNow = Side | 'moving';

/**
 * The owner of a user by both sides' own handoff rows: of those about the user the highest epoch tells. A user once
 * moved by name moves only by name.
 */
export function ownerFrom(rows: Readonly<Record<Side, readonly HandoffRow[]>>, group: string, user: string): OwnerNow {
  if (user === NOBODY) return 'monolith';
  const bucket = bucketOf(group, user);
  const all = (['monolith', 'service'] as const).flatMap((side) => rows[side].map((row) => ({ side, ...row })));
  const byName = all.filter(({ subject }) => subject.user === user);
  const byRange = all.filter(
    ({ subject: { user: name, lo, hi } }) => name === undefined && lo <= bucket && bucket < hi,
  );
  const about = byName.length ? byName : byRange;
  const epoch = Math.max(0, ...about.map((row) => row.epoch));
  const last = about.filter((row) => row.epoch === epoch);
  if (!last.length) return 'monolith';
  return (last.find(({ kind }) => kind === 'grant') ?? last.find(({ kind }) => kind === 'cancel'))?.side ?? 'moving';
}

/** Tells owners by what both databases say at this moment. */
export async function readOwners(
  sides: Readonly<Record<Side, Session>>,
  capability: string,
  group: string,
): Promise<(user: string) => OwnerNow> {
  const [monolith, service] = await Promise.all([
    readHandoffs(sides.monolith, capability),
    readHandoffs(sides.service, capability),
  ]);
  return (user) => ownerFrom({ monolith, service }, group, user);
}
