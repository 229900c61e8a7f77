import { type Side, subjectHolds } from '@strangler/plan';
import { bucket } from './shop.ts';
import { handoffsOn, type World } from './world.ts';

/**
 * The fence at a side's database, as the application asks it within its own transaction: true if this side's own log
 * says that the user was given away. A name goes before a range; of one epoch it does not matter which row came first.
 */
export function isGivenAway(world: World, side: Side, user: string): boolean {
  const mine = handoffsOn(world, side).filter(({ subject }) => subjectHolds(subject, user, bucket(user), false));
  const named = mine.filter(({ subject }) => subject.user !== undefined);
  const rows = named.length ? named : mine;
  const epoch = Math.max(0, ...rows.map((row) => row.epoch));
  const newest = rows.filter((row) => row.epoch === epoch).map(({ kind }) => kind);
  return newest.includes('barrier') && newest.length === 1;
}
