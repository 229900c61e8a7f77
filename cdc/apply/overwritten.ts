import { randomBytes } from 'node:crypto';
import { isLost, type QuarantineEntry, type Session, waitingImages } from '@strangler/ledger';
import { keyOf, type MappedTable, type Row } from '../mapping/mapping.ts';
import { userIn } from '../mapping/user-column.ts';
import { nameOf, type Root } from '../rows/aggregates.ts';
import type { Change, CorrectedBy, Correction, RootImage } from '../rows/change.ts';
import type { KeptLate } from './apply-late.ts';
import type { Overwritten } from './apply-owned.ts';
import { digestOf, json, type Keeping, keepAll, type Overwriting, type Provenance } from './quarantine-rows.ts';

/** The owner's ordinary writes, and the copy of existing rows. */
export const BY_OWNER: Overwriting = { cause: 'overwritten', operation: null, kept: new Set() };
export const BY_COPY: Overwriting = { cause: 'copied', operation: null, kept: new Set() };

/** What a correction has overwritten. */
export const overwritingOf = ({ cause, operation, roots }: Correction): Overwriting => ({
  cause: cause ?? 'corrected',
  operation: operation ?? null,
  kept: new Set(roots.flatMap(({ kept = [] }) => kept)),
});

/** A command of an operator that has corrections written. */
export const newOperation = (cause: CorrectedBy['cause']): CorrectedBy => ({
  cause,
  operation: randomBytes(4).toString('hex'),
});

/** What an operator has overwritten by a command. */
export const overwritingBy = ({ cause, operation }: CorrectedBy): Overwriting => ({
  cause,
  operation,
  kept: new Set(),
});

/** True if what changes rows says nothing of what was there before. */
export const corrects = ({ cause }: Overwriting): boolean => cause !== 'overwritten' && cause !== 'copied';

/** The owner's aggregates, each with the digests of the late rows of it that were kept here. */
export function withKept(
  images: ReadonlyMap<string | null, readonly RootImage[]>,
  mapping: ReadonlyMap<string, MappedTable>,
  late: readonly KeptLate[],
): ReadonlyMap<string | null, readonly RootImage[]> {
  const digests = new Map<string, string[]>();
  for (const { change, root, disposition } of late) {
    if (!change.after || disposition === 'applied') continue;
    digests.set(root, [...(digests.get(root) ?? []), digestOf(change.table, change.after)]);
  }
  if (!digests.size) return images;
  const marked = (image: RootImage): RootImage => {
    const kept = digests.get(nameOf(mapping.get(image.table)!, image.key));
    return kept ? { ...image, kept } : image;
  };
  return new Map([...images].map(([user, roots]) => [user, roots.map(marked)]));
}

/** A row that was overwritten, by what, and where that came from. */
export type LostRow = Overwritten<Change & { readonly user?: string | null }> & {
  readonly by: Overwriting;
  readonly provenance: Provenance;
};

/**
 * Keeps rows of the target that were overwritten, with what the owner took for there (`before`), what was there and what
 * is there now. `rootsOf` finds the aggregates they belong to.
 */
export async function keepOverwritten(
  session: Session,
  rootsOf: (changes: readonly Change[]) => Promise<Root[]>,
  all: readonly LostRow[],
): Promise<void> {
  const unkept = all.filter(({ change, row, by }) => !by.kept.has(digestOf(change.table, row)));
  if (!unkept.length) return;
  const changes = unkept.map(({ change: { table }, row, now }) => ({ table, before: row, after: now }));
  const roots = await rootsOf(changes);
  const names = roots.map(({ table, key }) => nameOf(table, key));
  const { stream } = unkept[0]!.provenance;
  const waiting = await readWaiting(session, stream, unkept, names);
  // What the lost piece would have told is missing here: the owner's rows are older than its log says they were.
  const lost = await isLost(session, stream);
  const entries = unkept.flatMap(({ change, row, now, by, provenance }, at): Keeping[] => {
    const { table } = change;
    if (!corrects(by) && waiting.has(nameOf(table, row))) return []; // what came between waits in the quarantine
    const cause = lost && !corrects(by) ? 'recopied' : by.cause;
    const entry: QuarantineEntry = {
      ...{ ...provenance, status: 'kept', cause, operation: by.operation },
      ...{
        table: table.name,
        key: keyOf(table, row),
        aggregate: names[at]!,
        user: userOfRoot(roots[at]!) ?? change.user ?? null,
      },
      before: corrects(by) || !change.before ? null : json(change.before),
      ...{ after: json(row), owner: json(now), epoch: null, detail: null, resolution: SAID[cause] },
    };
    return [{ table, entry }];
  });
  await keepAll(session, entries);
}

const userOfRoot = ({ table, row }: Root): string | null | undefined => row && userIn(table, row);

const SAID: Readonly<Record<Overwriting['cause'], string>> = {
  overwritten: 'overwritten: the owner took another row for there',
  copied: 'overwritten by the copy of existing rows',
  corrected: 'overwritten by a correction',
  recopied: 'overwritten while a lost piece of the log was copied again',
  repaired: 'overwritten by strangler repair',
  decided: 'overwritten by what somebody decided about a kept row',
  undone: 'overwritten by strangler undo',
};

/** Rows of which an earlier change waits because the target did not take it. */
async function readWaiting(
  session: Session,
  stream: string,
  lost: readonly LostRow[],
  aggregates: readonly string[],
): Promise<Set<string>> {
  const tables = new Map(lost.map(({ change: { table } }) => [table.name, table]));
  const images = await waitingImages(session, stream, [...new Set(aggregates)]);
  return new Set(
    images.flatMap(({ table: name, image }) => {
      const table = tables.get(name);
      return table ? [nameOf(table, JSON.parse(image) as Row)] : [];
    }),
  );
}
