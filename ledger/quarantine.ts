import { exactly } from './exact.ts';
import { isoTime } from './iso-time.ts';
import { portions } from './portions.ts';
import type { Session, Value } from './session.ts';

/**
 * `open`: a person decides. `superseded`: the owner has since written the same, nothing is left to decide. `resolved`: a
 * person has decided, or it could be applied after all.
 */
export type QuarantineStatus = 'open' | 'superseded' | 'resolved';

/** Why a row was kept: against the owner's row, or because the target would not take it. */
export type QuarantineReason = 'superseded' | 'late-write' | 'rogue-write' | 'inapplicable' | 'behind-inapplicable';

/** A row kept because it could not or must not be applied. Images are JSON objects of the monolith's columns. */
export type QuarantineEntry = {
  readonly stream: string;
  readonly status: QuarantineStatus;
  readonly reason: QuarantineReason;
  readonly table: string;
  readonly key: string;
  /** The root of the aggregate it belongs to: `orders 17`. */
  readonly aggregate: string;
  readonly user: string | null;
  readonly before: string | null;
  readonly after: string | null;
  readonly owner: string | null;
  /** Where it is in its source's log, and in which transaction; null for a row of a backfill. */
  readonly position: string;
  readonly transaction: string | null;
  /** The handoff by which the source had given the user away; null if there was none. */
  readonly epoch: number | null;
  /** What the target's database said against it. */
  readonly detail: string | null;
  readonly resolution: string | null;
};

/** An entry as it is in the quarantine; times are ISO 8601. */
export type KeptEntry = QuarantineEntry & {
  readonly id: number;
  readonly keptAt: string;
  readonly settledAt: string | null;
};

const COLUMNS = `stream, status, reason, table_name, row_key, aggregate, user_id, before_image, after_image, owner_image,
  position, source_transaction, epoch, detail, resolution`;
const ENTRIES_AT_ONCE = 500;

/** What is kept is kept even if it is what the database refused: Postgres takes no NUL in a text, so a sign stands for it. */
const storable = (value: Value): Value => (typeof value === 'string' ? value.replaceAll('\0', '␀') : value);

/** Keeps rows, with every image there is. What is kept settled is settled now. */
export async function quarantine(session: Session, entries: readonly QuarantineEntry[]): Promise<void> {
  const weight = ({ before, after, owner }: QuarantineEntry) =>
    (before?.length ?? 0) + (after?.length ?? 0) + (owner?.length ?? 0);
  for (const some of portions(entries, ENTRIES_AT_ONCE, weight)) {
    const row = '(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)';
    await session.query(
      `INSERT INTO strangler_quarantine (${COLUMNS}) VALUES ${some.map(() => row).join(', ')}`,
      some.flatMap((entry) =>
        [
          entry.stream,
          entry.status,
          entry.reason,
          entry.table,
          entry.key,
          entry.aggregate,
          entry.user,
          entry.before,
          entry.after,
          entry.owner,
          entry.position,
          entry.transaction,
          entry.epoch,
          entry.detail,
          entry.resolution,
        ].map(storable),
      ),
    );
  }
}

/** Which entries to read; what is not named does not matter. */
export type QuarantineFilter = {
  readonly stream: string;
  readonly ids?: readonly number[];
  readonly status?: QuarantineStatus;
  readonly reasons?: readonly QuarantineReason[];
  readonly user?: string;
  readonly aggregate?: string;
  readonly position?: string;
  /** Only entries with a higher id. */
  readonly after?: number;
  readonly limit?: number;
  /** Holds them until the end of the session's transaction. */
  readonly lock?: boolean;
};

/** Entries, oldest first. */
export async function readQuarantine(session: Session, filter: QuarantineFilter): Promise<KeptEntry[]> {
  const { stream, ids, status, reasons, user, aggregate, position, after, limit, lock } = filter;
  const conditions = ['stream = ?'];
  const values: Value[] = [stream];
  const among = (column: string, all: readonly (string | number)[] | undefined) => {
    if (!all) return;
    conditions.push(all.length ? `${column} IN (${all.map(() => '?').join(', ')})` : '1 = 0');
    values.push(...all);
  };
  among('id', ids);
  among('status', status && [status]);
  among('reason', reasons);
  among(exactly(session.dialect, 'user_id'), user === undefined ? undefined : [user]);
  among(exactly(session.dialect, 'aggregate'), aggregate === undefined ? undefined : [aggregate]);
  among('position', position === undefined ? undefined : [position]);
  if (after !== undefined) {
    conditions.push('id > ?');
    values.push(after);
  }
  const time = (column: string) =>
    session.dialect === 'mysql' ? column : `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')`;
  const { rows } = await session.query(
    `SELECT id, ${COLUMNS}, ${time('created_at')} AS kept_at, ${time('settled_at')} AS settled_at
     FROM strangler_quarantine WHERE ${conditions.join(' AND ')} ORDER BY id
     ${limit === undefined ? '' : `LIMIT ${limit}`} ${lock ? 'FOR UPDATE' : ''}`,
    values,
  );
  return rows.map(keptOf);
}

const textOrNull = (value: unknown): string | null => (value === null ? null : String(value));

const keptOf = (row: Record<string, unknown>): KeptEntry => ({
  id: Number(row.id),
  stream: String(row.stream),
  status: row.status as QuarantineStatus,
  reason: row.reason as QuarantineReason,
  table: String(row.table_name),
  key: String(row.row_key),
  aggregate: String(row.aggregate),
  user: textOrNull(row.user_id),
  before: textOrNull(row.before_image),
  after: textOrNull(row.after_image),
  owner: textOrNull(row.owner_image),
  position: String(row.position),
  transaction: textOrNull(row.source_transaction),
  epoch: row.epoch === null ? null : Number(row.epoch),
  detail: textOrNull(row.detail),
  resolution: textOrNull(row.resolution),
  keptAt: isoTime(row.kept_at),
  settledAt: row.settled_at === null ? null : isoTime(row.settled_at),
});

/** Settles the open ones among these entries; gives how many they were. */
export async function settleQuarantine(
  session: Session,
  ids: readonly number[],
  status: 'superseded' | 'resolved',
  resolution: string,
): Promise<number> {
  if (!ids.length) return 0;
  const { affected } = await session.query(
    `UPDATE strangler_quarantine SET status = ?, resolution = ?, settled_at = CURRENT_TIMESTAMP(6)
     WHERE status = 'open' AND id IN (${ids.map(() => '?').join(', ')})`,
    [status, resolution, ...ids],
  );
  return affected;
}

/** How many rows of a stream are kept, open and settled. */
export async function countQuarantine(session: Session, stream: string): Promise<{ open: number; settled: number }> {
  const { rows } = await session.query<{ status: string; n: number }>(
    'SELECT status, COUNT(*) AS n FROM strangler_quarantine WHERE stream = ? GROUP BY status',
    [stream],
  );
  const sum = (of: typeof rows) => of.reduce((total, { n }) => total + Number(n), 0);
  return {
    open: sum(rows.filter(({ status }) => status === 'open')),
    settled: sum(rows.filter(({ status }) => status !== 'open')),
  };
}

/** Users of a stream with an open row that could not be applied: what follows for them is kept too. */
export async function blockedUsers(session: Session, stream: string): Promise<string[]> {
  const { rows } = await session.query<{ user_id: string }>(
    `SELECT DISTINCT ${exactly(session.dialect, 'user_id')} AS user_id FROM strangler_quarantine
     WHERE stream = ? AND status = 'open' AND reason IN ('inapplicable', 'behind-inapplicable') AND user_id IS NOT NULL`,
    [stream],
  );
  return rows.map((row) => row.user_id);
}

/** The newest image of each of these rows (`table`, `key`) that was kept instead of being applied. */
export async function keptImages(session: Session, table: string, keys: readonly string[]): Promise<string[]> {
  if (!keys.length) return [];
  const marks = keys.map(() => '?').join(', ');
  const key = exactly(session.dialect, 'row_key');
  const { rows } = await session.query<{ image: string }>(
    `SELECT COALESCE(q.after_image, q.before_image) AS image FROM strangler_quarantine q
     JOIN (SELECT MAX(id) AS id FROM strangler_quarantine
       WHERE ${exactly(session.dialect, 'table_name')} = ? AND ${key} IN (${marks})
       GROUP BY ${key}) newest ON newest.id = q.id`,
    [table, ...keys],
  );
  return rows.map(({ image }) => image);
}

/** What waits open in a stream because the target did not take it, of these aggregates: the newest images, oldest first. */
export async function waitingImages(
  session: Session,
  stream: string,
  aggregates: readonly string[],
): Promise<{ readonly aggregate: string; readonly table: string; readonly image: string }[]> {
  if (!aggregates.length) return [];
  const { rows } = await session.query<{ aggregate: string; table_name: string; image: string }>(
    `SELECT aggregate, table_name, COALESCE(after_image, before_image) AS image FROM strangler_quarantine
     WHERE stream = ? AND status = 'open' AND reason IN ('inapplicable', 'behind-inapplicable')
     AND aggregate IN (${aggregates.map(() => '?').join(', ')}) ORDER BY id`,
    [stream, ...aggregates],
  );
  const wanted = new Set(aggregates); // a collation may take others for equal
  return rows
    .map(({ aggregate, table_name: table, image }) => ({ aggregate, table, image }))
    .filter(({ aggregate }) => wanted.has(aggregate));
}

/** Those of these aggregates of which a late write is open that the target did not take. */
export async function refusedAggregates(session: Session, aggregates: readonly string[]): Promise<string[]> {
  if (!aggregates.length) return [];
  const exact = exactly(session.dialect, 'aggregate');
  const { rows } = await session.query<{ aggregate: string }>(
    `SELECT DISTINCT ${exact} AS aggregate FROM strangler_quarantine WHERE status = 'open' AND detail IS NOT NULL
     AND reason IN ('late-write', 'rogue-write') AND ${exact} IN (${aggregates.map(() => '?').join(', ')})`,
    [...aggregates],
  );
  return rows.map((row) => row.aggregate);
}
