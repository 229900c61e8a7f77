import type { Cause } from '@strangler/plan';
import { addToCauses, expectSettled, tallyOf } from './causes.ts';
import { exactly } from './exact.ts';
import { isoTime } from './iso-time.ts';
import { portions } from './portions.ts';
import { quoted } from './quoted.ts';
import type { Session, Value } from './session.ts';

/**
 * `open`: a person decides. `superseded`: the owner has since written the same, nothing is left to decide. `resolved`: a
 * person has decided, or it could be applied after all. `kept`: another row has taken its place; nothing is to be
 * decided, but `strangler undo` can put it back.
 */
export type QuarantineStatus = 'open' | 'superseded' | 'resolved' | 'kept';

/**
 * A row kept because it could not or must not be applied, or because another one has taken its place: then `after` is
 * what was there, and `owner` what is there since. Of a late write that was applied it is the other way round. Images are
 * JSON objects of the monolith's columns.
 */
export type QuarantineEntry = {
  readonly stream: string;
  readonly status: QuarantineStatus;
  readonly cause: Cause;
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
  /** Names what one command of an operator has done as a whole; null if none has. */
  readonly operation: string | null;
};

/** An entry as it is in the quarantine; times are ISO 8601. */
export type KeptEntry = QuarantineEntry & {
  readonly id: number;
  /** When somebody called it expected, or decided it; null if nobody has. */
  readonly expectedAt: string | null;
  readonly keptAt: string;
  readonly settledAt: string | null;
};

const COLUMNS = `stream, status, cause, table_name, row_key, aggregate, user_id, before_image, after_image, owner_image,
  position, source_transaction, epoch, detail, resolution, operation`;
const ENTRIES_AT_ONCE = 500;

/** What is kept is kept even if it is what the database refused: Postgres takes no NUL in a text, so a sign stands for it. */
const storable = (value: Value): Value => (typeof value === 'string' ? value.replaceAll('\0', '␀') : value);

/** Keeps rows, with every image there is, and counts them by cause. What is kept settled is settled now. */
export async function quarantine(session: Session, entries: readonly QuarantineEntry[]): Promise<void> {
  const weight = ({ before, after, owner }: QuarantineEntry) =>
    (before?.length ?? 0) + (after?.length ?? 0) + (owner?.length ?? 0);
  for (const some of portions(entries, ENTRIES_AT_ONCE, weight)) {
    const row = '(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)';
    await session.query(
      `INSERT INTO strangler_quarantine (${COLUMNS}) VALUES ${some.map(() => row).join(', ')}`,
      some.flatMap((entry) =>
        [
          entry.stream,
          entry.status,
          entry.cause,
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
          entry.operation,
        ].map(storable),
      ),
    );
  }
  await addToCauses(session, tallyOf(entries));
}

/** Which entries to read; what is not named does not matter. */
export type QuarantineFilter = {
  readonly stream: string;
  readonly ids?: readonly number[];
  readonly status?: QuarantineStatus;
  readonly causes?: readonly Cause[];
  readonly operation?: string;
  /** Only those that nobody has called expected or decided. */
  readonly unexpected?: boolean;
  /** Only those that are not open. */
  readonly settled?: boolean;
  readonly user?: string;
  /** Entries of these users, and those of other users in the same aggregates. */
  readonly around?: readonly string[];
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
  const { stream, ids, status, causes, operation, user, around, aggregate, position, after, limit, lock } = filter;
  const conditions = ['stream = ?'];
  const values: Value[] = [stream];
  const among = (column: string, all: readonly (string | number)[] | undefined) => {
    if (!all) return;
    conditions.push(all.length ? `${column} IN (${all.map(() => '?').join(', ')})` : '1 = 0');
    values.push(...all);
  };
  among('id', ids);
  among('status', status && [status]);
  among('cause', causes);
  among('operation', operation === undefined ? undefined : [operation]);
  among(exactly(session.dialect, 'user_id'), user === undefined ? undefined : [user]);
  among(exactly(session.dialect, 'aggregate'), aggregate === undefined ? undefined : [aggregate]);
  among('position', position === undefined ? undefined : [position]);
  if (around) {
    const theirs = `${exactly(session.dialect, 'user_id')} IN (${around.map(() => '?').join(', ')})`;
    const aggregates = `SELECT aggregate FROM strangler_quarantine WHERE ${[...conditions, theirs].join(' AND ')}`;
    conditions.push(`(${theirs} OR aggregate IN (${aggregates}))`);
    values.push(...around, ...values, ...around);
  }
  if (filter.unexpected) conditions.push('expected_at IS NULL');
  if (filter.settled) conditions.push("status <> 'open'");
  if (after !== undefined) {
    conditions.push('id > ?');
    values.push(after);
  }
  const time = (column: string) =>
    session.dialect === 'mysql' ? column : `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')`;
  const { rows } = await session.query(
    `SELECT id, ${COLUMNS}, ${time('created_at')} AS kept_at, ${time('settled_at')} AS settled_at,
       ${time('expected_at')} AS expected_at
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
  cause: row.cause as Cause,
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
  operation: textOrNull(row.operation),
  expectedAt: row.expected_at === null ? null : isoTime(row.expected_at),
  keptAt: isoTime(row.kept_at),
  settledAt: row.settled_at === null ? null : isoTime(row.settled_at),
});

/**
 * Settles the open ones among these entries; gives how many they were. What somebody has looked at counts as expected:
 * whatever is resolved, and what is `seen` to be superseded.
 */
export async function settleQuarantine(
  session: Session,
  ids: readonly number[],
  status: 'superseded' | 'resolved',
  resolution: string,
  seen = status === 'resolved',
): Promise<number> {
  let settled = 0;
  for (const some of portions(ids, ENTRIES_AT_ONCE, () => 0)) {
    const among = `status = 'open' AND id IN (${some.map(() => '?').join(', ')})`;
    if (seen) await expectSettled(session, among, some);
    const { affected } = await session.query(
      `UPDATE strangler_quarantine SET status = ?, resolution = ?, settled_at = CURRENT_TIMESTAMP(6) WHERE ${among}`,
      [status, resolution, ...some],
    );
    settled += affected;
  }
  return settled;
}

/** Says of entries what has become of them since; somebody has looked at them. */
export async function noteUndone(session: Session, ids: readonly number[], resolution: string): Promise<void> {
  await session.transaction(async () => {
    for (const some of portions(ids, ENTRIES_AT_ONCE, () => 0)) {
      const among = `id IN (${some.map(() => '?').join(', ')})`;
      await expectSettled(session, among, some);
      await session.query(`UPDATE strangler_quarantine SET resolution = ? WHERE ${among}`, [resolution, ...some]);
    }
  });
}

/** The open rows of a stream, counted by table and cause, with what was said of one of them. */
export async function openByCause(
  session: Session,
  stream: string,
): Promise<{ readonly table: string; readonly cause: string; readonly detail: string | null; readonly n: number }[]> {
  const { rows } = await session.query<{ table: string; cause: string; detail: string | null; n: number }>(
    `SELECT table_name AS ${quoted(session.dialect, 'table')}, cause, MIN(detail) AS detail, COUNT(*) AS n FROM strangler_quarantine
     WHERE stream = ? AND status = 'open' GROUP BY table_name, cause ORDER BY table_name, cause`,
    [stream],
  );
  return rows.map((row) => ({ ...row, n: Number(row.n) }));
}

/** Users of a stream with an open row that could not be applied: what follows for them is kept too. */
export async function blockedUsers(session: Session, stream: string): Promise<string[]> {
  const { rows } = await session.query<{ user_id: string }>(
    `SELECT DISTINCT ${exactly(session.dialect, 'user_id')} AS user_id FROM strangler_quarantine
     WHERE stream = ? AND status = 'open' AND cause IN ('inapplicable', 'behind-inapplicable') AND user_id IS NOT NULL`,
    [stream],
  );
  return rows.map((row) => row.user_id);
}

/** Aggregates of a stream that went to another user although they were not the source's to give, and wait for a person. */
export async function disputedAggregates(session: Session, stream: string): Promise<string[]> {
  const { rows } = await session.query<{ aggregate: string }>(
    `SELECT DISTINCT ${exactly(session.dialect, 'aggregate')} AS aggregate FROM strangler_quarantine
     WHERE stream = ? AND status = 'open' AND cause = 'changed-hands'`,
    [stream],
  );
  return rows.map((row) => row.aggregate);
}

/** The newest image of each of these rows (`table`, `key`) that was kept instead of being applied. */
export async function keptImages(session: Session, table: string, keys: readonly string[]): Promise<string[]> {
  if (!keys.length) return [];
  const marks = keys.map(() => '?').join(', ');
  const key = exactly(session.dialect, 'row_key');
  const { rows } = await session.query<{ image: string }>(
    `SELECT COALESCE(q.after_image, q.before_image) AS image FROM strangler_quarantine q
     JOIN (SELECT MAX(id) AS id FROM strangler_quarantine
       WHERE status <> 'kept' AND ${exactly(session.dialect, 'table_name')} = ? AND ${key} IN (${marks})
       GROUP BY ${key}) newest ON newest.id = q.id`,
    [table, ...keys],
  );
  return rows.map(({ image }) => image);
}

/** Those of these rows (`table`, `key`) of which an image waits because the target did not take it, whatever stream brought it. */
export async function waitingKeys(session: Session, table: string, keys: readonly string[]): Promise<string[]> {
  if (!keys.length) return [];
  const key = exactly(session.dialect, 'row_key');
  const { rows } = await session.query<{ row_key: string }>(
    `SELECT DISTINCT ${key} AS row_key FROM strangler_quarantine
     WHERE status = 'open' AND cause IN ('inapplicable', 'behind-inapplicable') AND after_image IS NOT NULL
     AND ${exactly(session.dialect, 'table_name')} = ? AND ${key} IN (${keys.map(() => '?').join(', ')})`,
    [table, ...keys],
  );
  return rows.map(({ row_key }) => row_key);
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
     WHERE stream = ? AND status = 'open' AND cause IN ('inapplicable', 'behind-inapplicable')
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
     AND cause IN ('late-write', 'rogue-write') AND ${exact} IN (${aggregates.map(() => '?').join(', ')})`,
    [...aggregates],
  );
  return rows.map((row) => row.aggregate);
}
