import type { Session } from './session.ts';

/** How far a stream has been applied to this database. */
export type Checkpoint = {
  /** Grows with every target transaction: the guard against a second applier. */
  readonly version: number;
  /** The source’s commit position, in the stream’s own notation; null before the first. */
  readonly position: string | null;
  /** The Kafka offset of the oldest source transaction not yet applied. */
  readonly kafkaOffset: number;
  /** The last tick seen. */
  readonly tick: number;
};

/** The checkpoint of a stream; creates it at the start of the topic if there is none. */
export async function readCheckpoint(session: Session, stream: string): Promise<Checkpoint> {
  const { rows } = await session.query(
    'SELECT version, position, kafka_offset, tick FROM strangler_checkpoint WHERE stream = ?',
    [stream],
  );
  const row = rows[0];
  if (row) {
    const position = row.position === null ? null : String(row.position);
    return { version: Number(row.version), position, kafkaOffset: Number(row.kafka_offset), tick: Number(row.tick) };
  }
  await session.query('INSERT INTO strangler_checkpoint (stream, version, kafka_offset, tick) VALUES (?, 0, 0, 0)', [
    stream,
  ]);
  return { version: 0, position: null, kafkaOffset: 0, tick: 0 };
}

/**
 * First statement of a target transaction: moves the version on from `version`. False if another applier is ahead,
 * and then nothing may be applied.
 */
export async function claimCheckpoint(session: Session, stream: string, version: number): Promise<boolean> {
  const { affected } = await session.query(
    'UPDATE strangler_checkpoint SET version = version + 1 WHERE stream = ? AND version = ?',
    [stream, version],
  );
  return affected === 1;
}

/** Last statement of a target transaction: where the stream is after it. */
export async function moveCheckpoint(session: Session, stream: string, to: Omit<Checkpoint, 'version'>): Promise<void> {
  await session.query(
    `UPDATE strangler_checkpoint SET position = ?, kafka_offset = ?, tick = ?, applied_at = CURRENT_TIMESTAMP(6)
     WHERE stream = ?`,
    [to.position, to.kafkaOffset, to.tick, stream],
  );
}

/**
 * Keeps the applier of a stream off until the end of the session's transaction, whose first captured row this is: so it
 * carries the portable sign of being ours. False if the stream has never run.
 */
export async function holdCheckpoint(session: Session, stream: string): Promise<boolean> {
  const { affected } = await session.query(
    'UPDATE strangler_checkpoint SET applied_at = CURRENT_TIMESTAMP(6) WHERE stream = ?',
    [stream],
  );
  return affected === 1;
}

/**
 * The row of strangler_tick is gone: a table emptied, half a restore. Nobody can tell what has arrived on the other side,
 * and a tick of 0 would say that everything has.
 */
export class TickLostError extends Error {
  constructor({ dialect }: Session) {
    const where = dialect === 'mysql' ? 'the monolith’s' : 'the service’s';
    super(
      `the row of strangler_tick is missing in ${where} database, so nobody can tell what of its writes has arrived: put ` +
        'it back with `strangler init`; the stream from there stops at it, and goes on with `strangler recopy --apply`',
    );
    this.name = 'TickLostError';
  }
}

/** Raises this database’s tick by one and gives its new number. Throws TickLostError. */
export async function tick(session: Session): Promise<number> {
  return session.transaction(async () => {
    await session.query('UPDATE strangler_tick SET n = n + 1, ticked_at = CURRENT_TIMESTAMP(6) WHERE id = 1');
    return lastTick(session);
  });
}

/** The number of this database’s last tick. Throws TickLostError: a number that is not known is not 0. */
export async function lastTick(session: Session): Promise<number> {
  const { rows } = await session.query<{ n: number }>('SELECT n FROM strangler_tick WHERE id = 1');
  const [row] = rows;
  if (!row) throw new TickLostError(session);
  return Number(row.n);
}

/** The last tick of its source that a stream has brought into this database for good; 0 before the first. */
export async function arrivedTick(session: Session, stream: string): Promise<number> {
  const { rows } = await session.query('SELECT tick FROM strangler_checkpoint WHERE stream = ?', [stream]);
  return Number(rows[0]?.tick ?? 0);
}

/** The same, but 0 while anything the source wrote is unproven, both as of one moment. */
export async function provenTick(session: Session, stream: string): Promise<number> {
  const { rows } = await session.query(
    `SELECT tick FROM strangler_checkpoint WHERE stream = ?
     AND NOT EXISTS (SELECT 1 FROM strangler_ownership WHERE stream = ? AND unproven)`,
    [stream, stream],
  );
  return Number(rows[0]?.tick ?? 0);
}

/** What a stream’s applier says of itself. */
export type ApplierRow = {
  readonly sessionId: number;
  /** `stalled`: nothing has come through for a while, although the source goes on. */
  readonly state: 'starting' | 'backfilling' | 'running' | 'waiting' | 'stalled' | 'stopped';
  readonly reason: string | null;
  /** Milliseconds; null is infinite. */
  readonly lag: number | null;
  /** Milliseconds since the applier last said so, by the database’s clock. */
  readonly age: number;
};

/** Says how the applier of a stream does; in the stream’s target. */
export async function reportApplier(session: Session, stream: string, row: Omit<ApplierRow, 'age'>): Promise<void> {
  const values = [row.sessionId, row.state, row.reason, row.lag === null ? null : Math.round(row.lag)];
  const { affected } = await session.query(
    `UPDATE strangler_applier SET session_id = ?, state = ?, reason = ?, lag_ms = ?, seen_at = CURRENT_TIMESTAMP(6)
     WHERE stream = ?`,
    [...values, stream],
  );
  if (affected) return;
  await session.query(
    'INSERT INTO strangler_applier (session_id, state, reason, lag_ms, stream) VALUES (?, ?, ?, ?, ?)',
    [...values, stream],
  );
}

/** How the applier of a stream does, from the stream’s target; undefined if it never ran. */
export async function readApplier(session: Session, stream: string): Promise<ApplierRow | undefined> {
  const age =
    session.dialect === 'mysql'
      ? 'TIMESTAMPDIFF(MICROSECOND, seen_at, CURRENT_TIMESTAMP(6)) / 1000'
      : 'EXTRACT(EPOCH FROM clock_timestamp() - seen_at) * 1000';
  const { rows } = await session.query(
    `SELECT session_id, state, reason, lag_ms, ${age} AS age FROM strangler_applier WHERE stream = ?`,
    [stream],
  );
  const row = rows[0];
  return (
    row && {
      sessionId: Number(row.session_id),
      state: row.state as ApplierRow['state'],
      reason: row.reason === null ? null : String(row.reason),
      lag: row.lag_ms === null ? null : Number(row.lag_ms),
      age: Number(row.age),
    }
  );
}
