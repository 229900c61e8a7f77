import { otherSide, type Plan, type Side, streamName } from '@strangler/plan';
import { keyOf } from '../mapping/mapping.ts';
import { type OpenSides, withSides } from '../sides.ts';
import { awaitStreams } from '../verify.ts';
import { type DifferingRow, findDiffering, sortByOwner, stillDiffering } from './differing.ts';
import { stoppedStreams } from './recopy.ts';

/** One row that copying would change on the side that does not own it. */
export type PreviewRow = {
  readonly table: string;
  readonly key: string;
  readonly user: string;
  /** Whose truth it takes; the other side is written. */
  readonly owner: Side;
  readonly does: 'insert' | 'update' | 'delete';
  /** The columns that differ: what the other side has, and what it would have. */
  readonly columns: readonly { readonly column: string; readonly from: string | null; readonly to: string | null }[];
};

/** What copying would do, without doing it. */
export type Preview = {
  readonly capability: string;
  /** Streams that would be taken past a loss first. */
  readonly stopped: readonly string[];
  readonly rows: readonly PreviewRow[];
  /** Rows that differ, and belong to nobody known or to users being moved: nothing would be done about them. */
  readonly unclear: readonly { readonly table: string; readonly key: string }[];
};

/** Says what `recopy` or `repair` would write. Only reads. Throws Refusal if cdc does not run. */
export async function preview(plan: Plan, capability: string, progress: (line: string) => void): Promise<Preview> {
  return withSides(plan, capability, 'reader', async (sides) => {
    const stopped = (await stoppedStreams(sides)).map((direction) => streamName(capability, direction));
    const seen = await findDiffering(sides, (table, n) => progress(`${capability}.${table}: ${n} rows compared`));
    const lasting = stopped.length ? seen : await lastingOf(sides, seen);
    const { owned, unclear } = await sortByOwner(sides, lasting, await sides.owners());
    const all = owned.flatMap(({ rows: some, user, owner }) => some.flatMap((row) => previewOf(row, user, owner)));
    const rows = new Map(all.map((row) => [`${row.owner} ${row.table} ${row.key}`, row])); // it may belong to another aggregate on each side
    const left = unclear.map(({ table, key }) => ({ table: table.name, key: keyOf(table, key) }));
    return { capability, stopped, rows: [...rows.values()], unclear: left };
  });
}

/** What is only on its way differs no more once the streams have passed. */
async function lastingOf(sides: OpenSides, seen: readonly DifferingRow[]): Promise<readonly DifferingRow[]> {
  if (!seen.length) return seen;
  await awaitStreams(sides.sessions, sides.capability);
  return stillDiffering(sides, seen);
}

/** What copying makes of one row. Of columns that only declared writers change in the monolith, that has the truth. */
export function previewOf({ table, key, ...has }: DifferingRow, user: string, owner: Side): PreviewRow[] {
  const declared = owner === 'service' && has.monolith && has.service ? table.otherWriters.columns : new Set<string>();
  const isDeclared = (name: string) => declared.has(name);
  const names = table.columns.map(({ name }) => name);
  const taking = (of: Side, columns: readonly string[]): PreviewRow[] => {
    const [to, from] = [has[of], has[otherSide(of)]];
    const differing = columns.filter((name) => !from || !to || from[name] !== to[name]);
    if (!differing.length) return [];
    return [
      {
        ...{ table: table.name, key: keyOf(table, key), user, owner: of },
        does: !from ? 'insert' : !to ? 'delete' : 'update',
        columns: differing.map((column) => ({ column, from: from?.[column] ?? null, to: to?.[column] ?? null })),
      },
    ];
  };
  return [
    ...taking(
      owner,
      names.filter((name) => !isDeclared(name)),
    ),
    ...taking('monolith', names.filter(isDeclared)),
  ];
}
