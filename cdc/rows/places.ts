import type { Side } from '@strangler/plan';
import { columnOf, keyFrom, type MappedColumn, type MappedTable, type Row } from '../mapping/mapping.ts';

/** A table that is shared by key, as its rows' keys and the ids of one side alone. */
export function identityOf(table: MappedTable): MappedTable {
  const { ownId, ...rest } = table;
  return { ...rest, columns: [ownId!.column, ...table.key.map((name) => columnOf(table, name))] };
}

/** A column by which rows are ordered alike on both sides: one of their key, or of the key of what that refers to. */
type Place = { readonly alias: string; readonly column: MappedColumn };

/** By what rows are ordered, and what must be joined for that. A row that refers to none has no place. */
export function placesOf(table: MappedTable, side: Side, quote: (name: string) => string) {
  const joins: string[] = [];
  const places = table.key.flatMap((name, at): Place[] => {
    const column = columnOf(table, name);
    const { refers } = column;
    if (!refers) return [{ alias: 't', column }];
    const alias = `p${at}`;
    const id = `${alias}.${quote(refers.ownId!.column[side].name)}`;
    joins.push(`JOIN ${quote(refers.tables[side])} ${alias} ON ${id} = t.${quote(column[side].name)}`);
    return refers.key.map((part) => ({
      alias,
      column: { ...columnOf(refers, part), name: placeName(name, part) },
    }));
  });
  return { places, joins: joins.join(' ') };
}

const placeName = (column: string, part: string): string => JSON.stringify([column, part]);

/** The place of a row, by the names of `placesOf`. */
export function placeIn(table: MappedTable, row: Row): Row {
  const place: Record<string, string | null> = {};
  for (const name of table.key) {
    const { refers } = columnOf(table, name);
    if (!refers) place[name] = row[name]!;
    else for (const [part, text] of Object.entries(keyFrom(refers, row[name]!))) place[placeName(name, part)] = text;
  }
  return place;
}
