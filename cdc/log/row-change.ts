import type { IHeaders } from 'kafkajs';
import { FatalStreamError } from '../fatal-stream-error.ts';
import { parseLosslessly } from './lossless.ts';

/** The columns of one row as Debezium wrote them. */
export type Image = Readonly<Record<string, unknown>>;

/** Where a change is in its source's log. */
export type LogPlace =
  | { readonly dialect: 'mysql'; readonly server: string; readonly file: string; readonly pos: bigint }
  | { readonly dialect: 'postgres'; readonly lsn: bigint };

/** One captured row change, decoded. */
export type RowChange = {
  readonly kind: 'row';
  /** `r` is a row of a backfill. */
  readonly op: 'c' | 'u' | 'd' | 'r' | 't';
  readonly table: string;
  readonly before: Image | null;
  readonly after: Image | null;
  /** What its source transaction is grouped by; null outside of one. */
  readonly transaction: string | null;
  /** Its number in the transaction, from 1; 0 outside of one. */
  readonly order: number;
  readonly place: LogPlace;
  /** True if the transaction carries the native sign of being ours (GTID tag, replication origin). */
  readonly nativeSign: boolean;
  /** When its transaction was committed, ms since 1970 by the database’s clock, as exactly as the log has it. */
  readonly at?: number | undefined;
  /** What is in `after` for a value that was not in the log; undefined if no value can be missing from it. */
  readonly placeholder?: string | undefined;
};

/** What one Kafka message of a source topic says. */
export type SourceEvent =
  | RowChange
  | { readonly kind: 'begin'; readonly transaction: string }
  | { readonly kind: 'end'; readonly transaction: string; readonly count: number; readonly lsn: bigint | null }
  | { readonly kind: 'copied'; readonly table: string }
  | { readonly kind: 'other' };

/** A message that cannot be read; the stream must stop, because nothing may be skipped. */
export class UndecodableError extends FatalStreamError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UndecodableError';
  }
}

const OTHER: SourceEvent = { kind: 'other' };

/** What Debezium writes for a value that was not in the log, unless told otherwise: as customers may, too. */
const DEBEZIUMS_PLACEHOLDER = '__debezium_unavailable_value';

/** Our header of a Postgres connector's messages: what stands for a value that was not in the log. */
export const PLACEHOLDER_HEADER = 'strangler.unavailable';

/** Debezium's header of a row that an UPDATE has given another primary key. */
const MOVED_HEADER = '__debezium.oldkey';

type Envelope = {
  before: Image | null;
  after: Image | null;
  op: string;
  source: Record<string, unknown> & { table: string; connector: string };
  transaction: { id: string; total_order: number } | null;
};

/** Numbers of sixteen digits may not survive JSON.parse; everything shorter does. */
const LONG_NUMBER = /\d{16}/;

const parseNumber = (text: string): number | bigint => (/^-?\d+$/.test(text) ? BigInt(text) : Number(text));

/** The images come first in an envelope; what follows has nanosecond stamps that nobody reads exactly. */
function parseEnvelope(text: string): unknown {
  const source = text.lastIndexOf(',"source":{');
  const images = source < 0 ? text : text.slice(0, source);
  return LONG_NUMBER.test(images) ? parseLosslessly(text, parseNumber) : JSON.parse(text);
}

/** A Postgres transaction id is `txid:lsn`, with another lsn in every event: the txid groups. */
const groupId = (id: string, dialect: string): string => (dialect === 'postgresql' ? id.split(':')[0]! : id);

const isPostgresId = (id: string): boolean => /^\d+:\d+$/.test(id);

/** Decodes one Kafka message. Without its headers no value is taken for a missing one. Throws UndecodableError. */
export function decode(value: Buffer | string | null, headers?: IHeaders): SourceEvent {
  if (value === null) return OTHER;
  let message: Record<string, unknown>;
  try {
    message = parseEnvelope(String(value)) as Record<string, unknown>;
  } catch (cause) {
    throw new UndecodableError('a message is not JSON', { cause });
  }
  if (message === null || typeof message !== 'object') throw new UndecodableError('a message is no JSON object');
  if (typeof message.op === 'string') return decodeRow(message as unknown as Envelope, headers);
  if (message.status === 'BEGIN' || message.status === 'END') return decodeMarker(message);
  if (message.aggregate_type === 'Incremental Snapshot') return decodeNotification(message);
  return OTHER;
}

function decodeMarker(message: Record<string, unknown>): SourceEvent {
  const id = String(message.id);
  const postgres = isPostgresId(id);
  const transaction = postgres ? id.split(':')[0]! : id;
  if (message.status === 'BEGIN') return { kind: 'begin', transaction };
  return {
    kind: 'end',
    transaction,
    count: Number(message.event_count),
    lsn: postgres ? BigInt(id.split(':')[1]!) : null,
  };
}

function decodeNotification(message: Record<string, unknown>): SourceEvent {
  const data = message.additional_data as Record<string, string> | undefined;
  if (message.type !== 'TABLE_SCAN_COMPLETED' || !data?.scanned_collection) return OTHER;
  return { kind: 'copied', table: data.scanned_collection.split('.').at(-1)! };
}

function decodeRow(envelope: Envelope, headers: IHeaders | undefined): SourceEvent {
  const { op, source, transaction } = envelope;
  if (op === 'm') return OTHER;
  if (!'cudrt'.includes(op)) throw new UndecodableError(`a change of ${source.table} has the unknown operation ${op}`);
  const before = envelope.before ?? null;
  const after = envelope.after ?? null;
  if ((op === 'd' ? before : after) === null && op !== 't') {
    throw new UndecodableError(`a change of ${source.table} carries no row`);
  }
  return {
    kind: 'row',
    op: op as RowChange['op'],
    table: source.table,
    before,
    after,
    transaction: transaction ? groupId(transaction.id, source.connector) : null,
    order: transaction ? Number(transaction.total_order) : 0,
    place: placeOf(source),
    nativeSign: nativeSignOf(source),
    at: source.ts_us === undefined ? undefined : Number(source.ts_us) / 1_000,
    placeholder: headers && source.connector === 'postgresql' ? placeholderOf(op, headers) : undefined,
  };
}

/**
 * The header says it. A message from before there was one has Debezium's own text, which is plain data where nothing can
 * be missing: an UPDATE alone leaves values out that it does not change.
 */
function placeholderOf(op: string, headers: IHeaders): string | undefined {
  const said = headers[PLACEHOLDER_HEADER];
  if (said !== undefined) return String(said);
  return op === 'u' || headers[MOVED_HEADER] !== undefined ? DEBEZIUMS_PLACEHOLDER : undefined;
}

function placeOf(source: Envelope['source']): LogPlace {
  if (source.connector === 'postgresql') return { dialect: 'postgres', lsn: BigInt(String(source.lsn ?? 0)) };
  const gtid = typeof source.gtid === 'string' ? source.gtid : '';
  return {
    dialect: 'mysql',
    server: gtid.split(':')[0]!,
    file: String(source.file),
    pos: BigInt(String(source.pos ?? 0)),
  };
}

function nativeSignOf(source: Envelope['source']): boolean {
  if (source.connector === 'postgresql') return String(source.origin ?? '').startsWith('strangler_');
  return String(source.gtid ?? '').split(':')[1] === 'strangler';
}
