import { type Cause, COUNTED_ONLY, SUSPECT } from '@strangler/plan';
import type { Session, Value } from './session.ts';

/** How many rows a stream has kept for one cause. */
export type CauseTally = { readonly stream: string; readonly cause: Cause; readonly rows: number };

/** Counts entries by stream and cause. */
export function tallyOf(entries: readonly { readonly stream: string; readonly cause: Cause }[]): CauseTally[] {
  const groups = Map.groupBy(entries, ({ stream, cause }) => JSON.stringify([stream, cause]));
  return [...groups.values()].map((some) => ({ stream: some[0]!.stream, cause: some[0]!.cause, rows: some.length }));
}

/** Adds to the counters of causes: one row each, so that asking for them costs nothing however much is kept. */
export async function addToCauses(session: Session, tallies: readonly CauseTally[]): Promise<void> {
  if (!tallies.length) return;
  const more =
    session.dialect === 'mysql'
      ? 'AS fresh ON DUPLICATE KEY UPDATE kept = strangler_cause.kept + fresh.kept'
      : 'ON CONFLICT (stream, cause) DO UPDATE SET kept = strangler_cause.kept + excluded.kept';
  const inOrder = [...tallies].sort((a, b) => (`${a.stream} ${a.cause}` < `${b.stream} ${b.cause}` ? -1 : 1));
  await session.query(
    `INSERT INTO strangler_cause (stream, cause, kept, expected)
     VALUES ${inOrder.map(() => '(?, ?, ?, 0)').join(', ')} ${more}`,
    inOrder.flatMap(({ stream, cause, rows }) => [stream, cause, rows]),
  );
}

/** What a stream has kept for one cause. */
export type CauseRow = {
  readonly cause: Cause;
  /** All that were ever kept, also those no longer there. */
  readonly kept: number;
  /** Those of them that somebody has called expected or decided. */
  readonly expected: number;
  /** Those that wait for a decision. */
  readonly open: number;
  /** The newest one that nobody has looked at, if there are any. */
  readonly sample: { readonly id: number; readonly row: string; readonly user: string | null } | undefined;
};

/** How many rows are left that nobody has called expected, decided, or still has to decide; 0 for causes that need it not. */
export const unexpectedOf = ({ cause, kept, expected, open }: Omit<CauseRow, 'sample'>): number =>
  SUSPECT.includes(cause) ? Math.max(0, kept - expected - open) : 0;

/** What a stream has kept, by cause. */
export async function readCauses(session: Session, stream: string): Promise<CauseRow[]> {
  const { rows } = await session.query('SELECT cause, kept, expected FROM strangler_cause WHERE stream = ?', [stream]);
  if (!rows.length) return [];
  const { rows: waiting } = await session.query(
    "SELECT cause, COUNT(*) AS n FROM strangler_quarantine WHERE stream = ? AND status = 'open' GROUP BY cause",
    [stream],
  );
  const open = new Map(waiting.map(({ cause, n }) => [String(cause), Number(n)]));
  const causes: CauseRow[] = [];
  for (const row of rows) {
    const cause = String(row.cause) as Cause;
    const counts = { cause, kept: Number(row.kept), expected: Number(row.expected), open: open.get(cause) ?? 0 };
    const sample = unexpectedOf(counts) ? await newestUnexpected(session, stream, cause) : undefined;
    causes.push({ ...counts, sample });
  }
  return causes;
}

async function newestUnexpected(session: Session, stream: string, cause: Cause): Promise<CauseRow['sample']> {
  const { rows } = await session.query(
    `SELECT id, table_name, row_key, user_id FROM strangler_quarantine
     WHERE stream = ? AND cause = ? AND expected_at IS NULL AND status <> 'open' ORDER BY id DESC LIMIT 1`,
    [stream, cause],
  );
  const [row] = rows;
  if (!row) return undefined;
  const user = row.user_id === null ? null : String(row.user_id);
  return { id: Number(row.id), row: `${row.table_name} ${row.row_key}`, user };
}

const AT_ONCE = 1_000;

/**
 * Marks the entries for which `condition` holds as expected, as somebody has looked at them. Gives how many they were. To
 * be called in a transaction.
 */
export async function expectSettled(session: Session, condition: string, values: readonly Value[]): Promise<number> {
  const among = `expected_at IS NULL AND ${condition}`;
  const { rows } = await session.query(
    `SELECT id, stream, cause FROM strangler_quarantine WHERE ${among} ORDER BY id FOR UPDATE`,
    values,
  );
  const found = rows.map(({ stream, cause }) => ({ stream: String(stream), cause: String(cause) as Cause }));
  for (let at = 0; at < rows.length; at += AT_ONCE) {
    const ids = rows.slice(at, at + AT_ONCE).map(({ id }) => Number(id)); // what has come since, nobody has seen
    await session.query(
      `UPDATE strangler_quarantine SET expected_at = CURRENT_TIMESTAMP(6) WHERE id IN (${ids.map(() => '?').join(', ')})`,
      ids,
    );
  }
  for (const { stream, cause, rows: n } of tallyOf(found)) {
    await session.query('UPDATE strangler_cause SET expected = expected + ? WHERE stream = ? AND cause = ?', [
      n,
      stream,
      cause,
    ]);
  }
  return found.length;
}

/** Calls entries of a stream expected: some, or all that are not open, of one cause or of any. Gives how many they were. */
export async function expectEntries(
  session: Session,
  { stream, ids, cause }: { readonly stream: string; readonly ids?: readonly number[]; readonly cause?: Cause },
): Promise<number> {
  const conditions = ["status <> 'open'", 'stream = ?'];
  const values: Value[] = [stream];
  if (cause) {
    conditions.push('cause = ?');
    values.push(cause);
  }
  if (ids) {
    if (!ids.length) return 0;
    conditions.push(`id IN (${ids.map(() => '?').join(', ')})`);
    values.push(...ids);
  }
  return session.transaction(() => expectSettled(session, conditions.join(' AND '), values));
}

/**
 * Forgets settled entries of a stream that are older than so many milliseconds, at most a thousand at a time; gives how
 * many they were. What keeps users from moving forward stays until somebody has looked at it.
 */
export async function pruneQuarantine(session: Session, stream: string, olderThan: number): Promise<number> {
  const mysql = session.dialect === 'mysql';
  const then = mysql
    ? 'CURRENT_TIMESTAMP(6) - INTERVAL ? MICROSECOND'
    : "CURRENT_TIMESTAMP - ? * INTERVAL '1 microsecond'";
  const suspect = SUSPECT.map(() => '?').join(', ');
  const { rows } = await session.query(
    `SELECT id FROM strangler_quarantine WHERE stream = ? AND status <> 'open' AND created_at < ${then}
     AND COALESCE(settled_at, created_at) < ${then} AND (expected_at IS NOT NULL OR cause NOT IN (${suspect}))
     ORDER BY id LIMIT 1000`,
    [stream, olderThan * 1_000, olderThan * 1_000, ...SUSPECT],
  );
  if (!rows.length) return 0;
  const marks = rows.map(() => '?').join(', ');
  const { affected } = await session.query(
    `DELETE FROM strangler_quarantine WHERE id IN (${marks}) AND status <> 'open'`,
    rows.map(({ id }) => Number(id)),
  );
  return affected;
}

/** How many rows are kept, open and settled; also those that are no longer there. */
export function countKept(causes: readonly CauseRow[]): { open: number; settled: number } {
  const kept = causes.filter(({ cause }) => !(COUNTED_ONLY as readonly Cause[]).includes(cause));
  const open = kept.reduce((sum, one) => sum + one.open, 0);
  return { open, settled: kept.reduce((sum, one) => sum + one.kept, 0) - open };
}

/** As `countKept`, of one stream. */
export const countQuarantine = async (session: Session, stream: string): Promise<{ open: number; settled: number }> =>
  countKept(await readCauses(session, stream));
