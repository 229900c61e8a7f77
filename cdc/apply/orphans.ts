import type { Session } from '@strangler/ledger';
import { keyOf, type MappedTable, type Row } from '../mapping/mapping.ts';
import { userIn } from '../mapping/user-column.ts';
import { chunks, imagesOf, membersOf, nameOf, type Root, type Rows, rootsOf } from '../rows/aggregates.ts';
import type { Change, RootImage } from '../rows/change.ts';
import { usersOfImages } from '../rows/users.ts';
import { removeWhole } from './apply-owned.ts';
import { correct } from './corrections.ts';
import { digestOf, json, type Keeping, keepAll, type Provenance } from './quarantine-rows.ts';
import type { Orphan } from './touched.ts';

/** A row that lost its parent: as it was, as it is now (null: gone, perhaps with one above it), and why. */
type Taken = {
  readonly table: MappedTable;
  readonly row: Row;
  readonly now: Row | null;
  readonly root: Root;
  readonly lost: string;
  readonly tell: boolean;
};

/**
 * Does with rows that have no parent what a foreign key would have done: takes them away with everything below them, or the
 * reference from them. Each is kept, and a correction tells the side that owns it: if that side still has the parent,
 * because somebody deleted it whose it was not, the row comes back. `rows` notes what it removes.
 */
export async function takeOrphans(
  session: Session,
  capability: string,
  rows: Rows,
  orphans: readonly Orphan[],
  provenance: Provenance,
): Promise<void> {
  const taken: Taken[] = [];
  /** Of rows that have lost another parent, too. */
  const left = new Map<string, Row | null>();
  for (const [reference, all] of Map.groupBy(orphans, (one) => one.reference)) {
    const { child } = reference;
    const some = all.flatMap(({ row: found, tell }) => {
      const name = nameOf(child, found);
      const row = left.has(name) ? left.get(name) : found;
      return row ? [{ row, tell }] : [];
    });
    const gone = some.map(({ row }) => row);
    const roots = await rootsOf(
      rows,
      gone.map((row): Change => ({ table: child, before: row, after: null })),
    );
    const isCleared = reference.loses === 'the reference';
    const members = isCleared ? new Map() : await membersOf(rows, child, gone, true);
    const cleared = (row: Row) => ({ ...row, ...Object.fromEntries(reference.pairs.map(([from]) => [from, null])) });
    for (const [at, { row, tell }] of some.entries()) {
      const about = { root: roots[at]!, lost: sayParent(reference, row), tell };
      taken.push({ table: child, row, now: isCleared ? cleared(row) : null, ...about });
      for (const member of members.get(keyOf(child, row)) ?? []) taken.push({ ...member, now: null, ...about });
    }
    for (const { table, row, now } of taken) left.set(nameOf(table, row), now);
    if (!isCleared) await removeWhole(rows, child, gone, members);
    else for (const chunk of chunks(gone)) await rows.store(child).write(chunk.map(cleared), chunk);
  }
  await keepAll(
    session,
    taken.map((one) => keepingOf(one, provenance)),
  );
  await correct(session, capability, await imagesAfter(rows, taken));
}

const sayParent = ({ parent, pairs }: Orphan['reference'], row: Row): string =>
  nameOf(parent, Object.fromEntries(pairs.map(([from, to]) => [to, row[from]!])));

const userOf = ({ table, row }: Root): string | null => (row && userIn(table, row)) ?? null;

function keepingOf({ table, row, now, root, lost }: Taken, provenance: Provenance): Keeping {
  const entry = {
    ...({ ...provenance, status: 'kept', cause: 'orphaned', operation: null, epoch: null, detail: lost } as const),
    ...{ table: table.name, key: keyOf(table, row), aggregate: nameOf(root.table, root.key), user: userOf(root) },
    ...{ before: null, after: json(row), owner: json(now) },
    resolution: now ? `its reference was taken: ${lost} is gone` : `deleted: ${lost} is gone`,
  };
  return { table, entry };
}

/** The aggregates they were part of, as they are without them, by user; the other side need not keep those rows once more. */
async function imagesAfter(rows: Rows, taken: readonly Taken[]): Promise<Map<string | null, RootImage[]>> {
  const told = Map.groupBy(
    taken.filter(({ tell }) => tell),
    ({ root }) => nameOf(root.table, root.key),
  );
  const images = new Map<string | null, RootImage[]>();
  for (const [table, some] of Map.groupBy(told.values(), ([first]) => first!.root.table)) {
    const keys = some.map(([first]) => first!.root.key);
    const left = await imagesOf(rows, table, keys, true);
    const users = await usersOfImages(
      rows,
      left,
      some.map(([first]) => userOf(first!.root)),
    );
    for (const [at, image] of left.entries()) {
      const [those, user] = [some[at]!, users[at]!];
      const kept = those.map((one) => digestOf(one.table, one.row));
      images.set(user, [...(images.get(user) ?? []), { ...image, kept }]);
    }
  }
  return images;
}
