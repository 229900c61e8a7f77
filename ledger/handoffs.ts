import type { Direction, Subject } from '@strangler/plan';
import { closeFence } from './fence.ts';
import type { Session } from './session.ts';

/** In a side’s own log a barrier gives a subject away, a cancel takes that back, a grant receives one. */
export type HandoffKind = 'barrier' | 'cancel' | 'grant';

/** A row of strangler_handoff. */
export type HandoffRow = {
  readonly capability: string;
  readonly epoch: number;
  readonly kind: HandoffKind;
  readonly subject: Subject;
  readonly forced: boolean;
};

/**
 * Writes a handoff row unless this epoch has it already: repeating a step after a crash changes nothing. A barrier waits,
 * for a second at most, for fenced writers of its users, who must be in the log before it: throws the driver’s lock
 * time-out. Cancels and grants wait for nobody.
 */
export async function writeHandoff(session: Session, row: HandoffRow): Promise<void> {
  const { rows } = await session.query(
    'SELECT epoch FROM strangler_handoff WHERE capability = ? AND epoch = ? AND kind = ?',
    [row.capability, row.epoch, row.kind],
  );
  if (rows.length) return;
  if (row.kind === 'barrier') await closeFence(session, row);
  await session.query(
    'INSERT INTO strangler_handoff (capability, epoch, kind, lo, hi, user_id, forced) VALUES (?, ?, ?, ?, ?, ?, ?)',
    [row.capability, row.epoch, row.kind, row.subject.lo, row.subject.hi, row.subject.user ?? null, row.forced],
  );
}

/** True if the database holds a handoff row of this kind. */
export async function hasHandoff(
  session: Session,
  capability: string,
  epoch: number,
  kind: HandoffKind,
): Promise<boolean> {
  const { rows } = await session.query(
    'SELECT epoch FROM strangler_handoff WHERE capability = ? AND epoch = ? AND kind = ?',
    [capability, epoch, kind],
  );
  return rows.length > 0;
}

/**
 * What an applier knows of its source’s ownership: after `epoch`, the source owns the subject or does not. Of a cancelled
 * epoch the subject is empty.
 */
export type OwnershipRow = {
  readonly epoch: number;
  readonly subject: Subject;
  readonly owns: boolean;
  /** Behind a barrier whose outcome (grant or cancel) is not known yet. */
  readonly undecided: boolean;
  /** Taken away by force: the source’s own barrier of this epoch has not come yet, so its earlier writes may be missing. */
  readonly unproven: boolean;
};

/** The source’s ownership history as the applier of this stream has recorded it, oldest first. */
export async function readOwnership(session: Session, stream: string): Promise<OwnershipRow[]> {
  const { rows } = await session.query(
    'SELECT epoch, lo, hi, user_id, owns, undecided, unproven FROM strangler_ownership WHERE stream = ? ORDER BY epoch',
    [stream],
  );
  return rows.map((row) => ({
    epoch: Number(row.epoch),
    subject:
      row.user_id === null
        ? { lo: Number(row.lo), hi: Number(row.hi) }
        : { lo: Number(row.lo), hi: Number(row.hi), user: String(row.user_id) },
    owns: Boolean(row.owns),
    undecided: Boolean(row.undecided),
    unproven: Boolean(row.unproven),
  }));
}

/** Records one step of the source’s ownership history; the same epoch is overwritten. */
export async function writeOwnership(session: Session, stream: string, row: OwnershipRow): Promise<void> {
  const { lo, hi, user = null } = row.subject;
  const { affected } = await session.query(
    `UPDATE strangler_ownership SET lo = ?, hi = ?, user_id = ?, owns = ?, undecided = ?, unproven = ?
     WHERE stream = ? AND epoch = ?`,
    [lo, hi, user, row.owns, row.undecided, row.unproven, stream, row.epoch],
  );
  if (affected) return;
  await session.query(
    `INSERT INTO strangler_ownership (stream, epoch, lo, hi, user_id, owns, undecided, unproven)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    [stream, row.epoch, lo, hi, user, row.owns, row.undecided, row.unproven],
  );
}

/**
 * True once the stream’s applier has recorded the barrier of this epoch in its target: everything the source wrote
 * before the barrier is there.
 */
export async function barrierArrived(session: Session, stream: string, epoch: number): Promise<boolean> {
  const { rows } = await session.query('SELECT unproven FROM strangler_ownership WHERE stream = ? AND epoch = ?', [
    stream,
    epoch,
  ]);
  return rows.length > 0 && !rows[0]!.unproven;
}

/** The highest epoch any row of a capability carries in this database; 0 if there is none. */
export async function highestEpoch(session: Session, capability: string): Promise<number> {
  const { rows } = await session.query<{ epoch: number | null }>(
    'SELECT MAX(epoch) AS epoch FROM strangler_handoff WHERE capability = ?',
    [capability],
  );
  return Number(rows[0]?.epoch ?? 0);
}

/** What the source of a stream owns before any handoff: everything forward, nothing in reverse. */
export const ownsAtFirst = (direction: Direction): boolean => direction === 'forward';

/** Every handoff row of a capability in this side's own log, oldest first. */
export async function readHandoffs(session: Session, capability: string): Promise<HandoffRow[]> {
  const { rows } = await session.query(
    'SELECT epoch, kind, lo, hi, user_id, forced FROM strangler_handoff WHERE capability = ? ORDER BY epoch, kind',
    [capability],
  );
  return rows.map((row) => {
    const range = { lo: Number(row.lo), hi: Number(row.hi) };
    return {
      capability,
      epoch: Number(row.epoch),
      kind: row.kind as HandoffKind,
      subject: row.user_id === null ? range : { ...range, user: String(row.user_id) },
      forced: Boolean(row.forced),
    };
  });
}

/** How long ago the last handoff row of a capability was written to this database, in milliseconds; infinite if never. */
export async function handoffAge(session: Session, capability: string): Promise<number> {
  const age =
    session.dialect === 'mysql'
      ? 'TIMESTAMPDIFF(MICROSECOND, MAX(created_at), CURRENT_TIMESTAMP(6)) / 1000'
      : 'EXTRACT(EPOCH FROM clock_timestamp() - MAX(created_at)) * 1000';
  const { rows } = await session.query<{ age: unknown }>(
    `SELECT ${age} AS age FROM strangler_handoff WHERE capability = ?`,
    [capability],
  );
  const found = rows[0]?.age ?? null;
  return found === null ? Number.POSITIVE_INFINITY : Number(found);
}
