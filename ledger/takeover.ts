import type { Subject } from '@strangler/plan';
import { writeOwnership } from './handoffs.ts';
import { readCheckpoint } from './progress.ts';
import type { Session } from './session.ts';

/** Somebody, mostly the stream’s applier, holds the checkpoint’s lock: nothing has changed. */
export class CheckpointLockedError extends Error {
  constructor(stream: string) {
    super(`the checkpoint of ${stream} is locked by another session`);
    this.name = 'CheckpointLockedError';
  }
}

/** MySQL: a lock was not to be had at once. */
const LOCK_NOWAIT = 3572;

/**
 * Forced handoff (docs/how-it-works.md#forced), inside a transaction in the MySQL target of `stream`: from this checkpoint on, the
 * source has given the subject away, whatever its own log says with an older epoch. The applier finds the checkpoint’s
 * version moved on and its place unchanged, and looks at the ownership again. Throws CheckpointLockedError at once.
 */
export async function takeOver(
  session: Session,
  stream: string,
  { epoch, subject }: { readonly epoch: number; readonly subject: Subject },
): Promise<void> {
  await readCheckpoint(session, stream); // there is none before the first start of the applier
  try {
    await session.query('SELECT version FROM strangler_checkpoint WHERE stream = ? FOR UPDATE NOWAIT', [stream]);
  } catch (error) {
    if ((error as { errno?: unknown }).errno === LOCK_NOWAIT) throw new CheckpointLockedError(stream);
    throw error;
  }
  await session.query('UPDATE strangler_checkpoint SET version = version + 1 WHERE stream = ?', [stream]);
  await writeOwnership(session, stream, { epoch, subject, owns: false, undecided: false, unproven: true });
}

/** Ends every other MySQL session that holds the lock of a stream’s checkpoint; their transactions roll back. */
export async function freeCheckpoint(session: Session, stream: string): Promise<void> {
  const { rows } = await session.query<{ id: number }>(
    `SELECT DISTINCT threads.PROCESSLIST_ID AS id
     FROM performance_schema.data_locks AS locks JOIN performance_schema.threads AS threads USING (THREAD_ID)
     WHERE locks.OBJECT_SCHEMA = DATABASE() AND locks.OBJECT_NAME = 'strangler_checkpoint'
       AND locks.LOCK_TYPE = 'RECORD' AND locks.LOCK_STATUS = 'GRANTED' AND locks.LOCK_DATA = ?
       AND threads.PROCESSLIST_ID <> CONNECTION_ID()`,
    [`'${stream}'`],
  );
  for (const { id } of rows) {
    await session.query(`KILL CONNECTION ${Number(id)}`).catch((error: unknown) => {
      if ((error as { errno?: unknown }).errno !== 1094) throw error; // it has gone by itself
    });
  }
}
