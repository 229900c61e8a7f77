import type { Capability, Table } from './capability-schema.ts';

/** One way from a row to its user: the column that holds it, or those that hold the primary key of a parent, in its order. */
export type Way = { readonly column: string } | { readonly through: readonly string[]; readonly of: string };

/** The ways from a table’s rows to their user: the first whose columns are not NULL tells it. None if they are everybody’s. */
export const waysOf = ({ user = [] }: Pick<Table, 'user'>): readonly Way[] =>
  (Array.isArray(user) ? user : [user]).map((one) =>
    typeof one === 'string' ? { column: one } : { through: [one.through].flat(), of: one.of },
  );

/** The columns of a way. */
export const columnsOfWay = (way: Way): readonly string[] => ('column' in way ? [way.column] : way.through);

/** A way as the Plan writes it. */
export const sayWay = (way: Way): string =>
  'column' in way ? way.column : `{ through: ${sayColumns(way.through)}, of: ${way.of} }`;

const sayColumns = (columns: readonly string[]): string =>
  columns.length === 1 ? columns[0]! : `[${columns.join(', ')}]`;

/** A table, and every one through which its rows may reach their user, the nearest first. */
export function tablesToUser(table: string, tables: Capability['tables']): string[] {
  const found = new Set(Object.hasOwn(tables, table) ? [table] : []);
  for (const one of found) {
    for (const way of waysOf(tables[one]!)) if ('of' in way && Object.hasOwn(tables, way.of)) found.add(way.of);
  }
  return [...found];
}
