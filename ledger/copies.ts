import type { BackfillStatus } from '@strangler/plan';
import { isoTime } from './iso-time.ts';
import type { Session } from './session.ts';

/** How far the copy of each table of a capability has come; in the monolith’s database. */
export async function readBackfill(session: Session, capability: string): Promise<BackfillStatus[]> {
  const { rows } = await session.query(
    'SELECT table_name, total, done, finished FROM strangler_backfill WHERE capability = ? ORDER BY table_name',
    [capability],
  );
  return rows.map((row) => ({
    table: String(row.table_name),
    total: Number(row.total),
    done: Number(row.done),
    finished: Boolean(row.finished),
  }));
}

/** Says how far the copy of a table has come. */
export async function writeBackfill(session: Session, capability: string, status: BackfillStatus): Promise<void> {
  await session.query(
    `INSERT INTO strangler_backfill (capability, table_name, total, done, finished)
     VALUES (?, ?, ?, ?, ?) AS fresh
     ON DUPLICATE KEY UPDATE total = fresh.total, done = fresh.done, finished = fresh.finished`,
    [capability, status.table, status.total, status.done, status.finished],
  );
}

/** What a verify found; `detail` is JSON: per table, and examples of mismatches. */
export type VerifyRow = {
  readonly capability: string;
  /** When it began, by the monolith’s database (`databaseTime`), ISO 8601. */
  readonly begun: string;
  readonly compared: number;
  /** Everything that was wrong: rows that differ, orphans, values that are there twice. */
  readonly mismatches: number;
  readonly detail: string;
};

/** The time of the monolith’s database, ISO 8601: the one clock by which a loss and a verify are compared. */
export async function databaseTime(session: Session): Promise<string> {
  const { rows } = await session.query('SELECT CURRENT_TIMESTAMP(6) AS now');
  return isoTime(rows[0]!.now);
}

/** An ISO 8601 time as MySQL takes it. */
export const mysqlTime = (iso: string): string => iso.replace('T', ' ').replace('Z', '');

/** Keeps the result of a verify, finished now. */
export async function writeVerify(session: Session, row: VerifyRow): Promise<void> {
  await session.query(
    `INSERT INTO strangler_verify (capability, begun_at, finished_at, compared, mismatches, detail)
     VALUES (?, ?, CURRENT_TIMESTAMP(6), ?, ?, ?)`,
    [row.capability, mysqlTime(row.begun), row.compared, row.mismatches, row.detail],
  );
}

/** The newest verify of a capability and its age in milliseconds; undefined if there was none. */
export async function lastVerify(
  session: Session,
  capability: string,
): Promise<(VerifyRow & { at: string; age: number }) | undefined> {
  const { rows } = await session.query(
    `SELECT compared, mismatches, detail, COALESCE(begun_at, finished_at) AS begun_at, finished_at,
       TIMESTAMPDIFF(MICROSECOND, finished_at, CURRENT_TIMESTAMP(6)) / 1000 AS age
     FROM strangler_verify WHERE capability = ? ORDER BY id DESC LIMIT 1`,
    [capability],
  );
  const row = rows[0];
  return (
    row && {
      capability,
      compared: Number(row.compared),
      mismatches: Number(row.mismatches),
      detail: String(row.detail),
      begun: isoTime(row.begun_at),
      at: isoTime(row.finished_at),
      age: Number(row.age),
    }
  );
}
