import type { MappedTable, Row } from '../mapping/mapping.ts';
import { nameOf, type Root } from '../rows/aggregates.ts';
import type { Change } from '../rows/change.ts';

/** A late change that names its user; several of one row in one transaction are one. */
export type LateChange = Change & { readonly user: string | null; readonly epoch: number | null };

/** The late changes of one aggregate, by its root. */
export type Aggregate = { readonly table: MappedTable; readonly key: Row; readonly changes: LateChange[] };

/** Several changes of one row in one transaction are one change. */
export function mergeByRow(changes: readonly LateChange[]): LateChange[] {
  const merged = new Map<string, LateChange>();
  for (const change of changes) {
    const name = nameOf(change.table, (change.after ?? change.before)!);
    const earlier = merged.get(name);
    merged.set(name, earlier ? { ...change, before: earlier.before } : change);
  }
  return [...merged.values()].filter(({ before, after }) => before || after);
}

/** Changes by the aggregates they belong to; `roots` in the order of the changes. */
export function groupByRoot(roots: readonly Root[], changes: readonly LateChange[]): Aggregate[] {
  const aggregates = new Map<string, Aggregate>();
  for (const [at, { table, key }] of roots.entries()) {
    const name = nameOf(table, key);
    const aggregate = aggregates.get(name) ?? { table, key, changes: [] };
    aggregates.set(name, aggregate);
    aggregate.changes.push(changes[at]!);
  }
  return [...aggregates.values()];
}
