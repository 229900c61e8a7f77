import { type KeptEntry, readQuarantine, settleQuarantine, writeRecord } from '@strangler/ledger';
import { otherSide, type Side } from '@strangler/plan';
import { applyAndKeep } from '../apply/apply-and-keep.ts';
import { applyLate } from '../apply/apply-late.ts';
import { correct } from '../apply/corrections.ts';
import { isRefusal } from '../apply/failures.ts';
import { BY_OWNER, newOperation, overwritingBy } from '../apply/overwritten.ts';
import { keepLate } from '../apply/quarantine-rows.ts';
import { Refusal } from '../refusal.ts';
import { changesTo, imagesOf, nameOf } from '../rows/aggregates.ts';
import type { Change, RootImage } from '../rows/change.ts';
import { holdStream, type OpenSides } from '../sides.ts';
import { awaitEqual } from './await-equal.ts';
import { refuseCut } from './cut.ts';
import type { QuarantineDecision, Resolved } from './decision.ts';
import { changesFrom, keeperOf, rootFrom } from './dispute.ts';
import { type EntryName, sayEntry, streamOf } from './entry-name.ts';

/** What a target's database said against rows. */
export class StillRefusedError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'StillRefusedError';
  }
}

/**
 * The open entries that a stream's target did not take and that hang together with this one, oldest first: its user's,
 * those of whoever had or got a row of theirs, and so on; of nobody, just this one.
 */
async function blockedWith(sides: OpenSides, name: EntryName, entry: KeptEntry): Promise<KeptEntry[]> {
  const read = (which: { readonly ids: number[] } | { readonly around: string[] }) =>
    readQuarantine(sides.sessions[keeperOf(name)], {
      ...{ stream: entry.stream, status: 'open', causes: ['inapplicable', 'behind-inapplicable'], lock: true },
      ...which,
    });
  let users = usersOf([entry]);
  let all = await read(users.length ? { around: users } : { ids: [entry.id] });
  while (users.length && usersOf(all).length > users.length) {
    users = usersOf(all);
    all = await read({ around: users });
  }
  if (!all.some(({ id }) => id === entry.id)) {
    throw new Refusal(`${sayEntry(entry.stream, entry.id)} has been settled meanwhile; nothing is left to do`);
  }
  return all;
}

const usersOf = (entries: readonly KeptEntry[]): string[] => [
  ...new Set(entries.flatMap(({ user }) => (user === null ? [] : [user]))),
];

/** Who owns the users of entries that are settled together; nobody's are the other side's. Throws Refusal. */
async function ownerOf(sides: OpenSides, entries: readonly KeptEntry[], otherwise: Side): Promise<Side> {
  const users = usersOf(entries);
  if (!users.length) return otherwise;
  const owners = await sides.owners();
  const moving = users.find((user) => owners(user) === 'moving');
  if (moving !== undefined) throw new Refusal(`user ${moving} is being moved just now; try again in a moment`);
  const found = [...new Set(users.map((user) => owners(user) as Side))];
  if (found.length === 1) return found[0]!;
  throw new Refusal(
    `rows of users ${users.join(', ')} hang together, and these users are on different sides; ` +
      'move them to one side, or change the rows through the application',
  );
}

/** Runs `task` while the stream's applier and other operators are kept off. Throws StillRefusedError. */
export async function alone(sides: OpenSides, name: EntryName, task: () => Promise<void>): Promise<void> {
  const session = sides.sessions[keeperOf(name)];
  try {
    await session.transaction(async () => {
      await holdStream(session, streamOf(name));
      await task();
    });
  } catch (error) {
    throw isRefusal(error) ? new StillRefusedError((error as Error).message) : error;
  }
}

/**
 * Tries again to apply what was kept of the entry's user because the target did not take it: all of it, in its order, or
 * nothing. Gives the entries that are settled by it. The running stream goes on with the user by itself.
 */
export async function retryInapplicable(
  sides: OpenSides,
  name: EntryName,
  entry: KeptEntry,
  resolution: string,
): Promise<KeptEntry[]> {
  const side = keeperOf(name);
  const [session, rows] = [sides.sessions[side], sides.rows[side]];
  let entries: KeptEntry[] = [];
  await alone(sides, name, async () => {
    entries = await blockedWith(sides, name, entry);
    refuseCut(entries);
    const { user, stream, position, transaction } = entry;
    const owner = await ownerOf(sides, entries, otherSide(side));
    const provenance = { stream, position, transaction };
    const ids = entries.map(({ id }) => id);
    await settleQuarantine(session, ids, 'resolved', resolution); // first: what is settled is not waited for
    const changes = changesFrom(sides.mapping, entries);
    if (user === null) {
      // Nothing behind it was kept back, so it may be old: what is there now is taken.
      const now = await changesTo(rows, await ownersAggregates(sides, entries, otherSide(side)));
      await applyAndKeep(
        session,
        rows,
        now.map((change) => ({ change, provenance, by: BY_OWNER })),
      );
    } else if (owner !== side) {
      const writings = changes.map((change) => ({ change, provenance, by: BY_OWNER }));
      await applyAndKeep(session, rows, writings);
    } else {
      // The user has come here since, so what was kept is late now.
      const late = changes.map((change) => ({ ...change, user: change.entry.user, epoch: null }));
      const { kept, images, applied } = await applyLate(rows, late);
      await keepLate(session, kept, provenance);
      await correct(session, sides.capability, images, applied);
    }
  });
  return entries;
}

/** Settles what the target did not take of the entry's user by what the user's owner has now. Throws Refusal. */
export async function fixInapplicable(
  sides: OpenSides,
  name: EntryName,
  entry: KeptEntry,
  { keep, reason, by }: QuarantineDecision,
): Promise<Resolved> {
  const called = sayEntry(entry.stream, entry.id);
  const side = keeperOf(name);
  if (keep === 'late') {
    throw new Refusal(
      `${called} is no late write: it is the owner's own, and the ${side}'s database did not take it (${entry.detail ?? 'it waits behind another'}). ` +
        `Make room for it and run strangler quarantine retry ${called}, or take what the owner has now with --keep owner`,
    );
  }
  let owner = await ownerOf(sides, [entry], otherSide(side));
  const decided = newOperation('decided');
  await writeRecord(sides.sessions.monolith, {
    ...{ capability: name.capability, event: 'quarantine-keep-owner', actor: by, reason },
    inputs: { entries: [called], user: entry.user, owner, operation: decided.operation },
  });
  let entries: KeptEntry[] = [];
  let images: RootImage[] = [];
  try {
    await alone(sides, name, async () => {
      entries = await blockedWith(sides, name, entry);
      owner = await ownerOf(sides, entries, otherSide(side));
      images = await ownersAggregates(sides, entries, owner);
      const { session, rows } = { session: sides.sessions[side], rows: sides.rows[side] };
      const ids = entries.map(({ id }) => id);
      await settleQuarantine(session, ids, 'resolved', `the owner’s rows were taken, by ${by}: ${reason}`);
      if (owner === side) await correct(session, sides.capability, byUser(sides, entries, images), undefined, decided);
      else {
        const { stream, position, transaction } = entry;
        const how = { provenance: { stream, position, transaction }, by: overwritingBy(decided) };
        const changes: Change[] = await changesTo(rows, images);
        await applyAndKeep(
          session,
          rows,
          changes.map((change) => ({ change, ...how })),
        );
      }
    });
  } catch (error) {
    if (!(error instanceof StillRefusedError)) throw error;
    throw new Refusal(
      `the ${side}'s database does not take what the owner has now either: ${error.message}. Make room for it there, ` +
        'or change the row through the application, then try again',
    );
  }
  const arrived = await awaitEqual(sides, otherSide(owner), images);
  const { operation } = decided;
  return { entries: entries.map(({ stream, id }) => sayEntry(stream, id)), owner, operation, arrived };
}

/** Aggregates by the user whom the newest of some entries names. */
function byUser(
  { mapping }: OpenSides,
  entries: readonly KeptEntry[],
  images: readonly RootImage[],
): Map<string | null, RootImage[]> {
  const users = new Map(entries.map(({ aggregate, user }) => [aggregate, user]));
  return Map.groupBy(images, ({ table, key }) => users.get(nameOf(mapping.get(table)!, key)) ?? null);
}

async function ownersAggregates(sides: OpenSides, entries: readonly KeptEntry[], owner: Side): Promise<RootImage[]> {
  const images: RootImage[] = [];
  const roots = [...new Set(entries.map(({ aggregate }) => aggregate))].map((one) => rootFrom(sides.mapping, one));
  for (const [table, some] of Map.groupBy(roots, (root) => root.table)) {
    const keys = some.map(({ key }) => key);
    images.push(...(await imagesOf(sides.rows[owner], table, keys)));
  }
  return images;
}
