import type { Session } from './session.ts';

/** A row kept because it could not or must not be applied. Images are JSON objects of the source’s columns. */
export type QuarantineEntry = {
  readonly stream: string;
  /** `open`: a person decides. `settled`: nothing is left to decide. */
  readonly status: 'open' | 'settled';
  /** Why, in one of a few words: `superseded`, `late-write`, `rogue-write`, `inapplicable`, `behind-inapplicable`. */
  readonly reason: string;
  readonly table: string;
  readonly key: string;
  readonly user: string | null;
  readonly before: string | null;
  readonly after: string | null;
  readonly owner: string | null;
  readonly position: string;
  readonly resolution: string | null;
};

/** Keeps a row, with every image there is. */
export async function quarantine(session: Session, entry: QuarantineEntry): Promise<void> {
  await session.query(
    `INSERT INTO strangler_quarantine (stream, status, reason, table_name, row_key, user_id, before_image, after_image,
       owner_image, position, resolution) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      entry.stream,
      entry.status,
      entry.reason,
      entry.table,
      entry.key,
      entry.user,
      entry.before,
      entry.after,
      entry.owner,
      entry.position,
      entry.resolution,
    ],
  );
}

/** How many rows of a stream are kept, by status. */
export async function countQuarantine(session: Session, stream: string): Promise<{ open: number; settled: number }> {
  const { rows } = await session.query<{ status: string; n: number }>(
    'SELECT status, COUNT(*) AS n FROM strangler_quarantine WHERE stream = ? GROUP BY status',
    [stream],
  );
  const count = (status: string) => Number(rows.find((row) => row.status === status)?.n ?? 0);
  return { open: count('open'), settled: count('settled') };
}

/** Users of a stream with an open row that could not be applied: what follows for them is kept too. */
export async function blockedUsers(session: Session, stream: string): Promise<string[]> {
  const { rows } = await session.query<{ user_id: string }>(
    `SELECT DISTINCT user_id FROM strangler_quarantine
     WHERE stream = ? AND status = 'open' AND reason IN ('inapplicable', 'behind-inapplicable') AND user_id IS NOT NULL`,
    [stream],
  );
  return rows.map((row) => row.user_id);
}

/** The newest image of a row that was kept instead of being applied; undefined if none was. */
export async function keptImage(session: Session, table: string, key: string): Promise<string | undefined> {
  const { rows } = await session.query<{ image: string | null }>(
    `SELECT COALESCE(after_image, before_image) AS image FROM strangler_quarantine
     WHERE table_name = ? AND row_key = ? ORDER BY id DESC LIMIT 1`,
    [table, key],
  );
  return rows[0]?.image ?? undefined;
}
