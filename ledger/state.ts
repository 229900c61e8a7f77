import type { DecisionRecord } from '@strangler/plan';
import { isoTime } from './iso-time.ts';
import type { Session } from './session.ts';

/** Control’s durable state of one capability; `body` is JSON that only control reads. */
export type StateRow = {
  readonly capability: string;
  readonly version: number;
  readonly epoch: number;
  readonly boundary: number;
  readonly body: string;
};

/** Every stored state. */
export async function readStates(session: Session): Promise<StateRow[]> {
  const { rows } = await session.query('SELECT capability, version, epoch, boundary, body FROM strangler_state');
  return rows.map((row) => ({
    capability: String(row.capability),
    version: Number(row.version),
    epoch: Number(row.epoch),
    boundary: Number(row.boundary),
    body: String(row.body),
  }));
}

/**
 * Compare-and-set: stores `row` if the stored version is the one before it (0: none is stored). False if somebody else
 * has written meanwhile; then nothing has changed.
 */
export async function writeState(session: Session, row: StateRow): Promise<boolean> {
  if (row.version === 1) {
    const { rows } = await session.query('SELECT 1 FROM strangler_state WHERE capability = ?', [row.capability]);
    if (rows.length) return false;
    await session.query(
      'INSERT INTO strangler_state (capability, version, epoch, boundary, body) VALUES (?, 1, ?, ?, ?)',
      [row.capability, row.epoch, row.boundary, row.body],
    );
    return true;
  }
  const { affected } = await session.query(
    'UPDATE strangler_state SET version = ?, epoch = ?, boundary = ?, body = ? WHERE capability = ? AND version = ?',
    [row.version, row.epoch, row.boundary, row.body, row.capability, row.version - 1],
  );
  return affected === 1;
}

/** Adds one decision record. */
export async function writeRecord(session: Session, record: Omit<DecisionRecord, 'id' | 'at'>): Promise<void> {
  await session.query(
    'INSERT INTO strangler_record (capability, event, actor, reason, inputs) VALUES (?, ?, ?, ?, ?)',
    [record.capability, record.event, record.actor, record.reason, JSON.stringify(record.inputs)],
  );
}

/** Decision records after an id, oldest first; of one capability or of all. */
export async function readRecords(
  session: Session,
  { capability, after = 0, limit = 100 }: { capability?: string; after?: number; limit?: number },
): Promise<DecisionRecord[]> {
  const { rows } = await session.query(
    `SELECT id, capability, event, actor, reason, inputs, recorded_at FROM strangler_record
     WHERE id > ? AND (? = '' OR capability = ?) ORDER BY id LIMIT ?`,
    [after, capability ?? '', capability ?? '', limit],
  );
  return rows.map((row) => ({
    id: Number(row.id),
    at: isoTime(row.recorded_at),
    capability: String(row.capability),
    event: String(row.event),
    actor: String(row.actor),
    reason: String(row.reason),
    inputs: JSON.parse(String(row.inputs)),
  }));
}
