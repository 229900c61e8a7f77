import { type OwnershipRow, writeOwnership } from './handoffs.ts';
import type { Session } from './session.ts';

/**
 * Takes a stream past a piece of its source's log that is gone, to `kafkaOffset`, with what its source's handoffs say of
 * the ownership. From now on the stream counts as lost: what lay in between must be copied. The first captured row of the
 * session's transaction is this one's. Throws if the stream has never run.
 */
export async function skipLoss(
  session: Session,
  stream: string,
  to: { readonly kafkaOffset: number; readonly ownership: readonly OwnershipRow[] },
): Promise<void> {
  const { affected } = await session.query(
    `UPDATE strangler_checkpoint SET version = version + 1, position = NULL, kafka_offset = ?, tick = 0,
       lost_at = COALESCE(lost_at, CURRENT_TIMESTAMP(6)) WHERE stream = ?`,
    [to.kafkaOffset, stream],
  );
  if (!affected) throw new Error(`${stream} has never run; start strangler cdc`);
  for (const row of to.ownership) await writeOwnership(session, stream, row);
}

/** True if a stream has been taken past a loss that is not copied yet. */
export async function isLost(session: Session, stream: string): Promise<boolean> {
  const { rows } = await session.query(
    'SELECT stream FROM strangler_checkpoint WHERE stream = ? AND lost_at IS NOT NULL',
    [stream],
  );
  return rows.length > 0;
}

/** Everything that a stream has lost is copied. */
export async function settleLoss(session: Session, stream: string): Promise<void> {
  await session.query('UPDATE strangler_checkpoint SET lost_at = NULL WHERE stream = ?', [stream]);
}
