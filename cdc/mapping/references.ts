import type { ForeignKey } from './foreign-keys.ts';
import type { MappedTable } from './mapping.ts';
import { certainWays } from './user-column.ts';

/** A way from a row to another one that must be there, by the monolith's names. */
export type Reference = {
  readonly child: MappedTable;
  readonly parent: MappedTable;
  readonly pairs: readonly (readonly [string, string])[];
};

/** A foreign key between two mapped tables, by the monolith's names; undefined if it is none, or uses a column that is not mapped. */
export function referenceOf(tables: readonly MappedTable[], key: ForeignKey): Reference | undefined {
  const find = (name: string) => tables.find((table) => table.tables[key.side] === name);
  const [child, parent] = [find(key.child), find(key.parent)];
  if (!child || !parent) return undefined;
  const nameIn = ({ columns, ownId }: MappedTable, column: string) =>
    [...columns, ...(ownId ? [ownId.column] : [])].find((one) => one[key.side].name === column)?.name;
  const pairs = key.pairs.map(([from, to]) => [nameIn(child, from), nameIn(parent, to)] as const);
  if (pairs.some(([from, to]) => from === undefined || to === undefined)) return undefined;
  return { child, parent, pairs: pairs as [string, string][] };
}

/** True if the tables themselves say that a row and the one it refers to have one user: it is the way to the user, or carries it. */
export function isOfOneUser({ child, parent, pairs }: Reference): boolean {
  const has = (from: string, to: string | undefined) => pairs.some((pair) => pair[0] === from && pair[1] === to);
  const above = certainWays(parent.user);
  return certainWays(child.user).some((way) =>
    'of' in way
      ? way.of === parent.name && way.through.every((from, at) => has(from, parent.key[at]))
      : above.some((one) => 'column' in one && has(way.column, one.column)),
  );
}
