import { setTimeout as sleep } from 'node:timers/promises';
import { type DifferenceKind, type Result, without } from '@strangler/compare';
import type { Side } from '@strangler/plan';
import type { ShadowReply } from './reply.ts';
import type { ShadowSides, UserRead } from './sides.ts';

/** What a shadow asks about users. */
export type Users = {
  /** Undefined while nobody can say, or while the user is being moved. */
  readonly ownerOf: (asked: UserRead) => Side | undefined;
  /** Whether what was written on either side until now is on the other one; false if that is not known in time. */
  readonly arrived: (asked: UserRead) => Promise<boolean>;
};

/** What both sides have answered. */
export type Both = readonly [monolith: ShadowReply, service: ShadowReply];
/** Compares two replies; `self`: both are of one side. */
export type Compare = (asked: UserRead, old: ShadowReply, newer: ShadowReply, self?: boolean) => Promise<Result>;
type Means = { readonly users: Users; readonly sides: Pick<ShadowSides, 'ask'>; readonly compare: Compare };

/** How often both sides are asked again at most, and how long apart, ms. */
const LOOKS = 3;
const BETWEEN_LOOKS_MS = 100;

/**
 * Waits until everything written on either side has arrived on the other, and asks both again. What still differs
 * then, although neither side has changed there meanwhile, is a difference: state that is on its way, or that somebody
 * is changing, is none. What changes with every look on the service alone is one, too; on the monolith it is noise.
 */
export async function lookAgain(
  asked: UserRead,
  owner: Side,
  seen: Both | undefined,
  { users, sides, compare }: Means,
): Promise<Result> {
  let before = seen;
  const noisy = new Set<string>();
  for (let look = seen ? 1 : 0; ; look++) {
    if (!(await users.arrived(asked))) {
      return without('not-comparable', 'what was written on one side has not reached the other');
    }
    await sleep(BETWEEN_LOOKS_MS);
    if (users.ownerOf(asked) !== owner) return without('not-comparable', 'the user was moved');
    const now = await Promise.all([sides.ask(asked, 'monolith'), sides.ask(asked, 'service')]);
    const result = await compare(asked, ...now);
    if (result.kind !== 'mismatch') return result;
    if (before) {
      const [monolith, service] = await Promise.all(
        [0, 1].map((at) => changed(asked, before![at]!, now[at]!, compare)),
      );
      for (const place of monolith!) noisy.add(place);
      const outside = (...places: ReadonlySet<string>[]) =>
        result.differences.filter(({ path }) => !places.some((some) => some.has(path) || some.has(listOf(path))));
      const settled = outside(monolith!, service!);
      if (settled.length && asked.routed.synced) return { ...result, differences: settled };
      if (look === LOOKS) {
        const lasting = outside(noisy);
        if (lasting.length) return { ...result, differences: lasting };
        return without('not-comparable', `the monolith differs from itself at ${[...noisy][0]}`);
      }
    }
    before = now;
  }
}

/** Where a side differs from itself: paths, and lists whose elements are others, which makes neighbours of others. */
async function changed(
  asked: UserRead,
  before: ShadowReply,
  now: ShadowReply,
  compare: Compare,
): Promise<ReadonlySet<string>> {
  const { differences } = await compare(asked, before, now, true);
  return new Set(differences.flatMap(({ kind, path }) => (MOVES.has(kind) ? [path, listOf(path)] : path)));
}

/** What makes a list another one. */
const MOVES: ReadonlySet<DifferenceKind> = new Set(['missing', 'extra', 'order']);

/** The outermost list a path leads through, or the path itself. */
const listOf = (path: string): string => path.replace(/\[\*\].*$/s, '');
