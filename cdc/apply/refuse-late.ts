import { keyOf, type Row } from '../mapping/mapping.ts';
import { nameOf } from '../rows/aggregates.ts';
import type { RootImage } from '../rows/change.ts';
import type { LateOutcome } from './apply-late.ts';
import { type Aggregate, type LateChange, mergeByRow } from './late-change.ts';

/**
 * What becomes of the late changes of one aggregate that the target does not take, and what it said against them: a
 * person decides, and meanwhile the late side takes over what the owner has, `image`.
 */
export function refuseLate({ table, key, changes }: Aggregate, image: RootImage, detail: string): LateOutcome {
  const merged = mergeByRow(changes);
  const kept = merged.map((change) => {
    const { before, after } = change;
    const late = { before, after, current: rowIn(image, change), rivals: [] };
    return { change, late, root: nameOf(table, key), disposition: 'open' as const, retried: false, detail };
  });
  const user = merged.find((change) => change.user !== null)?.user ?? null;
  return { kept, counts: { born: 0, declared: 0 }, images: new Map([[user, [image]]]), applied: new Map() };
}

/** The owner’s row under a change’s key. */
function rowIn({ table: root, row, children }: RootImage, { table, before, after }: LateChange): Row | null {
  const key = keyOf(table, (after ?? before)!);
  const all = row ? [{ table: root, row }, ...children] : children;
  return all.find((one) => one.table === table.name && keyOf(table, one.row) === key)?.row ?? null;
}
