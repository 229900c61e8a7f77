import { type KeptEntry, settleQuarantine, writeRecord } from '@strangler/ledger';
import { directionInto, otherSide, type Plan, type Side, streamName } from '@strangler/plan';
import { correct } from '../apply/corrections.ts';
import { isRefusal } from '../apply/failures.ts';
import { newOperation, overwritingBy } from '../apply/overwritten.ts';
import { syncedCapabilities } from '../names.ts';
import { Refusal } from '../refusal.ts';
import type { CorrectedBy, RootImage } from '../rows/change.ts';
import { holdStream, type OpenSides, withSides } from '../sides.ts';
import { awaitEqual } from './await-equal.ts';
import { refuseCut } from './cut.ts';
import { type QuarantineDecision, type Resolved, refuseSettled } from './decision.ts';
import { type Dispute, isDisputed, keeperOf, readDispute, readEntry, readTogether } from './dispute.ts';
import { type EntryName, readEntryName, sayEntry } from './entry-name.ts';
import { fixInapplicable } from './fix.ts';
import { applyKept } from './keep-late-write.ts';
import { differingColumns } from './side-by-side.ts';

/**
 * Settles an entry, with everything that was kept of the same aggregate and source transaction: the owner's rows go to
 * the other side again, or the late ones take their place, under the owner's authority, and go there as well. Audited
 * before it has an effect. Throws Refusal, driver errors.
 */
export async function resolve(plan: Plan, text: string, decision: QuarantineDecision): Promise<Resolved> {
  const name = readEntryName(text, syncedCapabilities(plan));
  return withSides(plan, name.capability, 'repair', async (sides) => {
    const entry = await readEntry(sides, name);
    refuseSettled(entry);
    if (!isDisputed(entry)) return await fixInapplicable(sides, name, entry, decision);
    const entries = await readTogether(sides, name, entry);
    if (decision.keep === 'late') refuseCut(entries);
    const dispute = await readDispute(sides, entries, false);
    refuseChanged(name, dispute, decision);
    const decided = newOperation('decided');
    await record(sides, name, dispute, decision, decided);
    const images = await decide(sides, name, entry, dispute.owner, decision, decided);
    const arrived = await awaitEqual(sides, otherSide(dispute.owner), images);
    const { operation } = decided;
    return { entries: entries.map(({ stream, id }) => sayEntry(stream, id)), owner: dispute.owner, operation, arrived };
  });
}

/** In the keeper's transaction the entries are held, so that of two operators only one decides. */
async function decide(
  sides: OpenSides,
  name: EntryName,
  entry: KeptEntry,
  owner: Side,
  decision: QuarantineDecision,
  decided: CorrectedBy,
): Promise<readonly RootImage[]> {
  const keeper = sides.sessions[keeperOf(name)];
  const session = sides.sessions[owner];
  let images: readonly RootImage[] = [];
  const act = () => holdStream(session, streamName(sides.capability, directionInto(owner)));
  await keeper.transaction(async () => {
    if (session === keeper) await act();
    const entries = await readTogether(sides, name, entry, true);
    if (!entries.some(({ id }) => id === entry.id)) refuseSettled(await readEntry(sides, name));
    const work = async () => {
      if (session !== keeper) await act();
      const dispute = await readDispute(sides, entries, true);
      if (dispute.owner !== owner)
        throw new Refusal(`user ${dispute.user} was moved meanwhile; look again: ${showOf(name)}`);
      refuseChanged(name, dispute, decision);
      images = decision.keep === 'late' ? await applyAll(sides, dispute, decided) : dispute.images;
      await correct(session, sides.capability, new Map([[dispute.user, images]]), undefined, decided);
    };
    await (session === keeper ? work() : session.transaction(work));
    const kept = decision.keep === 'late' ? 'the late write was kept' : 'the owner’s row was kept';
    const ids = entries.map(({ id }) => id);
    await settleQuarantine(keeper, ids, 'resolved', `${kept}, by ${decision.by}: ${decision.reason}`);
  });
  return images;
}

async function applyAll(sides: OpenSides, dispute: Dispute, decided: CorrectedBy): Promise<RootImage[]> {
  const { owner } = dispute;
  const stream = streamName(sides.capability, directionInto(owner));
  const provenance = { stream, position: 'strangler quarantine resolve', transaction: null };
  try {
    const how = { provenance, by: overwritingBy(decided) };
    return await applyKept(sides.sessions[owner], sides.rows[owner], dispute, how);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    throw new Refusal(
      `the ${dispute.owner}'s database does not take the late write: ${(error as Error).message}; nothing has changed. ` +
        'Fix what it names, or keep the owner’s row.',
    );
  }
}

const showOf = (name: EntryName): string => `strangler quarantine show ${name.capability}:${name.direction}:${name.id}`;

/** Throws Refusal if the owner's rows are not those the decision was made on. */
function refuseChanged(name: EntryName, dispute: Dispute, { keep, seen }: QuarantineDecision): void {
  if (seen !== undefined) {
    if (seen === dispute.seen) return;
    throw new Refusal(
      `the rows of ${sayEntry(dispute.entries[0]!.stream, name.id)} have changed since they were shown; look again: ${showOf(name)}`,
    );
  }
  if (keep === 'owner') return;
  refuseRootless(dispute);
  for (const change of dispute.changes) {
    const columns = differingColumns(change, dispute.images);
    if (!columns.length) continue;
    throw new Refusal(
      `${change.table.name} ${change.entry.key} has changed since it was kept (${columns.join(', ')}); look again: ` +
        `${showOf(name)}, and say with --seen what you saw`,
    );
  }
}

/** Throws Refusal if the late rows belong to something that the owner no longer has. */
function refuseRootless({ entries, changes, images }: Dispute): void {
  const root = images[0]!;
  const brought = changes.filter(({ after }) => after);
  if (root.row || !brought.length || brought.some(({ table }) => table.name === root.table)) return;
  throw new Refusal(
    `the owner no longer has ${entries[0]!.aggregate}, to which the late rows belong; keep the owner’s`,
  );
}

async function record(
  sides: OpenSides,
  name: EntryName,
  dispute: Dispute,
  { keep, reason, by }: QuarantineDecision,
  { operation }: CorrectedBy,
): Promise<void> {
  const { entries, owner, images, changes, user } = dispute;
  await writeRecord(sides.sessions.monolith, {
    capability: name.capability,
    event: `quarantine-keep-${keep}`,
    actor: by,
    reason,
    inputs: {
      ...{ entries: entries.map(({ stream, id }) => sayEntry(stream, id)), user, owner, operation },
      late: changes.map(({ table, before, after }) => ({ table: table.name, before, after })),
      owners: images,
    },
  });
}
