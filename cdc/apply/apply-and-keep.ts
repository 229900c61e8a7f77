import type { Session } from '@strangler/ledger';
import { type Root, type Rows, rootsOf } from '../rows/aggregates.ts';
import type { Change } from '../rows/change.ts';
import { applyOwned } from './apply-owned.ts';
import { corrects, keepOverwritten } from './overwritten.ts';
import { keepLosers, type Overwriting, type Provenance } from './quarantine-rows.ts';

/** A change that overwrites, by what, and where it came from. */
export type Writing = {
  readonly change: Change & { readonly user?: string | null };
  readonly provenance: Provenance;
  readonly by: Overwriting;
};

/**
 * Applies changes of the owner, or of corrections, and keeps what they overwrite, in the session's transaction. All of
 * them have rows overwritten alike: the owner's and the copy's, or a correction's.
 */
export async function applyAndKeep(
  session: Session,
  rows: Rows,
  writings: readonly Writing[],
  findRoots: (changes: readonly Change[]) => Promise<Root[]> = (changes) => rootsOf(rows, changes),
): Promise<void> {
  if (!writings.length) return;
  const of = new Map(writings.map((one) => [one.change, one]));
  const { by, provenance } = writings.at(-1)!;
  const { losers, overwritten } = await applyOwned(rows, [...of.keys()], corrects(by));
  await keepLosers(session, losers, provenance, by);
  const lost = overwritten.map((one) => ({ ...of.get(one.change)!, ...one }));
  await keepOverwritten(session, findRoots, lost);
}
