import type { Side } from '@strangler/plan';
import type { Image } from '../log/row-change.ts';
import type { Column } from './columns.ts';
import { withShortDoubles } from './json-text.ts';
import { type MappedTable, type Row, SchemaChangedError } from './mapping.ts';
import { canonical, UnconvertibleError } from './value-kinds.ts';

/** The key of the row that had an id on a side, as one text. */
export type KeyOfId = (parent: MappedTable, id: string) => string;

/** A captured image as a row. Throws UnconvertibleError and SchemaChangedError, naming the column. */
export function toRow(
  table: MappedTable,
  side: Side,
  image: Image,
  keyOfId: KeyOfId = (_, id) => goneId(id, side),
): Row {
  const row: Record<string, string | null> = {};
  for (const name in image) if (!table.known[side].has(name)) throw SchemaChangedError.added(table, side, name);
  for (const column of table.columns) {
    const own = column[side];
    const value = image[own.name];
    if (value === undefined) throw SchemaChangedError.missing(table, side, own.name);
    try {
      const text = canonical(column.kind, side === 'monolith' ? asStored(own, value) : value);
      row[column.name] = text !== null && column.refers ? keyOfId(column.refers, text) : text;
    } catch (error) {
      if (!(error instanceof UnconvertibleError || error instanceof SyntaxError)) throw error;
      throw new UnconvertibleError(`${column.kind.name}: ${table.tables[side]}.${own.name}`, value);
    }
  }
  return row;
}

/** Takes the place of the key of a row that is gone, of which only the id is known: no row is found by it. */
export const goneId = (id: string, side: Side): string => `(${id}: gone from the ${side})`;

/** The id in a text that `goneId` has made. */
export function idGone(text: string): { readonly id: string; readonly side: Side } | undefined {
  const [, id, side] = /^\((.+): gone from the (monolith|service)\)$/s.exec(text) ?? [];
  return id === undefined ? undefined : { id, side: side as Side };
}

/** What MySQL says where its connector says something else. */
export function asStored({ type }: Column, value: unknown): unknown {
  if (type === 'bigint unsigned') return unsigned(value);
  if (type === 'year') return Number(value) === YEAR_0 ? 0 : value;
  return type === 'json' && typeof value === 'string' ? withShortDoubles(value) : value;
}

/** The log has a byte for a YEAR, the years since 1900, and 0 for 0000; there is no year 1900. */
const YEAR_0 = 1900;

/** `bigint.unsigned.handling.mode=precise` writes base64 of a big-endian two's-complement integer. */
const unsigned = (value: unknown): unknown =>
  typeof value === 'string' ? BigInt(`0x${Buffer.from(value, 'base64').toString('hex') || '0'}`) : value;
