import { randomUUID } from 'node:crypto';
import { BUCKETS, type Subject } from '@strangler/plan';
import type { Session } from './session.ts';

/*
 * The fence (package fence/) lets an application ask, in its writer’s own transaction, whether the user is still this
 * side’s. Writers share the lock of their user’s part; a barrier has the locks of the parts it moves for itself, so
 * writers who were let through commit before it, and it waits for no others.
 */

/** Parts of the buckets that are locked apart from each other: 1 % of the users each. */
const PARTS = 100;
const WIDTH = BUCKETS / PARTS;
/** How long a barrier waits for a lock; MySQL counts in whole seconds. */
const WAIT_S = 1;

/** Makes a capability’s fence in this database if it is not there. Safe to repeat. */
export async function prepareFence(session: Session, capability: string): Promise<void> {
  const { rows } = await session.query('SELECT part FROM strangler_fence WHERE capability = ?', [capability]);
  if (rows.length) return;
  const made = randomUUID(); // epochs begin again after `strangler remove`, and nobody may take these for those
  const parts = Array.from({ length: PARTS }, (_, part) => [capability, part, 0, made] as const);
  await session.query(
    `INSERT INTO strangler_fence (capability, part, epoch, made) VALUES ${parts.map(() => '(?, ?, ?, ?)').join()}`,
    parts.flat(),
  );
}

/** Takes the parts of a barrier’s users for this transaction alone, and notes its epoch with them. */
export async function closeFence(
  session: Session,
  { capability, epoch, subject }: { readonly capability: string; readonly epoch: number; readonly subject: Subject },
): Promise<void> {
  const first = Math.floor(subject.lo / WIDTH);
  const last = Math.floor(Math.max(subject.lo, subject.hi - 1) / WIDTH);
  // By name, each: a range would lock its neighbours, too.
  const parts = Array.from({ length: last - first + 1 }, (_, nth) => first + nth).join();
  const before = await waitLess(session);
  if (session.dialect === 'postgres') {
    await session.query(
      `SELECT pg_advisory_xact_lock(hashtext('strangler_fence:' || capability), part)
       FROM (SELECT capability, part FROM strangler_fence WHERE capability = ? AND part IN (${parts}) ORDER BY part) AS moved`,
      [capability],
    );
  }
  // MySQL would rather read so small a table whole, and lock all of it.
  const byKey = session.dialect === 'mysql' ? 'FORCE INDEX (PRIMARY)' : '';
  await session.query(`UPDATE strangler_fence ${byKey} SET epoch = ? WHERE capability = ? AND part IN (${parts})`, [
    epoch,
    capability,
  ]);
  await session.query(before);
}

/** Limits this session's waits for locks to WAIT_S, and gives the statement that sets them back to what they were. */
async function waitLess(session: Session): Promise<string> {
  const [name, set, wait] =
    session.dialect === 'mysql'
      ? ['innodb_lock_wait_timeout', 'SET SESSION', `${WAIT_S}`]
      : ['lock_timeout', 'SET LOCAL', `'${WAIT_S}s'`];
  const { rows } = await session.query<{ was: number | string }>(
    session.dialect === 'mysql' ? `SELECT @@SESSION.${name} AS was` : `SELECT current_setting('${name}') AS was`,
  );
  const was = rows[0]!.was;
  await session.query(`${set} ${name} = ${wait}`);
  return `${set} ${name} = ${session.dialect === 'mysql' ? was : `'${was}'`}`;
}
