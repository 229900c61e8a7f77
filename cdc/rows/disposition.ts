import type { MappedTable, Row } from '../mapping/mapping.ts';

/** A late change of one row, and what the owner has. */
export type Late = {
  readonly before: Row | null;
  readonly after: Row | null;
  /** The owner's row with the same primary key. */
  readonly current: Row | null;
  /** Other rows of the owner that are the same thing (`sameWhen`) as the late one. */
  readonly rivals: readonly Row[];
};

/** `apply` it, it is `superseded` by what the owner has, or a person decides: `open`. */
export type Disposition = 'apply' | 'superseded' | 'open';

/** True if two rows agree in every column, apart from those to leave out. */
export function sameRow(table: MappedTable, a: Row, b: Row, leaveOut: readonly string[] = []): boolean {
  return table.columns.every(({ name }) => a[name] === b[name] || leaveOut.includes(name));
}

/** What becomes of a late change of one row (docs/how-it-works.md#late-writes). */
export function dispose(table: MappedTable, { before, after, current, rivals }: Late): Disposition {
  if (after === null) {
    if (current === null) return 'superseded';
    return before && sameRow(table, before, current) ? 'apply' : 'open';
  }
  if (current && sameRow(table, after, current, table.touched)) return 'superseded';
  if (before === null) {
    if (current) return 'open';
    return rivals.length ? 'superseded' : 'apply';
  }
  return current && sameRow(table, before, current) && !rivals.length ? 'apply' : 'open';
}

/** What becomes of a whole aggregate: one open row opens all of it, one superseded insert supersedes all of it. */
export function disposeAggregate(table: readonly MappedTable[], lates: readonly Late[]): Disposition[] {
  const each = lates.map((late, at) => dispose(table[at]!, late));
  if (each.includes('open')) return each.map(() => 'open');
  const replaced = lates.some((late) => late.before === null && late.rivals.length > 0);
  return replaced ? each.map(() => 'superseded') : each;
}

/** True if nothing that identifies the row in `sameWhen` is NULL. */
export const hasIdentity = (table: MappedTable, row: Row): boolean =>
  table.sameWhen.length > 0 && table.sameWhen.every((column) => row[column] !== null);
