import type { OwnershipRow } from '@strangler/ledger';
import type { Mapping } from '../mapping/mapping.ts';
import { isInsertedByBoth, NOBODY } from '../mapping/user-column.ts';
import type { Change, Correction } from '../rows/change.ts';
import type { ChangedUsers } from '../rows/users.ts';
import { afterHandoffRow, type OwnershipHistory } from './ownership-history.ts';
import type { Step } from './work.ts';

/** A change and what its source is to its users. */
export type OwnedChange = Change & {
  /** Of two, the one whom the source does not own, the former first; else the later one. */
  readonly user: string | null;
  /** The other one, if the row goes from one user to another. */
  readonly beside?: string | undefined;
  /** Whether the source owns them all. */
  readonly owns: boolean;
  /** The handoff that made it so, if any. */
  readonly epoch: number | null;
};

/** One step, with everything decided that needs the source's ownership. */
export type Prepared = {
  readonly step: Step;
  readonly changes: readonly OwnedChange[];
  /** For a correction: whether its sender owned the user when it was written; undefined if it could not name the user. */
  readonly senderOwns: boolean | undefined;
  /** The barrier this step waits behind; undefined if nothing is in doubt. */
  readonly undecided: OwnershipRow | undefined;
};

/** The row changes of a step. */
export const changesOf = ({ work }: Step): readonly Change[] => {
  if (work.kind === 'changes') return work.changes;
  return work.kind === 'copy' ? [work.change] : [];
};

/** Steps of a source that owns everybody: nobody needs to know their users. */
export const prepareUnasked = (steps: readonly Step[]): Prepared[] =>
  steps.map((step) => ({
    step,
    changes: changesOf(step).map((change) => ({ ...change, user: null, owns: true, epoch: null })),
    senderOwns: isNameless(step) ? undefined : true,
    undecided: undefined,
  }));

/** True for what either side may insert, whoever owns whom. */
const isSharedInsert = ({ table, before }: Change): boolean => before === null && isInsertedByBoth(table);

/** True for a correction that brings such rows: then its sender is who inserted them. */
export const isOfSharedInserts = ({ roots }: Correction, mapping: Mapping): boolean =>
  roots.length > 0 && roots.every(({ table, row }) => row !== null && isInsertedByBoth(mapping.get(table)!));

/** The same steps with the users of their changes known; `users` in the order of the changes. */
export function withUsers(prepared: readonly Prepared[], users: readonly ChangedUsers[]): Prepared[] {
  let at = 0;
  return prepared.map((one) => ({
    ...one,
    changes: one.changes.map((change) => {
      const all = users[at++] ?? [];
      return { ...change, user: all.at(-1) ?? null, beside: all.length > 1 ? all[0] : undefined };
    }),
  }));
}

/** True for a correction whose sender could not say whose the rows are. */
const isNameless = ({ work }: Step): boolean => work.kind === 'correction' && work.correction.user === null;

/**
 * What the source is to the user of each change, at this point of its own history; `users` in the order of the changes.
 * A change whose user nobody can name is the owner's if the source owns everybody, else it is taken for a late one: the
 * other side says what is so.
 */
export function prepareSteps(
  steps: readonly Step[],
  users: readonly ChangedUsers[],
  history: OwnershipHistory,
): Prepared[] {
  let at = 0;
  const unnamed = { user: null, owns: history.ownsEverybody, epoch: null };
  return steps.map((step) => {
    let undecided: OwnershipRow | undefined;
    const changes = changesOf(step).map((change): OwnedChange => {
      const all = users[at++];
      if (!all) return { ...change, ...unnamed };
      if (!all.length) return { ...change, user: null, owns: true, epoch: null };
      if (isSharedInsert(change)) return { ...change, user: NOBODY, owns: true, epoch: null };
      const standings = all.map((user) => ({ user, ...history.standing(user) }));
      undecided ??= standings.find((one) => one.undecided)?.undecided;
      const { user, owns, epoch } = standings.find((one) => !one.owns) ?? standings.at(-1)!;
      return { ...change, user, beside: all.find((one) => one !== user), owns, epoch };
    });
    if (step.work.kind !== 'correction') return { step, changes, senderOwns: true, undecided };
    const { user } = step.work.correction;
    if (user === null) return { step, changes, senderOwns: undefined, undecided };
    const standing = history.standing(user);
    return { step, changes, senderOwns: standing.owns, undecided: standing.undecided };
  });
}

/** The steps before the first one behind an undecided barrier, and that barrier. */
export function untilUndecided(prepared: readonly Prepared[]): {
  readonly ready: readonly Prepared[];
  readonly barrier: OwnershipRow | undefined;
} {
  const stuck = prepared.findIndex(({ undecided }) => undecided);
  return stuck < 0
    ? { ready: prepared, barrier: undefined }
    : { ready: prepared.slice(0, stuck), barrier: prepared[stuck]!.undecided };
}

/** What these steps add to the source's ownership history, after the outcomes found out meanwhile. */
export function ownershipAfter(
  prepared: readonly Prepared[],
  decided: readonly OwnershipRow[],
  history: OwnershipHistory,
): OwnershipRow[] {
  const handoffs = prepared.flatMap(({ step }) => (step.work.kind === 'handoff' ? [step.work.row] : []));
  return [...decided, ...handoffs.map((row) => afterHandoffRow(row, history.at(row.epoch)))];
}
