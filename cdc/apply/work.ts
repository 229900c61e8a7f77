import { type HandoffRow, quoted } from '@strangler/ledger';
import { type Direction, sourceOf } from '@strangler/plan';
import { collectGarbageAfter } from '../collect-garbage.ts';
import type { LargeTransaction, Unit } from '../log/assemble.ts';
import { NEXT_STEP } from '../log/continuity.ts';
import { isOurs } from '../log/ours.ts';
import { decode, type Image, type RowChange, UndecodableError } from '../log/row-change.ts';
import type { BatchSize } from '../log/spill.ts';
import { type KeyOfId, toRow } from '../mapping/captured-row.ts';
import { keyOf, type MappedTable, type Mapping, tableOfChange } from '../mapping/mapping.ts';
import { waysIn } from '../mapping/user-column.ts';
import type { Change, Correction } from '../rows/change.ts';
import type { KeysOfIds, ReferredRows } from '../rows/keys-of-ids.ts';

/** Where a stream is after a step. */
export type StreamProgress = { readonly position: string | null; readonly kafkaOffset: number; readonly tick: number };

/** What one unit of the source asks of the target. */
export type Work =
  | {
      readonly kind: 'changes';
      readonly changes: readonly Change[];
      readonly position: string;
      readonly transaction: string;
    }
  | { readonly kind: 'copy'; readonly change: Change }
  | { readonly kind: 'handoff'; readonly row: HandoffRow }
  | { readonly kind: 'correction'; readonly correction: Correction; readonly position: string }
  | { readonly kind: 'tick'; readonly n: number; readonly at: number }
  | { readonly kind: 'copied'; readonly table: string }
  | ({ readonly kind: 'referred' } & ReferredRows);

/** One piece of work and where the stream is after it. */
export type Step = { readonly work: Work; readonly progress: StreamProgress };

/** What a stream must know to read its source's units. */
export type SourceContext = {
  readonly capability: string;
  readonly direction: Direction;
  readonly mapping: Mapping;
  /** What ids of rows that are shared by key stand for; unset where there are none. */
  readonly keysOfIds?: KeysOfIds | undefined;
};

/**
 * The rows shared by key to which a unit refers and of which the log has not told: to be done before its own work, which cannot
 * be said before. Throws the driver's errors of the source.
 */
export async function referredBy({ keysOfIds }: SourceContext, unit: Exclude<Unit, LargeTransaction>): Promise<Work[]> {
  if (!keysOfIds) return [];
  const rows = unit.kind === 'transaction' ? unit.rows : unit.kind === 'read' ? [unit.row] : [];
  return (await keysOfIds.learn(rows)).map((one) => ({ kind: 'referred', ...one }));
}

/**
 * The work of one unit for one capability; nothing if it concerns others or is an echo.
 * Throws SignsDisagreeError, UnconvertibleError, UndecodableError.
 */
export function workOf(reading: SourceContext, unit: Exclude<Unit, LargeTransaction>): Work[] {
  if (unit.kind === 'copied') {
    return reading.mapping.has(unit.table) ? [{ kind: 'copied', table: unit.table }] : [];
  }
  if (unit.kind === 'read') {
    const change = changeOf(reading, unit.row);
    return change ? [{ kind: 'copy', change }] : [];
  }
  if (isOurs(unit)) return unit.rows.flatMap((row) => ledgerWork(reading, row, unit.position));
  const changes = unit.rows.map((row) => changeOf(reading, row)).filter((change) => change !== undefined);
  return changes.length ? [{ kind: 'changes', changes, position: unit.position, transaction: unit.id }] : [];
}

/**
 * The work of a large transaction, some rows at a time: the same as if it had come whole. Nothing if it is an echo.
 * Throws as `workOf` does.
 */
export async function* workOfLarge(
  reading: SourceContext,
  { id, head, rows, position }: LargeTransaction,
  size: BatchSize,
) {
  isOurs({ kind: 'transaction', id, rows: [head], position }); // throws if the signs disagree
  reading.keysOfIds?.beginLarge(id);
  for (const messages of rows.batches(size)) {
    const some = messages.map((message) => decode(message) as RowChange);
    collectGarbageAfter(messages.reduce((sum, { length }) => sum + length, 0));
    const unit = { kind: 'transaction', id, rows: some, position } as const;
    yield [...(await referredBy(reading, unit)), ...workOf(reading, unit)];
  }
}

const TOLD = new Set(['strangler_correction', 'strangler_handoff']);

/** What a row of a large transaction is found by: its keys, if others reach their user through it. Undefined if unwanted. */
export function namesIn(reading: SourceContext, row: RowChange): readonly string[] | undefined {
  if (row.table.startsWith('strangler_')) return TOLD.has(row.table) ? [] : undefined;
  const table = tableOfChange(reading.mapping, reading.direction, row.table);
  if (!table || row.nativeSign) return undefined;
  refuseMissing(table, row); // who reads it from the file does not know its headers
  const isParent = [...reading.mapping.values()].some(({ user }) =>
    waysIn(user).some((way) => 'of' in way && way.of === table.name),
  );
  if (!isParent) return [];
  const images = [row.before, row.after].filter((image) => image !== null);
  return [
    ...new Set(
      images.map((image) => `${table.name} ${keyOf(table, toRow(table, sourceOf(reading.direction), image))}`),
    ),
  ];
}

function changeOf(reading: SourceContext, row: RowChange): Change | undefined {
  const table = tableOfChange(reading.mapping, reading.direction, row.table);
  if (!table) return undefined;
  if (row.op === 't') {
    throw new UndecodableError(`${row.table} was truncated, which cannot be followed. ${NEXT_STEP}`);
  }
  refuseMissing(table, row);
  const side = sourceOf(reading.direction);
  const keyOfId: KeyOfId | undefined = reading.keysOfIds?.of(row);
  const image = (given: Image | null) => (given ? toRow(table, side, given, keyOfId) : null);
  return { table, before: row.op === 'r' ? null : image(row.before), after: row.op === 'd' ? null : image(row.after) };
}

/** Throws UndecodableError if a value was not in the log: a large one that an UPDATE has not changed. */
function refuseMissing(table: MappedTable, { placeholder, before, after }: RowChange): void {
  if (placeholder === undefined || !after) return;
  for (const { service } of table.columns) {
    const { name, type } = service;
    // Where the former row has it, the connector has taken it from there: the text is somebody's.
    if (after[name] !== placeholder || !MAY_BE_MISSING.has(type) || (before?.[name] ?? null) !== null) continue;
    const called = table.tables.service;
    throw new UndecodableError(
      `${called}.${name} is missing from the log; run: ALTER TABLE ${quoted('postgres', called)} REPLICA IDENTITY FULL. ${NEXT_STEP}`,
    );
  }
}

/** Postgres' types whose large values stand beside the row, in a TOAST table. */
const MAY_BE_MISSING = new Set(['text', 'varchar', 'bpchar', 'json', 'jsonb', 'bytea', 'numeric']);

function ledgerWork(reading: SourceContext, row: RowChange, position: string): Work[] {
  const image = row.after;
  if (!image) return [];
  if (row.table === 'strangler_tick') {
    return [{ kind: 'tick', n: Number(image.n), at: Date.parse(String(image.ticked_at)) }];
  }
  if (image.capability !== reading.capability || row.op !== 'c') return [];
  if (row.table === 'strangler_handoff') return [{ kind: 'handoff', row: handoffOf(image) }];
  if (row.table === 'strangler_correction') {
    return [{ kind: 'correction', correction: JSON.parse(String(image.images)) as Correction, position }];
  }
  return [];
}

function handoffOf(image: Image): HandoffRow {
  const range = { lo: Number(image.lo), hi: Number(image.hi) };
  return {
    capability: String(image.capability),
    epoch: Number(image.epoch),
    kind: String(image.kind) as HandoffRow['kind'],
    subject: image.user_id === null ? range : { ...range, user: String(image.user_id) },
    forced: Boolean(image.forced),
  };
}
