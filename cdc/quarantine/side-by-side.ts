import type { KeptEntry } from '@strangler/ledger';
import { keyOf, type Mapping, type Row } from '../mapping/mapping.ts';
import { nameOf } from '../rows/aggregates.ts';
import type { RootImage } from '../rows/change.ts';
import type { KeptChange } from './dispute.ts';

/** A row with this key among images. */
export function rowAmong(images: readonly RootImage[], { table, before, after }: KeptChange): Row | null {
  const key = keyOf(table, (after ?? before)!);
  for (const image of images) {
    if (image.table === table.name && image.row && keyOf(table, image.row) === key) return image.row;
    const child = image.children.find((one) => one.table === table.name && keyOf(table, one.row) === key);
    if (child) return child.row;
  }
  return null;
}

/** Columns in which the owner's row is not what it was when the change was kept. */
export function differingColumns(change: KeptChange, images: readonly RootImage[]): string[] {
  const { table, entry } = change;
  const then = entry.owner === null ? null : (JSON.parse(entry.owner) as Row);
  const own = rowAmong(images, change);
  const now = then && keyOf(table, then) !== entry.key ? rival(images, change, then) : own;
  if (!then || !now) return then === now ? [] : [then ? 'it is gone' : 'it is there now'];
  return table.columns.map(({ name }) => name).filter((name) => then[name] !== now[name]);
}

/** When it was kept, another row of the owner was the same thing: that one. */
const rival = (images: readonly RootImage[], { table }: KeptChange, then: Row): Row | null =>
  images.find((image) => image.table === table.name && image.row && keyOf(table, image.row) === keyOf(table, then))
    ?.row ?? null;

/** One line of two images: the column, what was before, late and the owner's value, and whether the last two differ. */
export type Line = {
  readonly column: string;
  readonly before: string | null | undefined;
  readonly late: string | null | undefined;
  readonly owner: string | null | undefined;
  readonly differs: boolean;
};

/** True for what one side wrote although it did not own the user; else the entry is a row that was overwritten. */
export const isLate = ({ cause, status }: KeptEntry): boolean => /^(late|rogue)-/.test(cause) || status === 'open';

/** One row on both sides; `undefined` values say that the row is not there. */
export type RowPair = { readonly row: string; readonly note: string; readonly lines: readonly Line[] };

/** Every row that was kept beside the owner's, then the owner's rows that the late write does not know. */
export function pairUp(mapping: Mapping, changes: readonly KeptChange[], images: readonly RootImage[]): RowPair[] {
  const pairs = changes.map((change): RowPair => {
    const { table, before, after, entry } = change;
    const own = rowAmong(images, change);
    const lines = table.columns.map(({ name }) => {
      const [late, owner] = [after?.[name], own?.[name]];
      return { column: name, before: before?.[name], late, owner, differs: late !== owner };
    });
    const note = isLate(entry) ? (after ? (before ? 'changed late' : 'inserted late') : 'deleted late') : 'was there';
    return { row: `${table.name} ${entry.key}`, note: own ? note : `${note}; the owner has no such row`, lines };
  });
  const known = new Set(pairs.map(({ row }) => row));
  const all = images.flatMap(({ table, row, children }) => [...(row ? [{ table, row }] : []), ...children]);
  for (const { table, row } of all) {
    const name = nameOf(mapping.get(table)!, row);
    if (known.has(name)) continue;
    const lines = Object.entries(row).map(([column, owner]) => ({
      ...{ column, before: undefined, late: undefined, owner, differs: false },
    }));
    pairs.push({ row: name, note: 'the owner’s, untouched by the late write', lines });
  }
  return pairs;
}
