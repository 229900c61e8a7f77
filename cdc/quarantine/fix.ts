import { holdCheckpoint, type KeptEntry, readQuarantine, settleQuarantine, writeRecord } from '@strangler/ledger';
import { otherSide } from '@strangler/plan';
import { applyLate } from '../apply/apply-late.ts';
import { applyOwned } from '../apply/apply-owned.ts';
import { correct } from '../apply/corrections.ts';
import { isRefusal } from '../apply/failures.ts';
import { keepLate, keepLosers } from '../apply/quarantine-rows.ts';
import { Refusal } from '../refusal.ts';
import { changesTo, imagesOf } from '../rows/aggregates.ts';
import type { Change, RootImage } from '../rows/change.ts';
import type { OpenSides } from '../sides.ts';
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

/** The open entries of one user that a stream's target did not take, oldest first; of nobody, just this one. */
async function blockedWith(sides: OpenSides, name: EntryName, entry: KeptEntry): Promise<KeptEntry[]> {
  const all = await readQuarantine(sides.sessions[keeperOf(name)], {
    ...{ stream: entry.stream, status: 'open', reasons: ['inapplicable', 'behind-inapplicable'], lock: true },
    ...(entry.user === null ? { ids: [entry.id] } : { user: entry.user }),
  });
  if (!all.some(({ id }) => id === entry.id)) {
    throw new Refusal(`${sayEntry(entry.stream, entry.id)} has been settled meanwhile; nothing is left to do`);
  }
  return all;
}

/** Runs `task` while the stream's applier and other operators are kept off. Throws StillRefusedError. */
export async function alone(sides: OpenSides, name: EntryName, task: () => Promise<void>): Promise<void> {
  const session = sides.sessions[keeperOf(name)];
  try {
    await session.transaction(async () => {
      if (!(await holdCheckpoint(session, streamOf(name)))) throw new Refusal(`${streamOf(name)} has never run`);
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
    const changes = changesFrom(sides.mapping, entries);
    const { user, stream, position, transaction } = entry;
    const owner = user === null ? otherSide(side) : (await sides.owners())(user);
    if (owner === 'moving') throw new Refusal(`user ${user} is being moved just now; try again in a moment`);
    const provenance = { stream, position, transaction };
    if (owner !== side) await keepLosers(session, await applyOwned(rows, changes), provenance);
    else {
      // The user has come here since, so what was kept is late now.
      const late = changes.map((change) => ({ ...change, user, epoch: null }));
      const { kept, images, applied } = await applyLate(rows, late);
      await keepLate(session, kept, provenance);
      await correct(session, sides.capability, images, applied);
    }
    const ids = entries.map(({ id }) => id);
    await settleQuarantine(session, ids, 'resolved', resolution);
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
  const owner = entry.user === null ? otherSide(side) : (await sides.owners())(entry.user);
  if (owner === 'moving') throw new Refusal(`user ${entry.user} is being moved just now; try again in a moment`);
  await writeRecord(sides.sessions.monolith, {
    ...{ capability: name.capability, event: 'quarantine-keep-owner', actor: by, reason },
    inputs: { entries: [called], user: entry.user, owner },
  });
  let entries: KeptEntry[] = [];
  let images: RootImage[] = [];
  try {
    await alone(sides, name, async () => {
      entries = await blockedWith(sides, name, entry);
      images = await ownersAggregates(sides, entries, owner);
      const { session, rows } = { session: sides.sessions[side], rows: sides.rows[side] };
      if (owner === side) await correct(session, sides.capability, new Map([[entry.user, images]]));
      else {
        const changes: Change[] = await changesTo(rows, images);
        const { stream, position, transaction } = entry;
        await keepLosers(session, await applyOwned(rows, changes), { stream, position, transaction });
      }
      const ids = entries.map(({ id }) => id);
      await settleQuarantine(session, ids, 'resolved', `the owner’s rows were taken, by ${by}: ${reason}`);
    });
  } catch (error) {
    if (!(error instanceof StillRefusedError)) throw error;
    throw new Refusal(
      `the ${side}'s database does not take what the owner has now either: ${error.message}. Make room for it there, ` +
        'or change the row through the application, then try again',
    );
  }
  const arrived = await awaitEqual(sides, otherSide(owner), images);
  return { entries: entries.map(({ stream, id }) => sayEntry(stream, id)), owner, arrived };
}

async function ownersAggregates(
  sides: OpenSides,
  entries: readonly KeptEntry[],
  owner: 'monolith' | 'service',
): Promise<RootImage[]> {
  const images: RootImage[] = [];
  const roots = [...new Set(entries.map(({ aggregate }) => aggregate))].map((one) => rootFrom(sides.mapping, one));
  for (const [table, some] of Map.groupBy(roots, (root) => root.table)) {
    const keys = some.map(({ key }) => key);
    images.push(...(await imagesOf(sides.rows[owner], table, keys)));
  }
  return images;
}
