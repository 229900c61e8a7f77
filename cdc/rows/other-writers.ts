import type { MappedTable, Row } from '../mapping/mapping.ts';
import type { Rows } from './aggregates.ts';
import type { Change } from './change.ts';

/** True if somebody whom the Plan declares may have made this change in the monolith, whoever owns the row. */
export function isDeclared({ table, before, after }: Change): boolean {
  const { columns, inserts, deletes } = table.otherWriters;
  if (!before) return inserts;
  if (!after) return deletes;
  const changed = changedColumns(table, before, after).filter((name) => !table.touched.includes(name));
  return columns.size > 0 && changed.every((name) => columns.has(name));
}

/** True of an update that changes what only declared writers may. */
export const altersDeclared = ({ table, before, after }: Change): boolean =>
  before !== null && after !== null && [...table.otherWriters.columns].some((name) => before[name] !== after[name]);

/**
 * What a declared update makes of the owner's row: that, with the columns that were changed. A touched one that the owner has
 * changed meanwhile stays the owner's, which is on its way to the monolith and will stand there, too.
 */
export const ontoOwners = (table: MappedTable, before: Row, after: Row, owners: Row): Row => {
  const taken = changedColumns(table, before, after).filter(
    (name) => !table.touched.includes(name) || owners[name] === before[name],
  );
  return { ...owners, ...Object.fromEntries(taken.map((name) => [name, after[name]!])) };
};

/** The columns that only declared writers change on this side: none on the service, which they do not write. */
export const declaredOn = ({ side }: Pick<Rows, 'side'>, { otherWriters }: MappedTable): readonly string[] =>
  side === 'monolith' ? [...otherWriters.columns] : [];

/** An owner's row as the monolith takes it over: what only declared writers change there stays as it is there. */
export const keepingDeclared = (columns: readonly string[], row: Row, there: Row | undefined): Row =>
  there && columns.length ? { ...row, ...Object.fromEntries(columns.map((name) => [name, there[name]!])) } : row;

const changedColumns = (table: MappedTable, before: Row, after: Row): string[] =>
  table.columns.flatMap(({ name }) => (before[name] === after[name] ? [] : [name]));
