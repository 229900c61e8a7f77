import type { QuarantineEntry } from '@strangler/ledger';
import { type Direction, directionInto, otherSide, type Side, streamName } from '@strangler/plan';
import { correct } from '../apply/corrections.ts';
import { type Keeping, keepAll } from '../apply/quarantine-rows.ts';
import { keyOf, type Row } from '../mapping/mapping.ts';
import { imagesOf, type Member, nameOf } from '../rows/aggregates.ts';
import type { CorrectedBy, RootImage } from '../rows/change.ts';
import { sameRow } from '../rows/disposition.ts';
import { keepingDeclared } from '../rows/other-writers.ts';
import { holdStream, type OpenSides } from '../sides.ts';
import type { DifferingRow, Owned } from './differing.ts';

const AGGREGATES_AT_ONCE = 200;

/**
 * Writes aggregates as their users' owners have them into the owners' logs, as corrections: they reach the other side in
 * the order of the log, so nothing written meanwhile is undone. Where the way from the other side to the owner has lost a
 * piece, a row there may be a write that nobody has seen: it is kept for a person before it is overwritten.
 */
export async function copyFromOwners(
  sides: OpenSides,
  owned: readonly Owned[],
  lost: ReadonlySet<Direction>,
  by: CorrectedBy,
  onCopied: (aggregates: number) => void,
): Promise<number> {
  let kept = 0;
  for (const [owner, all] of Map.groupBy(owned, (one) => one.owner)) {
    const mayBeLate = lost.has(directionInto(owner));
    for (let at = 0; at < all.length; at += AGGREGATES_AT_ONCE) {
      const some = all.slice(at, at + AGGREGATES_AT_ONCE);
      kept += await copySome(sides, owner, some, mayBeLate, by);
      onCopied(some.length);
    }
  }
  return kept;
}

async function copySome(
  sides: OpenSides,
  owner: Side,
  some: readonly Owned[],
  mayBeLate: boolean,
  by: CorrectedBy,
): Promise<number> {
  const [session, rows] = [sides.sessions[owner], sides.rows[owner]];
  const stream = streamName(sides.capability, directionInto(owner));
  const entries = mayBeLate ? some.flatMap((one) => one.rows.flatMap((row) => entryOf(stream, one, row, by))) : [];
  await session.transaction(async () => {
    await holdStream(session, stream);
    const images = new Map<string, RootImage[]>();
    for (const [table, ofTable] of Map.groupBy(some, (one) => one.table)) {
      const keys = ofTable.map(({ key }) => key);
      for (const [at, image] of (await imagesOf(rows, table, keys, true)).entries()) {
        const { user } = ofTable[at]!;
        const own = images.get(user) ?? [];
        images.set(user, own);
        own.push(image);
      }
    }
    const { images: taking, rows: taken } = takeDeclared(sides, owner, images, some);
    await correct(session, sides.capability, taking, undefined, by);
    for (const { table, row } of taken) await rows.store(table).write([row]);
    await keepAll(session, entries);
  });
  return entries.length;
}

/**
 * What declared writers of the monolith have written there is so for the service's rows, too: gives the aggregates with
 * it, and those of their rows that it changes.
 */
function takeDeclared(
  { mapping }: OpenSides,
  owner: Side,
  images: ReadonlyMap<string, readonly RootImage[]>,
  owned: readonly Owned[],
): { readonly images: ReadonlyMap<string, readonly RootImage[]>; readonly rows: readonly Member[] } {
  if (owner === 'monolith') return { images, rows: [] };
  const differing = owned.flatMap((one) => one.rows);
  const theirs = new Map(differing.map(({ table, key, monolith }) => [nameOf(table, key), monolith]));
  const rows: Member[] = [];
  const take = (name: string, row: Row): Row => {
    const table = mapping.get(name)!;
    const declared = [...table.otherWriters.columns];
    const taken = keepingDeclared(declared, row, theirs.get(nameOf(table, row)) ?? undefined);
    if (!sameRow(table, taken, row)) rows.push({ table, row: taken });
    return taken;
  };
  const taking = (image: RootImage): RootImage => ({
    ...image,
    row: image.row && take(image.table, image.row),
    children: image.children.map(({ table, row }) => ({ table, row: take(table, row) })),
  });
  return { images: new Map([...images].map(([user, roots]) => [user, roots.map(taking)])), rows };
}

/** What the side that does not own has of a row, to be looked at by a person. */
function entryOf(
  stream: string,
  { table: of, key, user, owner }: Owned,
  row: DifferingRow,
  { operation }: CorrectedBy,
): Keeping[] {
  const theirs = row[otherSide(owner)];
  if (!theirs) return [];
  const entry: QuarantineEntry = {
    ...{ stream, status: 'open', cause: 'late-write', table: row.table.name, key: keyOf(row.table, row.key) },
    ...{ aggregate: nameOf(of, key), user, before: null, after: JSON.stringify(theirs) },
    owner: row[owner] && JSON.stringify(row[owner]),
    ...{ position: 'strangler recopy', transaction: null, epoch: null },
    detail: 'found when the capability was copied again: the piece of the log that would have told of it is lost',
    ...{ resolution: null, operation },
  };
  return [{ table: row.table, entry }];
}
